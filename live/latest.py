"""`Latest[T]`: the one-slot mailbox between two stages. Newest wins; nothing queues."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Closed(Exception):
    """The mailbox was closed and holds nothing more."""


class Latest(Generic[T]):
    """A one-slot mailbox for one writer and one reader.

    `put` never blocks and replaces an item that nobody took, which `dropped` counts.
    """

    def __init__(self) -> None:
        self._item: T | None = None
        self._changed = threading.Condition()
        self._closed = False
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """Items replaced before anybody took them."""
        return self._dropped

    def put(self, item: T) -> None:
        """Leave `item`, replacing what is there. After `close` it is ignored."""
        with self._changed:
            if self._closed:
                return
            if self._item is not None:
                self._dropped += 1
            self._item = item
            self._changed.notify()

    def take(self, timeout_s: float | None = None) -> T | None:
        """Wait for an item and take it; None when `timeout_s` passes first.

        Raises `Closed` once the mailbox is closed, also while waiting.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._item is not None or self._closed, timeout_s)
            if self._closed:
                raise Closed
            item, self._item = self._item, None
            return item

    def close(self) -> None:
        """Wake the reader with `Closed`. May be called twice."""
        with self._changed:
            self._closed = True
            self._item = None
            self._changed.notify_all()
