"""One viewer's WebRTC connection, from its offer to its end."""

from __future__ import annotations

import asyncio
import secrets

from aiortc import MediaStreamTrack, RTCSessionDescription
from aiortc.exceptions import (
    InternalError,
    InvalidAccessError,
    InvalidStateError,
    OperationError,
)
from aiortc.stats import RTCTransportStats

from live.stream.hub import Hub
from live.stream.network import NetworkSettings, open_connection
from live.stream.offer import MALFORMED, Offer, OfferError
from live.stream.relay import welcome
from live.stream.rtp_extensions import agree
from live.stream.sender import send_video
from live.stream.sound_sdp import unlocked
from live.stream.sound_sender import Sound, send_sound

_REFUSED = (*MALFORMED, InternalError, InvalidAccessError, InvalidStateError, OperationError)
_OVER = ("failed", "closed")


class Peer:
    """A viewer. Lives on one event loop."""

    def __init__(
        self,
        hub: Hub,
        offer: Offer,
        network: NetworkSettings | None = None,
        sound: Sound | None = None,
        address: str | None = None,
    ) -> None:
        """Joins the hub at once. `address` is who asked, to be let through a TURN server.

        Raises `StreamError` when the hub has closed."""
        self.id = secrets.token_urlsafe(12)
        self.settled = asyncio.Event()  # it has connected, or ended before it could
        self.connected = False  # at any time so far
        self.ended = asyncio.Event()
        self.subscription = hub.subscribe(offer.codec)
        self._offer = offer
        self._address = address
        self._sound = sound if offer.sound else None
        self._heard: MediaStreamTrack | None = None
        self._connection = open_connection(network or NetworkSettings())
        self._connection.on("connectionstatechange", self._state_changed)

    async def answer(self) -> str:
        """The answer's SDP, with all candidates in it. Raises `OfferError`."""
        sender = send_video(self._connection, self.subscription, self._offer.preferences)
        sender.track.on("ended", self._over)
        if self._sound is not None:
            self._heard = send_sound(self._connection, self._sound)
        connection, offer = self._connection, self._offer.sdp
        try:
            await connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
            answer = agree((await connection.createAnswer()).sdp, offer)
            await connection.setLocalDescription(RTCSessionDescription(answer, "answer"))
        except _REFUSED as error:
            raise OfferError(400, f"the offer contradicts itself ({error!r})") from error
        welcome(connection, self._address)
        made = connection.localDescription.sdp
        return made if self._sound is None else unlocked(made)

    async def received_bytes(self) -> int:
        """Bytes that came from the viewer so far; a live one reports about once a second."""
        report = await self._connection.getStats()
        transports = [one for one in report.values() if isinstance(one, RTCTransportStats)]
        return sum(one.bytesReceived for one in transports)

    async def close(self) -> None:
        """Leave the hub and free the sockets. May be called twice."""
        self.subscription.close()
        if self._heard is not None:
            self._heard.stop()
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
