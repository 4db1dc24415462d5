"""The rival: stock aiortc as its own examples use it (examples/server and examples/webcam).

A `VideoStreamTrack` behind a `MediaRelay`, `POST /offer` with JSON, one encoder for each viewer.
"""

from __future__ import annotations

import asyncio
import time
from fractions import Fraction

from aiohttp import web
from aiortc import (
    MediaStreamTrack,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
    VideoStreamTrack,
)
from aiortc.contrib.media import MediaRelay
from aiortc.mediastreams import VIDEO_CLOCK_RATE, VIDEO_TIME_BASE, MediaStreamError
from av import VideoFrame

from benchmarks.glass_source import Source


class SourceTrack(VideoStreamTrack):
    """The source's pictures, at its rate; aiortc's own `next_timestamp` knows 30 a second only."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source
        self._began_s = 0.0
        self._sent = 0

    async def recv(self) -> VideoFrame:
        ticks, time_base = await self.next_timestamp()
        source = self._source
        code = source.capture()
        await asyncio.sleep(source.work_s)
        frame = VideoFrame.from_ndarray(source.picture(code), format="rgb24")
        frame.pts, frame.time_base = ticks, time_base
        source.ready(code)
        return frame

    async def next_timestamp(self) -> tuple[int, Fraction]:
        if self.readyState != "live":
            raise MediaStreamError
        if not self._sent:
            self._began_s = time.monotonic()
        since_s = self._sent * self._source.period_s
        await asyncio.sleep(self._began_s + since_s - time.monotonic())
        ticks = round(since_s * VIDEO_CLOCK_RATE)
        self._sent += 1
        return ticks, VIDEO_TIME_BASE


class Stock:
    """Routes for a server: `POST /offer?codec=VP8` or `H264`."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._connections: set[RTCPeerConnection] = set()
        self._relay: MediaRelay | None = None
        self._track: SourceTrack | None = None

    def add(self, app: web.Application) -> None:
        """For `ShowServer`'s `more`."""
        app.router.add_post("/offer", self._offer)
        app.on_shutdown.append(self._close)

    async def _offer(self, request: web.Request) -> web.Response:
        parameters = await request.json()
        offer = RTCSessionDescription(sdp=parameters["sdp"], type=parameters["type"])
        connection = RTCPeerConnection()
        self._connections.add(connection)
        sender = connection.addTrack(self._relayed())
        _prefer(connection, sender, request.query["codec"])
        await connection.setRemoteDescription(offer)
        answer = await connection.createAnswer()
        await connection.setLocalDescription(answer)
        local = connection.localDescription
        return web.json_response({"sdp": local.sdp, "type": local.type})

    def _relayed(self) -> MediaStreamTrack:
        if self._relay is None or self._track is None:
            self._relay, self._track = MediaRelay(), SourceTrack(self._source)
        return self._relay.subscribe(self._track)

    async def _close(self, app: web.Application) -> None:
        if self._track is not None:
            self._track.stop()
        await asyncio.gather(*(connection.close() for connection in self._connections))
        self._connections.clear()


def _prefer(connection: RTCPeerConnection, sender: RTCRtpSender, codec: str) -> None:
    """As the webcam example's `force_codec`, but RTX stays: without it loss would cost more."""
    able = RTCRtpSender.getCapabilities("video").codecs
    transceiver = next(one for one in connection.getTransceivers() if one.sender is sender)
    transceiver.setCodecPreferences([one for one in able if one.name in (codec, "rtx")])
