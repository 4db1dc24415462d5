"""A viewer without a browser: aiortc's own client, over real sockets."""

from __future__ import annotations

import asyncio

import aiohttp
import numpy as np
from aiortc import RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from av import VideoFrame
from numpy.typing import NDArray

SDP = {"Content-Type": "application/sdp"}


class Watcher:
    """Asks for the show at `url` and receives its pictures."""

    def __init__(self, url: str, codec: str | None = None) -> None:
        self.url = url
        self.location = ""
        self.answer = ""
        self.connection = RTCPeerConnection()
        transceiver = self.connection.addTransceiver("video", direction="recvonly")
        if codec is not None:
            able = RTCRtpReceiver.getCapabilities("video")
            assert able is not None
            transceiver.setCodecPreferences([one for one in able.codecs if one.name == codec])
        self.track = transceiver.receiver.track

    async def offer(self) -> str:
        """An offer as this client makes it."""
        await self.connection.setLocalDescription()
        return self.connection.localDescription.sdp

    async def join(self) -> None:
        """Offer, and take the answer."""
        status, location, text = await post(self.url, await self.offer())
        assert status == 201, (status, text)
        self.location, self.answer = location, text
        await self.connection.setRemoteDescription(RTCSessionDescription(text, "answer"))
        self.track = self.connection.getTransceivers()[0].receiver.track

    async def pictures(self, count: int, timeout_s: float = 20.0) -> list[NDArray[np.uint8]]:
        """The next `count` pictures, RGB uint8 (H, W, 3)."""

        async def receive() -> list[NDArray[np.uint8]]:
            got: list[NDArray[np.uint8]] = []
            while len(got) < count:
                frame = await self.track.recv()
                assert isinstance(frame, VideoFrame)
                got.append(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8))
            return got

        return await asyncio.wait_for(receive(), timeout_s)

    async def leave(self) -> tuple[int, str]:
        """End it as WHEP says; the reply's status and text."""
        async with aiohttp.ClientSession() as web, web.delete(self.url + self.location[1:]) as got:
            return got.status, await got.text()

    async def __aenter__(self) -> Watcher:
        await self.join()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.connection.close()


async def post(
    url: str, body: str | bytes, headers: dict[str, str] | None = None
) -> tuple[int, str, str]:
    """POST an offer: (status, Location, text)."""
    headers = SDP if headers is None else headers
    async with (
        aiohttp.ClientSession() as web,
        web.post(url + "whep", data=body, headers=headers) as got,
    ):
        return got.status, got.headers.get("Location", ""), await got.text()
