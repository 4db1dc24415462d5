"""Keeps a native library's start-up chatter off the terminal, and nothing else."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import IO

# Two threads interleaved would leave descriptor 2 held for good; one may nest.
_one_at_a_time = threading.RLock()


@contextmanager
def quiet_native_log(chatter: re.Pattern[bytes]) -> Iterator[None]:
    """Within, file descriptor 2 is held back; at the end every line without
    `chatter` in it is written out.

    Python's own `sys.stderr` writes there too and is held back with it.
    """
    with ExitStack() as stack:
        stack.enter_context(_one_at_a_time)
        with suppress(OSError):  # a full disk or a closed terminal: then let it chatter
            _hold_back(stack, chatter)
        yield


def _hold_back(stack: ExitStack, chatter: re.Pattern[bytes]) -> None:
    """Point descriptor 2 at a file until `stack` ends, then write out what is no chatter."""
    held = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 (the stack closes it)
    _flush()
    terminal = os.dup(2)
    stack.callback(_write_out, held, terminal, chatter)
    os.dup2(held.fileno(), 2)


def _write_out(held: IO[bytes], terminal: int, chatter: re.Pattern[bytes]) -> None:
    _flush()
    os.dup2(terminal, 2)
    os.close(terminal)
    held.seek(0)
    rest = b"".join(line for line in held if not chatter.search(line))
    with suppress(OSError):  # nobody reads any more
        if rest:
            os.write(2, rest)


def _flush() -> None:
    if sys.stderr is not None:  # as it is under Windows' pythonw
        with suppress(OSError):
            sys.stderr.flush()
