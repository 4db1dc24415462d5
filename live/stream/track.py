"""aiortc's end of the hub: a track of ready packets."""

from __future__ import annotations

from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from live.latest import Closed
from live.stream.encoder import Coded, VideoPacket
from live.stream.subscription import Subscription


class PacketTrack(MediaStreamTrack):
    """Hands aiortc coded packets, which it then packs into RTP without encoding anything."""

    kind = "video"

    def __init__(self, subscription: Subscription) -> None:
        super().__init__()
        self.current: Coded | None = None  # the picture whose RTP packets are leaving
        self._subscription = subscription

    async def recv(self) -> VideoPacket:
        """The next packet. Raises `MediaStreamError` when the subscription has ended."""
        try:
            self.current = await self._subscription.next()
        except Closed:
            raise MediaStreamError from None
        return self.current.packet

    def stop(self) -> None:
        """Leave the hub."""
        self._subscription.close()
        super().stop()
