"""What one viewer still has to receive: a short queue, cut to a key frame when it is full."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from live.latest import Closed
from live.stream.encoder import Codec, Coded

LONGEST = 8
"""Coded pictures that may wait for one viewer: a quarter of a second at 30 per second."""


class Subscription:
    """One viewer's queue. Lives on the event loop that made it; only `ask_key_frame` is free.

    A new one starts at a key frame. One that is full is emptied, and starts anew at the next key
    frame: a slow viewer loses pictures, and nobody waits for it.
    """

    def __init__(
        self,
        codec: Codec,
        ask_key_frame: Callable[[], None],
        on_close: Callable[[Subscription], None],
        longest: int = LONGEST,
    ) -> None:
        self.codec = codec
        self.loop = asyncio.get_running_loop()
        self.ask_key_frame = ask_key_frame
        self.dropped = 0  # coded pictures that this viewer missed
        self._on_close = on_close
        self._longest = longest
        self._waiting: deque[Coded] = deque()
        self._needs_key_frame = True
        self._changed = asyncio.Event()
        self._closed = False

    def put(self, coded: Coded) -> None:
        """Queue a coded picture, or drop it: never blocks."""
        if self._closed:
            return
        if len(self._waiting) >= self._longest:
            self._cut()
            if not coded.key_frame:
                self.ask_key_frame()
        if self._needs_key_frame and not coded.key_frame:
            self.dropped += 1
            return
        self._needs_key_frame = False
        self._waiting.append(coded)
        self._changed.set()

    def _cut(self) -> None:
        self.dropped += len(self._waiting)
        self._waiting.clear()
        self._needs_key_frame = True

    async def next(self) -> Coded:
        """The oldest waiting picture. Raises `Closed` once closed."""
        while not self._waiting and not self._closed:
            self._changed.clear()
            await self._changed.wait()
        if self._closed:
            raise Closed
        return self._waiting.popleft()

    def close(self) -> None:
        """Leave the hub and wake whoever waits. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._waiting.clear()
        self._changed.set()
        self._on_close(self)
