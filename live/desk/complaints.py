"""What other desks send wrongly: counted, each said once, and never a flood of it."""

from __future__ import annotations

import logging
import threading
from collections import deque

log = logging.getLogger(__name__)

MOST = 200
"""Different mistakes that are logged; those after them are counted."""
A_SECOND = 5
"""Answers and lines of the log."""


class Complaints:
    """Pure but for the log: the clock is passed in. From any thread."""

    def __init__(self, desk: str) -> None:
        """`desk`: who makes these mistakes, "OSC"."""
        self.count = 0
        self._desk = desk
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._lately_s: deque[float] = deque(maxlen=A_SECOND)

    def note(self, about: str, sentence: str, now_s: float) -> bool:
        """Log a mistake, the first time for each `about`. Returns whether to answer it."""
        with self._lock:
            return self._note(about[:200], sentence, now_s)

    def _note(self, about: str, sentence: str, now_s: float) -> bool:
        self.count += 1
        if len(self._lately_s) == A_SECOND and now_s - self._lately_s[0] < 1.0:
            return False
        self._lately_s.append(now_s)
        if about not in self._known and len(self._known) < MOST:
            self._known.add(about)
            log.warning("%s: %s", self._desk, sentence)
            if len(self._known) == MOST:
                log.warning("%s: that is %d mistakes; no more are logged", self._desk, MOST)
        return True
