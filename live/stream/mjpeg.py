"""The preview: the show as Motion JPEG over plain HTTP, for places without WebRTC."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aiohttp import web

from live.frames import Picture
from live.latest import Latest
from live.stream.access_pass import refused_picture
from live.stream.cors import CorsSettings
from live.stream.jpeg_encoder import Jpeg, JpegEncoder
from live.stream.long_response import LongResponse, begin
from live.stream.pages import HEADERS
from live.stream.preview_settings import PreviewSettings

log = logging.getLogger(__name__)

BOUNDARY = "understudy-preview-9c41f7d2"
_HEAD = b"Content-Type: image/jpeg\r\n\r\n"
_FIRST = f"--{BOUNDARY}\r\n".encode() + _HEAD
_NEXT = b"\r\n" + _FIRST
_LAST = f"\r\n--{BOUNDARY}--\r\n".encode()
# Chromium shows a part only once the head of the part after it has come: one picture late, and
# a single picture never. So that head is sent ahead, and has no Content-Length.

QUIET_S = 1.0
"""Without a new picture, after which it is seen whether the client is still there."""


def add_preview(app: web.Application, preview: Preview) -> None:
    """Serve `GET /preview.mjpg`, which goes on, and `GET /preview.jpg`, one still."""
    app.router.add_get("/preview.mjpg", preview.stream, allow_head=False)
    app.router.add_get("/preview.jpg", preview.still, allow_head=False)
    app.on_startup.append(preview.start)
    app.on_shutdown.append(preview.close)


class Preview:
    """Each picture coded once for all clients. Lives on the server's event loop."""

    def __init__(
        self,
        settings: PreviewSettings,
        pictures: Latest[Picture],
        cors: CorsSettings | None = None,
    ) -> None:
        """Pages of other sites may show it only where `cors` names any."""
        self._settings = settings
        # nginx would gather pictures before it passes them on.
        self._headers = {**HEADERS, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        if cors is None or not cors.origins:
            self._headers["Cross-Origin-Resource-Policy"] = "same-origin"
        self._encoder = JpegEncoder(pictures, settings.fps, settings.quality)
        self._slots: set[_Slot] = set()
        self._newest: Jpeg | None = None  # while anybody watches
        self._ended = False

    def __len__(self) -> int:
        """Clients at the moment."""
        return len(self._slots)

    @property
    def encoded(self) -> int:
        """Pictures coded so far."""
        return self._encoder.encoded

    async def start(self, app: web.Application) -> None:
        """Begin; an application's `on_startup`."""
        loop = asyncio.get_running_loop()

        def on_loop(call: Callable[[], None]) -> None:
            try:
                loop.call_soon_threadsafe(call)
            except RuntimeError:  # the server has ended, and its clients with it
                log.debug("the preview's event loop is gone")

        self._encoder.start(
            lambda jpeg: on_loop(lambda: self._show(jpeg)), lambda: on_loop(self._end)
        )

    async def close(self, app: web.Application) -> None:
        """End every stream; an application's `on_shutdown`."""
        self._encoder.close()
        self._end()
        await asyncio.to_thread(self._encoder.join)

    async def still(self, request: web.Request) -> web.StreamResponse:
        """The next picture, alone."""
        if (refused := refused_picture(request)) is not None:
            return refused
        response = web.StreamResponse(headers={**self._headers, "Content-Type": "image/jpeg"})
        with self._place() as slot:
            jpeg = await self._first(slot)
            response.content_length = len(jpeg.data)
            sending = await begin(request, response, self._settings.stall_s)
            if sending is not None:
                await sending.send(jpeg.data)
        return response

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Pictures until the show or the client ends; multipart/x-mixed-replace."""
        if (refused := refused_picture(request)) is not None:
            return refused
        kind = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
        response = web.StreamResponse(headers={**self._headers, "Content-Type": kind})
        with self._place() as slot:
            first = await self._first(slot)
            sending = await begin(request, response, self._settings.stall_s)
            if sending is not None:
                await self._play(first, slot, sending)
        return response

    async def _play(self, jpeg: Jpeg, slot: _Slot, sending: LongResponse) -> None:
        taken = await sending.send(_FIRST + jpeg.data + _NEXT)
        while taken and not self._ended:
            news = await slot.take(QUIET_S)
            if news is None:
                taken = sending.wanted
            else:
                jpeg = news
                taken = await sending.send(jpeg.data + _NEXT)
        if taken:  # the head that was sent ahead gets the last picture again, and it stays
            await sending.send(jpeg.data + _LAST)

    @contextmanager
    def _place(self) -> Iterator[_Slot]:
        """A client's slot, while it has one. Raises 410 or 503, with words."""
        if self._ended:
            raise self._over()
        if len(self._slots) >= self._settings.most:
            raise self._unavailable(
                f"all {self._settings.most} places of the preview are taken; try again in a few "
                "seconds, or start the show with more --preview-clients"
            )
        slot = _Slot()
        if self._newest is not None:
            slot.put(self._newest)
        self._slots.add(slot)
        self._encoder.want(True)
        try:
            yield slot
        finally:
            self._slots.discard(slot)
            if not self._slots:
                self._encoder.want(False)
                self._newest = None

    async def _first(self, slot: _Slot) -> Jpeg:
        jpeg = await slot.take(self._settings.first_s)
        if jpeg is not None:
            return jpeg
        if self._ended:
            raise self._over()
        raise self._unavailable("the show has no picture yet; try again in a few seconds")

    def _over(self) -> web.HTTPException:
        words = "the show has ended; start it again with run_live.py"
        return web.HTTPGone(text=words + "\n", headers=self._headers)

    def _unavailable(self, words: str) -> web.HTTPException:
        headers = {**self._headers, "Retry-After": "5"}
        return web.HTTPServiceUnavailable(text=words + "\n", headers=headers)

    def _show(self, jpeg: Jpeg) -> None:
        self._newest = jpeg if self._slots else None
        for slot in self._slots:
            slot.put(jpeg)

    def _end(self) -> None:
        self._ended = True
        for slot in self._slots:
            slot.wake()


class _Slot:
    """What one client is to be sent next: the newest picture. On one event loop."""

    def __init__(self) -> None:
        self._jpeg: Jpeg | None = None
        self._news = asyncio.Event()

    def put(self, jpeg: Jpeg) -> None:
        self._jpeg = jpeg
        self._news.set()

    def wake(self) -> None:
        self._news.set()

    async def take(self, timeout_s: float) -> Jpeg | None:
        """Wait for a picture; None when `timeout_s` passes first, or after `wake`."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._news.wait()
        except TimeoutError:
            return None
        self._news.clear()
        jpeg, self._jpeg = self._jpeg, None
        return jpeg
