"""A viewer without a browser: aiortc's own client, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import urljoin

import aiohttp
import numpy as np
from aiortc import RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from av import VideoFrame
from numpy.typing import NDArray

from live.stream.rtp_extensions import propose

SDP = {"Content-Type": "application/sdp"}

Wire = Callable[[bytes], bool]
"""Told each RTP packet that comes, decrypted; says whether the receiver gets it."""


class Watcher:
    """Asks for the show at `url` and receives its pictures."""

    def __init__(
        self,
        url: str,
        codec: str | None = None,
        extensions: bool = False,
        sound: bool = False,
        wire: Wire | None = None,
    ) -> None:
        """`extensions` offers ours as Chromium does; `sound` wants to hear, too."""
        self.url = url
        self.location = ""
        self.answer = ""
        self.connection = RTCPeerConnection()
        self._extensions = extensions
        self._wire = wire
        transceiver = self.connection.addTransceiver("video", direction="recvonly")
        if codec is not None:
            able = RTCRtpReceiver.getCapabilities("video")
            assert able is not None
            transceiver.setCodecPreferences([one for one in able.codecs if one.name == codec])
        self.receiver = transceiver.receiver
        self.track = transceiver.receiver.track
        self.sound = (
            self.connection.addTransceiver("audio", direction="recvonly").receiver
            if sound
            else None
        )

    async def offer(self) -> str:
        """An offer as this client makes it."""
        made = await self.connection.createOffer()
        if self._extensions:
            made = RTCSessionDescription(propose(made.sdp), "offer")
        await self.connection.setLocalDescription(made)
        return self.connection.localDescription.sdp

    async def join(self) -> None:
        """Offer over HTTP, and take the answer."""
        status, location, text = await post(self.url, await self.offer())
        assert status == 201, (status, text)
        self.location = location
        await self.accept(text)

    async def accept(self, answer: str) -> None:
        """Take the answer to `offer`."""
        self.answer = answer
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        self.track = self.receiver.track
        if self._wire is not None:
            tap(self.receiver, self._wire)

    @property
    def ssrc(self) -> int:
        """Of the video that comes."""
        line = next(one for one in self.answer.splitlines() if one.startswith("a=ssrc:"))
        return int(line.removeprefix("a=ssrc:").split()[0])

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
        async with (
            aiohttp.ClientSession() as web,
            web.delete(urljoin(self.url + "whep", self.location)) as got,
        ):
            return got.status, await got.text()

    async def __aenter__(self) -> Watcher:
        await self.join()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.connection.close()


def tap(receiver: RTCRtpReceiver, wire: Wire) -> None:
    """Let `wire` stand before `receiver`."""
    transport = receiver.transport
    plain = transport._handle_rtp_data

    async def hear(data: bytes, arrival_time_ms: int) -> None:
        if wire(data):
            await plain(data, arrival_time_ms)

    setattr(transport, "_handle_rtp_data", hear)  # noqa: B010 (mypy refuses `=`)


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
