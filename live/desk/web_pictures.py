"""The console's live views, at the pace that it draws them.

A round is one binary message for each view that is wanted, in the order it was asked for: one byte
that says which (its place in `views.NAMES`), and a JPEG, or nothing where there is no picture of it
yet. The console answers `{"next": true}` when it has drawn them, and gets the next round: what is
slow gets fewer pictures, and never old ones.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from aiohttp import WSCloseCode, WSMsgType, web

from live.desk.views import NAMES, NARROWEST_PX, WIDEST_PX, Views
from live.desk.web_greet import FULL, greeted, opened, refuse
from live.desk.web_json import packed, read_message
from live.errors import DeskError

log = logging.getLogger(__name__)

MOST = 8
"""Consoles that look at once."""
ROUND_S = 1 / 15
"""Between two rounds at least, seconds."""
SEND_S = 5.0
"""In which one picture must be taken, seconds."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What one console wants to see."""

    views: tuple[str, ...] = NAMES
    width: int = 480  # pixels at most, of each

    def changed(self, message: Mapping[str, object]) -> Wish:
        """As a message asks for. Raises DeskError."""
        unknown = set(message) - {"token", "next", "want", "width"}
        if unknown:
            raise DeskError(f'"{min(unknown)[:60]}" is unknown here; send {{"next": true}}')
        return Wish(_views(message.get("want", self.views)), _width(message, self.width))


class Pictures:
    """Everybody who looks. Lives on the server's event loop; a thread beside it codes."""

    def __init__(self, views: Views) -> None:
        self._views = views
        self._looking: set[web.WebSocketResponse] = set()
        self._coder = ThreadPoolExecutor(1, "console pictures")

    async def close(self, app: web.Application) -> None:
        """End; an application's `on_shutdown`."""
        self._coder.shutdown(wait=False, cancel_futures=True)
        leaving = [one.close(code=WSCloseCode.GOING_AWAY) for one in self._looking]
        await asyncio.gather(*leaving, return_exceptions=True)

    async def look(self, request: web.Request) -> web.StreamResponse:
        """`GET /console/pictures`."""
        socket = await opened(request)
        first = await greeted(request, socket)
        if first is None:
            return socket
        if len(self._looking) >= MOST:
            await refuse(socket, FULL, f"{MOST} consoles look already; close another one first")
            return socket
        self._looking.add(socket)
        try:
            await self._show(socket, first)
        except TimeoutError:  # it takes no more: nor would it take a farewell
            if request.transport is not None:
                request.transport.abort()
        except (ConnectionError, RuntimeError):
            log.debug("a console left in the middle of a picture")
        finally:
            self._looking.discard(socket)
        await socket.close()
        return socket

    async def _show(self, socket: web.WebSocketResponse, first: Mapping[str, object]) -> None:
        loop, wish = asyncio.get_running_loop(), Wish()
        message: Mapping[str, object] | None = first
        while message is not None:
            began_s = loop.time()
            try:
                wish = wish.changed(message)
                await self._round(socket, wish)
            except DeskError as error:
                await socket.send_str(packed({"error": str(error), "id": None}))
            await asyncio.sleep(max(began_s + ROUND_S - loop.time(), 0))
            message = await _next(socket)

    async def _round(self, socket: web.WebSocketResponse, wish: Wish) -> None:
        for name in wish.views:
            jpeg = await asyncio.get_running_loop().run_in_executor(
                self._coder, self._views.jpeg, name, wish.width
            )
            async with asyncio.timeout(SEND_S):
                await socket.send_bytes(bytes([NAMES.index(name)]) + jpeg)


async def _next(socket: web.WebSocketResponse) -> Mapping[str, object] | None:
    """The next message; an unknown key stands for one that is none. None: it has gone."""
    message = await socket.receive()
    if message.type is WSMsgType.TEXT:
        try:
            return read_message(message.data)
        except DeskError:
            return {"this": None}
    return {"this": None} if message.type is WSMsgType.BINARY else None


def _views(given: object) -> tuple[str, ...]:
    if (
        not isinstance(given, list | tuple)
        or any(one not in NAMES for one in given)
        or len(set(given)) != len(given)
    ):
        raise DeskError(f'"want" lists what to see, each once: {", ".join(NAMES)}')
    return tuple(given)


def _width(message: Mapping[str, object], before: int) -> int:
    width = message.get("width", before)
    if isinstance(width, bool) or not isinstance(width, int | float) or width != width:
        raise DeskError(f'"width" is pixels, from {NARROWEST_PX} to {WIDEST_PX}')
    # A window may have any size, down to none: what it asks for is a wish.
    return round(min(max(width, NARROWEST_PX), WIDEST_PX))
