"""A thread that does what is due when it is due."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)

Tick = Callable[[], float | None]
"""Does what is due; seconds until there is more to do, None: not until somebody notifies."""


class TickThread:
    """Ticks, waits until the next thing is due or `turn` is notified, and ticks again."""

    def __init__(self, name: str, turn: threading.Condition, tick: Tick) -> None:
        """`turn` is held while `tick` runs."""
        self._turn = turn
        self._tick = tick
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin. Once only."""
        self._thread.start()

    def close(self) -> None:
        """End. From any state; may be called twice."""
        with self._turn:
            self._closed = True
            self._turn.notify_all()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        with self._turn:  # let go of while it waits
            while not self._closed:
                if (left_s := self._safe_tick()) != 0:
                    self._turn.wait(left_s)

    def _safe_tick(self) -> float | None:
        try:
            return self._tick()
        except Exception:  # the thread's top: what comes later is done all the same
            log.exception("%s failed", self._thread.name)
            return None
