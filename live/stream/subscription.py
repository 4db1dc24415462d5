"""What one viewer still has to receive: a short queue, cut to a key frame when it is full."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

from live.latest import Closed
from live.stream.encoder import Codec, Coded
from live.stream.steering import Line, Rung, SteerSettings, after_estimate, after_loss
from live.stream.throughput import Throughput

LONGEST = 8
"""Coded pictures that may wait for one viewer: a quarter of a second at 30 per second."""


class Owner(Protocol):
    """Whoever fills subscriptions: the hub."""

    def began(self, subscription: Subscription) -> None:
        """Its viewer waits for a first picture. On the viewer's event loop."""

    def left(self, subscription: Subscription) -> None:
        """It is closed. On the viewer's event loop."""

    def lost_track(self, subscription: Subscription) -> None:
        """Its viewer needs a key frame to go on. From any thread."""


class Subscription:
    """One viewer's queue. Lives on the event loop that made it; only `ask_key_frame` is free.

    It begins with the first `next`, for a viewer takes its time to connect, and starts at a key
    frame. One that is full is emptied, and starts anew at the next key frame: a slow viewer loses
    pictures, and nobody waits for it.
    """

    def __init__(
        self,
        codec: Codec,
        owner: Owner,
        number: int,
        steer: SteerSettings | None = None,
        longest: int = LONGEST,
    ) -> None:
        self.codec = codec
        self.number = number  # the owner's own, and no other subscription's
        self.rung = Rung.FULL  # what it receives; the hub moves it, at a key frame
        self.loop = asyncio.get_running_loop()
        self.dropped = 0  # coded pictures that this viewer missed
        self.active = False  # its viewer has begun to take pictures
        self._highest_bps = (steer or SteerSettings()).bounds_bps(Rung.FULL)[1]
        self.line = Line(
            self._highest_bps, self.loop.time()
        )  # what its line bears; replaced, never changed
        self._sent = Throughput()
        self._owner = owner
        self._longest = longest
        self._waiting: deque[Coded] = deque()
        self._needs_key_frame = True
        self._changed = asyncio.Event()
        self._closed = False

    def ask_key_frame(self) -> None:
        """The viewer cannot go on without one. From any thread."""
        self._owner.lost_track(self)

    def put(self, coded: Coded) -> None:
        """Queue a coded picture, or drop it: never blocks."""
        if self._closed or not self.active:
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
        self._sent.add(coded.packet.size, self.loop.time())
        self._changed.set()

    def _cut(self) -> None:
        self.dropped += len(self._waiting)
        self._waiting.clear()
        self._needs_key_frame = True

    def estimate(self, bits_per_s: float) -> None:
        """The viewer's own estimate of its line (REMB)."""
        self.line = after_estimate(self.line, bits_per_s, self._sent.bits_per_s)

    def lost(self, share: float) -> None:
        """The share of packets, in [0, 1], that the viewer has missed since its last report."""
        self.line = after_loss(self.line, share, self.loop.time(), self._highest_bps)

    def begin(self) -> None:
        """Take pictures from now on; the first `next` does it. May be called twice."""
        if not self.active and not self._closed:
            self.active = True
            self._owner.began(self)

    async def next(self) -> Coded:
        """The oldest waiting picture. Raises `Closed` once closed."""
        self.begin()
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
        self._owner.left(self)
