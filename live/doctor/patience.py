"""Calls that may hang: each in a thread that is left behind.

No daemon: one that computes in native code while Python ends would abort the process. Whoever ends
the process sees that it still runs, and ends without it (`run_live.leave`).
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def within(limit_s: float, call: Callable[[], T], late: T, name: str = "doctor") -> T:
    """What `call` returns; `late` where it takes longer than that. Raises what it raises."""
    answers: queue.SimpleQueue[tuple[T, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            answers.put((call(), None))
        except BaseException as error:  # the thread's top: it is raised where it was asked for
            answers.put((late, error))

    threading.Thread(target=run, name=name, daemon=False).start()
    try:
        answer, error = answers.get(timeout=max(limit_s, 0.0))
    except queue.Empty:
        return late
    if error is not None:
        raise error
    return answer
