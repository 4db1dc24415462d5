"""How often viewers may have a key frame: asks are gathered and answered at a bounded rate."""

from __future__ import annotations

import threading
from collections import deque

PER_SECOND = 2


class KeyFrameGate:
    """Gathers asks from any thread; grants at most `PER_SECOND` in any second.

    An ask that comes too early is kept and granted as soon as the second allows it.
    """

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._granted_s: deque[float] = deque(maxlen=PER_SECOND)

    def ask(self) -> None:
        """Want a key frame, soon."""
        self._asked.set()

    def take(self, now_s: float) -> bool:
        """Whether the picture coded at `now_s` must be a key frame. For the encode thread alone."""
        if not self._asked.is_set():
            return False
        full = len(self._granted_s) == PER_SECOND
        if full and now_s - self._granted_s[0] < 1.0:
            return False
        self._asked.clear()
        self._granted_s.append(now_s)
        return True
