"""A WHIP endpoint to publish to: real HTTP, and aiortc behind it to receive the picture."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import numpy as np
from aiohttp import web
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from av import AudioFrame, VideoFrame
from numpy.typing import NDArray

Misdeed = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    token: str | None
    kind: str


class Endpoint:
    """Plays `misdeeds`, one for each POST, and behaves from then on."""

    def __init__(
        self,
        *misdeeds: Misdeed,
        codec: str | None = None,
        location: str = "session/{}",
        headers: dict[str, str] | None = None,
        port: int = 0,
    ) -> None:
        """`location` is relative, as it is; "/..." and "{root}..." make it absolute."""
        self.asked: list[Asked] = []
        self.offers: list[str] = []
        self.sessions: list[RTCPeerConnection] = []
        self.changed: Callable[[str], str] = lambda answer: answer
        self._misdeeds = list(misdeeds)
        self._codec = codec
        self._location = location
        self._headers = headers or {}
        self._port = port
        self._runner = web.AppRunner(self._application(), shutdown_timeout=0.1)
        self.root = ""

    def _application(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        return app

    @property
    def url(self) -> str:
        return self.root + "whip/stage"

    def posts(self) -> list[Asked]:
        return [one for one in self.asked if one.method == "POST"]

    def farewells(self) -> list[Asked]:
        return [one for one in self.asked if one.method == "DELETE"]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        token = request.headers.get("Authorization")
        self.asked.append(Asked(request.method, request.path, token, request.content_type))
        if request.method == "DELETE":
            await self.sessions[int(request.path.rsplit("/", 1)[1])].close()
            return web.Response()
        self.offers.append(await request.text())
        if self._misdeeds:
            return await self._misdeeds.pop(0)(request)
        return await self._accept(self.offers[-1])

    async def _accept(self, offer: str) -> web.Response:
        connection = RTCPeerConnection()
        number = len(self.sessions)
        self.sessions.append(connection)
        receiver = connection.addTransceiver("video", direction="recvonly")
        if self._codec is not None:
            able = RTCRtpReceiver.getCapabilities("video")
            assert able is not None
            receiver.setCodecPreferences([one for one in able.codecs if one.name == self._codec])
        try:
            await connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        except Exception:  # what aiortc raises where no codec is common
            return web.Response(status=406)
        await connection.setLocalDescription(await connection.createAnswer())
        return web.Response(
            status=201,
            text=self.changed(connection.localDescription.sdp),
            content_type="application/sdp",
            headers={
                "Location": self._location.format(number, root=self.root),
                **self._headers,
            },
        )

    async def pictures(self, count: int, timeout_s: float = 20.0) -> list[NDArray[np.uint8]]:
        """The newest session's next `count` pictures, RGB uint8 (H, W, 3)."""

        async def receive() -> list[NDArray[np.uint8]]:
            track = self._track("video")
            got: list[NDArray[np.uint8]] = []
            while len(got) < count:
                frame = await track.recv()
                assert isinstance(frame, VideoFrame)
                got.append(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8))
            return got

        return await asyncio.wait_for(receive(), timeout_s)

    async def loudness(self, blocks: int) -> float:
        """Of the newest session's next `blocks` of sound: RMS, as a share of full scale."""
        track, got = self._track("audio"), []
        for _ in range(blocks):
            frame = await track.recv()
            assert isinstance(frame, AudioFrame)
            got.append(frame.to_ndarray().ravel().astype(np.float64) / 32768)
        return float(np.sqrt(np.mean(np.concatenate(got) ** 2)))

    def _track(self, kind: str) -> MediaStreamTrack:
        tracks = (one.track for one in self.sessions[-1].getReceivers())
        return next(one for one in tracks if one.kind == kind)

    async def __aenter__(self) -> Endpoint:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = int(self._runner.addresses[0][1])
        self.root = f"http://127.0.0.1:{self._port}/"
        return self

    async def __aexit__(self, *_: object) -> None:
        for connection in self.sessions:
            await connection.close()
        await self._runner.cleanup()


def answers(
    status: int,
    text: str = "",
    kind: str = "application/sdp",
    headers: dict[str, str] | None = None,
) -> Misdeed:
    """A misdeed: this response."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=text, content_type=kind, headers=headers)

    return answer


async def hangs(request: web.Request) -> web.StreamResponse:
    """A misdeed: no response at all."""
    await asyncio.sleep(60)
    raise AssertionError("nobody waits that long")


async def breaks_off(request: web.Request) -> web.StreamResponse:
    """A misdeed: half an answer, then silence."""
    response = web.StreamResponse(status=201)
    response.headers.update({"Location": "/x", "Content-Type": "application/sdp"})
    response.content_length = 1000
    await response.prepare(request)
    await response.write(b"v=0\r\n")
    assert request.transport is not None
    request.transport.close()
    return response
