"""The servers that are compared, each in a process of its own that measures its own CPU time."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from aiohttp import web
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
    VideoStreamTrack,
)
from aiortc.codecs import h264, vpx
from aiortc.contrib.media import MediaRelay
from av import VideoFrame

from benchmarks.fanout_source import make_ring
from live.frames import Image, Picture
from live.stream.encoder import EncoderSettings
from live.stream.hub import Hub
from live.stream.server import ServerSettings, ShowServer
from live.stream.viewers import ViewerLimits
from live.timing import Spread, spread

TICK_S = 0.02
"""Between two looks at the event loop's lag."""


@dataclass(frozen=True, slots=True)
class Feed:
    """What is streamed."""

    size: tuple[int, int] = (512, 512)  # (height, width), pixels
    fps: float = 30.0
    kbit_s: int = 3000


@dataclass(frozen=True, slots=True)
class Used:
    """What a server took within one window."""

    core_percent: list[float]  # of one core, for each second
    lag: Spread  # of its event loop, milliseconds
    rss_mb: float  # at the window's end


@dataclass(frozen=True, slots=True)
class Held:
    """What a server holds on to."""

    files: int  # sockets among them
    tasks: int  # on its event loop
    threads: int
    connections: int  # RTCPeerConnection objects
    rss_mb: float


class LoopLag:
    """A task on a server's event loop that notes how late it is woken."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self._late_s: list[float] = []

    def add(self, app: web.Application) -> None:
        """Tick as long as `app` is served."""
        app.cleanup_ctx.append(self._alive)

    async def _alive(self, app: web.Application) -> AsyncIterator[None]:
        self.loop = asyncio.get_running_loop()
        task = asyncio.create_task(self._tick())
        yield
        task.cancel()

    async def _tick(self) -> None:
        due_s = time.monotonic()
        while True:
            due_s += TICK_S  # also where it is past: who missed three ticks was late three times
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            self._late_s.append(max(0.0, time.monotonic() - due_s))

    def take(self) -> Spread:
        """The lag since the last take, milliseconds."""
        late_s, self._late_s = self._late_s, []
        return spread(late_s)


class Running(Protocol):
    """A server that streams a feed."""

    url: str
    lag: LoopLag

    def close(self) -> None: ...


class Ours:
    """The hub and the show's server, fed from a thread as by the show's encode stage."""

    def __init__(self, feed: Feed) -> None:
        self.lag = LoopLag()
        self._feed = feed
        self._ring = make_ring(feed.size)
        self._hub = Hub(EncoderSettings(bitrate_kbps=feed.kbit_s, fps=feed.fps))
        limits = ViewerLimits(most=512, connecting=512)
        settings = ServerSettings(port=0, limits=limits)
        self._server = ShowServer(settings, self._hub, dict, more=[self.lag.add])
        self._server.start()
        self.url = self._server.url
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._publish, name="encode")
        self._thread.start()

    def _publish(self) -> None:
        number, next_s = 0, time.monotonic()
        while not self._stop.wait(max(0.0, next_s - time.monotonic())):
            next_s += 1 / self._feed.fps
            image = self._ring[number % len(self._ring)]
            self._hub.publish(Picture(image, time.monotonic(), number, "generated"))
            number += 1

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._server.close()
        self._hub.close()


class Ring(VideoStreamTrack):
    """The same pictures as a track of aiortc's, in the format that its encoders want."""

    def __init__(self, feed: Feed) -> None:
        super().__init__()
        self._ring = [_i420(image) for image in make_ring(feed.size)]
        self._number = 0

    async def recv(self) -> VideoFrame:
        pts, time_base = await self.next_timestamp()  # 30 a second, VideoStreamTrack's own pace
        image = self._ring[self._number % len(self._ring)]
        frame = VideoFrame.from_ndarray(image, format="yuv420p")
        frame.pts, frame.time_base = pts, time_base
        self._number += 1
        return frame


def _i420(image: Image) -> Image:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420), np.uint8)


class Stock:
    """aiortc as its own examples use it: one track, MediaRelay, an encoder for each viewer.

    Its encoders are pinned to the feed's bitrate, which their constants would not allow.
    """

    def __init__(self, feed: Feed) -> None:
        for codec in (h264, vpx):
            for name in ("DEFAULT_BITRATE", "MIN_BITRATE", "MAX_BITRATE"):
                setattr(codec, name, feed.kbit_s * 1000)
        self.lag = LoopLag()
        self.url = ""
        self._feed = feed
        self._connections: dict[str, RTCPeerConnection] = {}
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="stock")
        self._thread.start()
        self._ready.wait(30)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._relay, self._track = MediaRelay(), Ring(self._feed)
        app = web.Application()
        app.router.add_post("/whep", self._offer)
        app.router.add_delete("/whep/{viewer}", self._delete)
        self.lag.add(app)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        self._ready.set()
        await self._stop.wait()
        await asyncio.gather(*(one.close() for one in self._connections.values()))
        self._track.stop()
        await runner.cleanup()

    async def _offer(self, request: web.Request) -> web.Response:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        viewer = str(id(connection))
        self._connections[viewer] = connection
        track: MediaStreamTrack = self._relay.subscribe(self._track)
        connection.addTrack(track)
        offer = RTCSessionDescription(await request.text(), "offer")
        await connection.setRemoteDescription(offer)
        await connection.setLocalDescription(await connection.createAnswer())
        answer = connection.localDescription.sdp
        return web.Response(status=201, text=answer, headers={"Location": f"whep/{viewer}"})

    async def _delete(self, request: web.Request) -> web.Response:
        await self._connections.pop(request.match_info["viewer"]).close()
        return web.Response(status=204)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()


@dataclass(frozen=True, slots=True)
class System:
    """One thing that is compared."""

    make: Callable[[Feed], Running]
    codec: str


SYSTEMS: dict[str, System] = {
    "ours": System(Ours, "H264"),
    "ours-vp8": System(Ours, "VP8"),
    "stock-vp8": System(Stock, "VP8"),
    "stock-h264": System(Stock, "H264"),
}


def run_server(pipe: Connection, name: str, feed: Feed) -> None:
    """The process: sends its URL, then does what `pipe` says until it says "stop"."""
    cv2.setNumThreads(1)
    running = SYSTEMS[name].make(feed)
    try:
        pipe.send(running.url)
        while (ask := pipe.recv())[0] != "stop":
            pipe.send(_do(running, ask))
    finally:
        running.close()
    pipe.send(None)


def _do(running: Running, ask: Sequence[float | str]) -> Used | Held:
    return measure(running.lag, float(ask[1])) if ask[0] == "measure" else hold(running.lag)


def measure(lag: LoopLag, seconds: float) -> Used:
    """CPU time of the whole process, second by second."""
    lag.take()
    percents: list[float] = []
    for _ in range(max(1, round(seconds))):
        cpu_s, began_s = time.process_time(), time.monotonic()
        time.sleep(1)
        percents.append(100 * (time.process_time() - cpu_s) / (time.monotonic() - began_s))
    return Used(percents, lag.take(), rss_mb())


def hold(lag: LoopLag) -> Held:
    """What the process holds now, rubbish cleared away."""
    gc.collect()
    assert lag.loop is not None
    files = len(os.listdir("/proc/self/fd"))
    connections = sum(type(one) is RTCPeerConnection for one in gc.get_objects())
    tasks = len(asyncio.all_tasks(lag.loop))
    return Held(files, tasks, threading.active_count(), connections, rss_mb())


def rss_mb() -> float:
    """Memory that this process has in RAM now, MB. Linux only."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return float(np.round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 2))
