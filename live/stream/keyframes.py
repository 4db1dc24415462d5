"""How often viewers may have a key frame: asks are gathered and answered at a bounded rate."""

from __future__ import annotations

import threading
from collections import deque

PER_SECOND = 2
"""Key frames in any second for viewers who lost something."""

START_GAP_S = 0.15
"""Between a key frame and the next one for viewers who have just come: they see nothing yet, and
a crowd that comes at once shares one."""


class KeyFrameGate:
    """Gathers asks from any thread; grants at most `PER_SECOND` in any second to those who watch.

    An ask that comes too early is kept and granted as soon as it may. Who begins to watch waits
    for `START_GAP_S` at most.
    """

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._starting = threading.Event()
        self._granted_s: deque[float] = deque(maxlen=PER_SECOND)

    def ask(self) -> None:
        """Want a key frame, soon."""
        self._asked.set()

    def ask_to_start(self) -> None:
        """Want a key frame to begin with."""
        self._starting.set()

    def take(self, now_s: float) -> bool:
        """Whether the picture coded at `now_s` must be a key frame. For the encode thread alone."""
        if not (self._may_start(now_s) or self._may_repair(now_s)):
            return False
        self._asked.clear()  # one key frame serves both
        self._starting.clear()
        self._granted_s.append(now_s)
        return True

    def _may_start(self, now_s: float) -> bool:
        soon = bool(self._granted_s) and now_s - self._granted_s[-1] < START_GAP_S
        return self._starting.is_set() and not soon

    def _may_repair(self, now_s: float) -> bool:
        full = len(self._granted_s) == PER_SECOND
        return self._asked.is_set() and not (full and now_s - self._granted_s[0] < 1.0)
