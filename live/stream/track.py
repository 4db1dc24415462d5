"""aiortc's side of the hub: a track of ready packets, and a sender that listens to its viewer."""

from __future__ import annotations

from aiortc import MediaStreamTrack, RTCRtpSender
from aiortc.mediastreams import MediaStreamError

from live.latest import Closed
from live.stream.encoder import VideoPacket
from live.stream.subscription import Subscription


class PacketTrack(MediaStreamTrack):
    """Hands aiortc coded packets, which it then packs into RTP without encoding anything."""

    kind = "video"

    def __init__(self, subscription: Subscription) -> None:
        super().__init__()
        self._subscription = subscription

    async def recv(self) -> VideoPacket:
        """The next packet. Raises `MediaStreamError` when the subscription has ended."""
        try:
            coded = await self._subscription.next()
        except Closed:
            raise MediaStreamError from None
        return coded.packet

    def stop(self) -> None:
        """Leave the hub."""
        self._subscription.close()
        super().stop()


def answer_key_frame_asks(sender: RTCRtpSender, subscription: Subscription) -> None:
    """Send the viewer's PLI and FIR to the hub.

    aiortc (1.16) would mark its own encoder, which has nothing to do for a track of packets. It
    calls `_send_keyframe` for both messages and has no public hook.
    """
    setattr(sender, "_send_keyframe", subscription.ask_key_frame)  # noqa: B010 (mypy refuses `=`)
