"""One phone's WebRTC connection: its camera comes in, nothing goes out."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

from aiortc import RTCSessionDescription
from aiortc.exceptions import (
    InternalError,
    InvalidAccessError,
    InvalidStateError,
    OperationError,
)
from aiortc.stats import RTCTransportStats

from live.frames import Image
from live.stream.camera_offer import CameraOffer
from live.stream.camera_receiver import receive_newest
from live.stream.network import NetworkSettings, open_connection
from live.stream.offer import MALFORMED, OfferError

_REFUSED = (*MALFORMED, InternalError, InvalidAccessError, InvalidStateError, OperationError)
_OVER = ("failed", "closed")


class CameraPeer:
    """A phone. Lives on one event loop; `deliver` is called in its decoder's thread."""

    def __init__(
        self,
        offer: CameraOffer,
        deliver: Callable[[CameraPeer, Image, float], None],
        network: NetworkSettings | None = None,
    ) -> None:
        """`deliver` gets each picture, BGR, and when it arrived on the monotonic clock."""
        self.id = secrets.token_urlsafe(12)
        self.settled = asyncio.Event()  # it has connected, or ended before it could
        self.connected = False  # at any time so far
        self.ended = asyncio.Event()
        self._offer = offer
        self._deliver = deliver
        self._connection = open_connection(network or NetworkSettings())
        self._connection.on("connectionstatechange", self._state_changed)

    async def answer(self) -> str:
        """The answer's SDP, with all candidates in it. Raises `OfferError` or `StreamError`."""
        connection = self._connection
        camera = connection.addTransceiver("video", direction="recvonly")
        camera.setCodecPreferences(list(self._offer.preferences))
        try:
            await connection.setRemoteDescription(RTCSessionDescription(self._offer.sdp, "offer"))
            receive_newest(camera.receiver, self._offer.codec, self._take)
            await connection.setLocalDescription(await connection.createAnswer())
        except _REFUSED as error:
            raise OfferError(400, f"the offer contradicts itself ({error!r})") from error
        return connection.localDescription.sdp

    async def received_bytes(self) -> int:
        """Bytes that came from the phone so far; one that lives reports about once a second."""
        report = await self._connection.getStats()
        transports = [one for one in report.values() if isinstance(one, RTCTransportStats)]
        return sum(one.bytesReceived for one in transports)

    async def close(self) -> None:
        """Free the sockets and the decoder. May be called twice."""
        await self._connection.close()
        self._over()

    def _take(self, image: Image, arrived_s: float) -> None:
        self._deliver(self, image, arrived_s)

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
