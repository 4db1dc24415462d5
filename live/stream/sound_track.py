"""aiortc's end of the show's sound: one viewer's track of ready packets."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from live.stream.opus import SoundPacket

LONGEST = 10
"""Packets that may wait for one viewer: a fifth of a second."""


class SoundTrack(MediaStreamTrack):
    """Hands aiortc Opus packets, which it then sends without encoding. Lives on its event loop.

    Where the viewer is too slow the oldest packets are dropped; the next one can be decoded
    without them. What came before it was first asked is not kept: a browser would play it all,
    and be late by that for seconds.
    """

    kind = "audio"

    def __init__(self, on_stop: Callable[[SoundTrack], None], longest: int = LONGEST) -> None:
        super().__init__()
        self.loop = asyncio.get_running_loop()
        self.dropped = 0  # packets that this viewer missed
        self._on_stop = on_stop
        self._packets: deque[SoundPacket] = deque()
        self._longest = longest
        self._begun = False  # somebody asked for a packet
        self._changed = asyncio.Event()

    def put(self, packet: SoundPacket) -> None:
        """Queue a packet: never blocks."""
        if not self._begun or self.readyState != "live":
            return
        if len(self._packets) >= self._longest:
            self._packets.popleft()
            self.dropped += 1
        self._packets.append(packet)
        self._changed.set()

    async def recv(self) -> SoundPacket:
        """The oldest waiting packet. Raises `MediaStreamError` once stopped."""
        self._begun = True
        while not self._packets and self.readyState == "live":
            self._changed.clear()
            await self._changed.wait()
        if self.readyState != "live":
            raise MediaStreamError
        return self._packets.popleft()

    def stop(self) -> None:
        """Leave the sound, and wake whoever waits. May be called twice."""
        if self.readyState == "live":
            super().stop()
            self._packets.clear()
            self._changed.set()
            self._on_stop(self)
