"""Orders that may take long, one after another, in a thread beside the one that hears them."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

log = logging.getLogger(__name__)

MOST = 1000
CLOSE_S = 2.0

Order = Callable[[], None]
"""Carries one out, and says itself what goes wrong."""


class OrderLane:
    """Keeps orders in their order. What is safety's does not come here: it waits for nobody."""

    def __init__(self, name: str, most: int = MOST) -> None:
        """`name` is the thread's; `most` is how many may wait."""
        self._most = most
        self._waiting: deque[Order] = deque()
        self._news = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin. Once only."""
        self._thread.start()

    def put(self, order: Order) -> bool:
        """Let it wait for its turn; False where as many wait as may. At once, from any thread."""
        with self._news:
            if len(self._waiting) >= self._most:
                return False
            self._waiting.append(order)
            self._news.notify()
        return True

    def close(self) -> None:
        """Begin none any more; an order that hangs is left to itself. May be called twice."""
        with self._news:
            self._closed = True
            self._news.notify()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(CLOSE_S)

    def _run(self) -> None:
        while (order := self._next()) is not None:
            try:
                order()
            except Exception:  # the thread's top: those behind it are carried out all the same
                log.exception("%s: an order failed", self._thread.name)

    def _next(self) -> Order | None:
        with self._news:
            while not self._closed:
                if self._waiting:
                    return self._waiting.popleft()
                self._news.wait()
        return None
