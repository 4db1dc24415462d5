"""A command that works for long: stopped or killed, the same command goes on where it was."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from tqdm import tqdm

from live.errors import EXIT_BAD_INPUT, UnderstudyError

EXIT_STOPPED = 130  # as a shell tells of Ctrl-C


def sit(work: Callable[[], object]) -> int:
    """Do `work` until it ends or is stopped, SIGTERM like Ctrl-C; returns the exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with no_denormals():
            work()
    except UnderstudyError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return EXIT_STOPPED
    return 0


@contextmanager
def no_denormals() -> Iterator[None]:
    """Numbers below 1e-38 count as 0 in this thread and in those that it begins.

    Gradients of what is learned, and the momentum of weights that no gradient reaches any more,
    sink there in some thousand steps, and a CPU takes many times as long for such numbers: after
    forty minutes a step of the student took 300 ms with them and 164 without. torch cannot do it
    on every CPU; then nothing changes.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def percent_bar(done: float, shown: bool, name: str | None = None) -> tqdm[Any]:
    """A bar of 100 %, with the time left; `done`, in [0, 1], was reached in sittings before."""
    shape = "{l_bar}{bar}| {elapsed}<{remaining}{postfix}"
    return tqdm(
        total=100, initial=round(100 * done, 2), bar_format=shape, desc=name, disable=not shown
    )
