"""A phone without a browser: aiortc sends a moving pattern to the camera's endpoint."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from urllib.parse import urljoin

import aiohttp
from aiortc import RTCPeerConnection, RTCRtpSender, RTCSessionDescription, VideoStreamTrack
from av import VideoFrame

from live.frames import Frame
from live.latest import Latest
from live.stream.camera_link import CameraLink, camera_link
from live.stream.camera_page import add_camera
from live.stream.camera_seat import CameraLimits
from live.stream.hub import Hub
from live.stream.server import ServerSettings, ShowServer
from tests.live.stream.pattern import pattern

KEY = "a-key-of-the-tests"
SDP = {"Content-Type": "application/sdp"}


class Moving(VideoStreamTrack):
    """The pattern, whose number rises from `first`; 30 a second."""

    def __init__(self, first: int = 0, size: tuple[int, int] = (256, 256)) -> None:
        super().__init__()
        self.number = first
        self._size = size

    async def recv(self) -> VideoFrame:
        await asyncio.sleep(1 / 30)
        frame = VideoFrame.from_ndarray(pattern(self.number, self._size), format="rgb24")
        frame.pts, frame.time_base = self.number * 3000, Fraction(1, 90_000)
        self.number += 1
        return frame


class Phone:
    """Sends to the server at `url`."""

    def __init__(self, url: str, first: int = 0, key: str = KEY, codec: str | None = None) -> None:
        self.location = ""
        self.answer = ""
        self.connection = RTCPeerConnection()
        self.track = Moving(first)
        self._endpoint = urljoin(url, "camera/whip")
        self._key = key
        sender = self.connection.addTransceiver(self.track, direction="sendonly")
        if codec is not None:
            able = RTCRtpSender.getCapabilities("video")
            assert able is not None
            sender.setCodecPreferences([one for one in able.codecs if one.name == codec])

    async def offer(self) -> str:
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self.connection.localDescription.sdp

    async def join(self) -> None:
        status, location, self.answer = await send_offer(
            self._endpoint, await self.offer(), self._key
        )
        assert status == 201, (status, self.answer)
        self.location = urljoin(self._endpoint, location)
        await self.connection.setRemoteDescription(RTCSessionDescription(self.answer, "answer"))

    async def ask(self, method: str = "GET", key: str = KEY) -> tuple[int, str]:
        return await request(method, self.location, key)

    async def __aenter__(self) -> Phone:
        await self.join()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.connection.close()


async def send_offer(
    address: str, body: str | bytes, key: str | None = KEY, kind: str = "application/sdp"
) -> tuple[int, str, str]:
    """POST an offer: (status, Location, text)."""
    headers = {"Content-Type": kind}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    async with (
        aiohttp.ClientSession() as web,
        web.post(address, data=body, headers=headers) as got,
    ):
        return got.status, got.headers.get("Location", ""), await got.text()


async def request(
    method: str, address: str, key: str | None = None, **headers: str
) -> tuple[int, str]:
    """Ask for anything: (status, text)."""
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    async with (
        aiohttp.ClientSession() as web,
        web.request(method, address, headers=headers) as got,
    ):
        return got.status, await got.text()


async def until(true: Callable[[], object], timeout_s: float = 20.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not true():
            await asyncio.sleep(0.02)


@contextmanager
def serving(
    hub: Hub,
    inbox: Latest[Frame],
    settings: ServerSettings | None = None,
    limits: CameraLimits | None = None,
    key: str = KEY,
) -> Iterator[ShowServer]:
    """A server with the camera's page."""
    server: ShowServer
    settings = settings or ServerSettings(port=0)

    def link() -> CameraLink:
        return camera_link(server.url, settings.host, key)

    add = partial(add_camera, inbox=inbox, key=key, link=link, limits=limits)
    server = ShowServer(settings, hub, lambda: {}, more=[add])
    with server:
        yield server
