"""A show of the pattern for one preview, and clients that are well, slow or deaf."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import cv2
import numpy as np
from aiohttp import web

from live.frames import Image, Picture
from live.latest import Latest
from live.stream.cors import CorsSettings
from live.stream.mjpeg import BOUNDARY, Preview, add_preview
from live.stream.pages import add_pages
from live.stream.preview_settings import PreviewSettings
from tests.live.stream.pattern import pattern

PATIENCE_S = 20.0
FAST = PreviewSettings(fps=60, first_s=PATIENCE_S)


class Stage:
    """A show of the pattern for one preview, and the preview's server on the test's own loop."""

    def __init__(self, settings: PreviewSettings, cors: CorsSettings | None = None) -> None:
        self.pictures: Latest[Picture] = Latest()
        self.preview = Preview(settings, self.pictures, cors)
        self.url = ""
        self.number = 0

    def show(self, image: Image | None = None) -> None:
        image = pattern(self.number) if image is None else image
        self.pictures.put(Picture(image, self.number / 30, self.number, "generated"))
        self.number += 1

    @asynccontextmanager
    async def playing(
        self, fps: float = 60.0, draw: Callable[[int], Image] = pattern
    ) -> AsyncIterator[None]:
        async def play() -> None:
            while True:
                self.show(draw(self.number))
                await asyncio.sleep(1 / fps)

        task = asyncio.create_task(play())
        try:
            yield
        finally:
            task.cancel()


@asynccontextmanager
async def staged(
    settings: PreviewSettings = FAST, cors: CorsSettings | None = None
) -> AsyncIterator[Stage]:
    stage = Stage(settings, cors)
    app = web.Application()
    add_pages(app, dict)
    add_preview(app, stage.preview)
    app.router.add_get("/wall", wall)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        stage.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        yield stage
    finally:
        await runner.cleanup()


async def wall(request: web.Request) -> web.Response:
    body = '<body style="margin:0"><img id="picture" src="/preview.mjpg">'
    return web.Response(text=body, content_type="text/html")


class Client:
    """Reads the stream part by part, as it comes over the wire."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self._left = b""
        self._delimiter = b"\r\n--" + BOUNDARY.encode()

    async def jpegs(self, count: int) -> list[bytes]:
        """The next `count` JPEGs, or fewer when the stream ends."""
        got: list[bytes] = []
        async with asyncio.timeout(PATIENCE_S):
            while len(got) < count and (part := await self._part()) is not None:
                got.append(part)
        return got

    async def _part(self) -> bytes | None:
        while self._delimiter not in self._left:
            more = await self._response.content.readany()
            if not more:
                return None
            self._left += more
        part, _, self._left = self._left.partition(self._delimiter)
        head, _, data = part.partition(b"\r\n\r\n")
        assert head.splitlines()[-1] == b"Content-Type: image/jpeg"
        return data


@asynccontextmanager
async def watching(url: str) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session, session.get(url + "preview.mjpg") as response:
        assert response.status == 200, await response.text()
        yield Client(response)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not true():
            await asyncio.sleep(0.01)


def decoded(jpeg: bytes) -> Image:
    """RGB uint8 (H, W, 3)."""
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def endpoint(url: str) -> tuple[str, int]:
    host, port = url.removeprefix("http://").strip("/").split(":")
    return host, int(port)


async def deaf(url: str, name: str = "preview.mjpg") -> socket.socket:
    """A client that asks and never reads."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, endpoint(url))
    await loop.sock_sendall(client, f"GET /{name} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
    return client


def whole_parts(body: bytes) -> list[bytes]:
    parts = body.split(b"--" + BOUNDARY.encode())[1:-1]
    return [part.partition(b"\r\n\r\n")[2] for part in parts]
