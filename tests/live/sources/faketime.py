"""A clock that only moves when somebody waits, and a way to wait that takes no time."""

from __future__ import annotations

import threading

from live.sources import Timebase


class FakeTime:
    """Time that passes only in `wait`, and by hand."""

    def __init__(self, now_s: float = 0.0) -> None:
        self.now_s = now_s

    def clock(self) -> float:
        return self.now_s

    def wait(self, event: threading.Event, timeout_s: float) -> bool:
        self.now_s += timeout_s
        return event.is_set()

    @property
    def base(self) -> Timebase:
        return Timebase(self.clock, self.wait)
