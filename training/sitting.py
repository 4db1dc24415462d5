"""A command that works for long: stopped or killed, the same command goes on where it was."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable

from live.errors import EXIT_BAD_INPUT, UnderstudyError

EXIT_STOPPED = 130  # as a shell tells of Ctrl-C


def sit(work: Callable[[], object]) -> int:
    """Do `work` until it ends or is stopped, SIGTERM like Ctrl-C; returns the exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        work()
    except UnderstudyError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return EXIT_STOPPED
    return 0
