"""`Watchdog`: says that the show is well only while new pictures really leave.

Where it falls silent, systemd or `live.supervise` kills the process and starts it again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from live.notify import Notifier

log = logging.getLogger(__name__)

PATIENCE_S = 5.0
"""Seconds without a new picture that are no reason to begin anew: a busy machine has some."""
SAY_S = 1.0
"""Seconds between two words at most; more often where who listens wants it."""


class Watchdog:
    """Says READY=1 at `start`, WATCHDOG=1 while `stale_s` is small, STOPPING=1 at `close`."""

    def __init__(
        self,
        notifier: Notifier,
        stale_s: Callable[[], float],
        status: Callable[[], str] = lambda: "",
        patience_s: float = PATIENCE_S,
    ) -> None:
        """`stale_s`: seconds since a new picture left; `status`: one line for who looks."""
        self._notifier = notifier
        self._stale_s = stale_s
        self._status = status
        self._patience_s = patience_s
        wanted_s = notifier.watchdog_s
        self._every_s = SAY_S if wanted_s is None else min(SAY_S, wanted_s / 3)
        self._left = threading.Event()
        self._silent = False
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """The show runs. Once only."""
        self._notifier.say("READY=1")
        self._thread.start()

    def close(self) -> None:
        """The show ends. From any state; may be called twice."""
        if self._closed:
            return
        self._closed = True
        self._left.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._notifier.say("STOPPING=1")
        self._notifier.close()

    def _run(self) -> None:
        while not self._left.wait(self._every_s):
            self._look()

    def _look(self) -> None:
        stale_s = self._stale_s()
        if stale_s < self._patience_s:
            self._notifier.say("WATCHDOG=1", f"STATUS={self._status()}")
            self._silent = False
        elif not self._silent:
            self._silent = True
            log.error("no new picture for %.1f s; who started the show is told no more", stale_s)
