"""One viewer's WebRTC connection, from its offer to its end. With track.py the home of aiortc."""

from __future__ import annotations

import asyncio
import secrets

from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.exceptions import (
    InternalError,
    InvalidAccessError,
    InvalidStateError,
    OperationError,
)
from aiortc.stats import RTCTransportStats

from live.stream.hub import Hub
from live.stream.offer import MALFORMED, Offer, OfferError
from live.stream.track import PacketTrack, answer_key_frame_asks

_REFUSED = (*MALFORMED, InternalError, InvalidAccessError, InvalidStateError, OperationError)
_OVER = ("failed", "closed")


class Peer:
    """A viewer. Lives on one event loop."""

    def __init__(self, hub: Hub, offer: Offer) -> None:
        """Joins the hub at once. Raises `StreamError` when the hub has closed."""
        self.id = secrets.token_urlsafe(12)
        self.settled = asyncio.Event()  # it has connected, or ended before it could
        self.connected = False  # at any time so far
        self.ended = asyncio.Event()
        self.subscription = hub.subscribe(offer.codec)
        self._offer = offer
        self._connection = RTCPeerConnection()
        self._connection.on("connectionstatechange", self._state_changed)

    async def answer(self) -> str:
        """The answer's SDP, with all candidates in it. Raises `OfferError`."""
        track = PacketTrack(self.subscription)
        track.on("ended", self._over)
        sender = self._connection.addTrack(track)
        answer_key_frame_asks(sender, self.subscription)
        transceiver = self._connection.getTransceivers()[0]
        transceiver.direction = "sendonly"
        # Before the remote description, or aiortc (1.16) ignores it without a word.
        transceiver.setCodecPreferences(list(self._offer.preferences))
        try:
            await self._connection.setRemoteDescription(
                RTCSessionDescription(sdp=self._offer.sdp, type="offer")
            )
            await self._connection.setLocalDescription()
        except _REFUSED as error:
            raise OfferError(400, f"the offer contradicts itself ({error!r})") from error
        return self._connection.localDescription.sdp

    async def received_bytes(self) -> int:
        """Bytes that came from the viewer so far; a live one reports about once a second."""
        report = await self._connection.getStats()
        transports = [one for one in report.values() if isinstance(one, RTCTransportStats)]
        return sum(one.bytesReceived for one in transports)

    async def close(self) -> None:
        """Leave the hub and free the sockets. May be called twice."""
        self.subscription.close()
        await self._connection.close()
        self._over()

    def _state_changed(self) -> None:
        state = self._connection.connectionState
        if state == "connected":
            self.connected = True
            self.settled.set()
        elif state in _OVER:
            self._over()

    def _over(self) -> None:
        self.settled.set()
        self.ended.set()
