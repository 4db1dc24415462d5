"""The page that makes a phone the camera, and its WHIP endpoint (RFC 9725), behind a key.

GET    /camera             the page; the key is in its link's fragment, which no server sees
POST   /camera/whip        an offer with one sendonly video
GET    /camera/whip/<id>   is this phone still the camera, and what arrives
DELETE /camera/whip/<id>   it leaves
GET    /camera/link        the link as a QR code, for the operator's own machine only
"""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from live.errors import StreamError
from live.frames import Frame
from live.latest import Latest
from live.stream.access import ACCESS, Access, AccessSettings
from live.stream.access_body import BodyError, read_text
from live.stream.access_caller import from_here
from live.stream.camera_link import ASKS, CameraLink
from live.stream.camera_seat import CameraLimits, CameraSeat, Standing
from live.stream.network import NetworkSettings
from live.stream.offer import OfferError
from live.stream.pages import HEADERS
from live.stream.qr import svg_qr
from live.stream.whep import LONGEST_OFFER, SDP

FOLDER = Path(__file__).resolve().parent.parent / "console" / "camera"

_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}

_GONE = {
    Standing.REPLACED: (410, "another phone is the camera now"),
    Standing.UNKNOWN: (404, "no phone has this address; it may have ended already"),
}


def add_camera(
    app: web.Application,
    inbox: Latest[Frame],
    key: str,
    *,
    link: Callable[[], CameraLink],
    limits: CameraLimits | None = None,
    network: NetworkSettings | None = None,
) -> None:
    """Let who has `key` be the camera, whose newest picture is left in `inbox`.

    `link` is asked for the page's link once the server's port is known. Whoever knows the key can
    put any picture into the show: it is in the link alone, and asked for at every request.
    """
    seat = CameraSeat(inbox, limits, network)
    access = app.get(ACCESS) or Access(AccessSettings())
    handlers = _Camera(seat, key, link, access)
    files = {path.name: path for path in FOLDER.iterdir() if path.suffix in _TYPES}

    async def page(request: web.Request) -> web.StreamResponse:
        return _file(files["index.html"])

    async def static(request: web.Request) -> web.StreamResponse:
        path = files.get(request.match_info["name"])
        if path is None or path.suffix == ".html":
            raise web.HTTPNotFound(text="there is no such file\n")
        return _file(path)

    async def leave(app: web.Application) -> None:
        await seat.close()

    app.router.add_get("/camera", page)
    app.router.add_get("/camera/static/{name}", static)
    app.router.add_get("/camera/link", handlers.show_link)
    app.router.add_post("/camera/whip", handlers.offer)
    app.router.add_get("/camera/whip/{phone}", handlers.standing, allow_head=False)
    app.router.add_delete("/camera/whip/{phone}", handlers.leave)
    app.on_shutdown.append(leave)


class _Camera:
    def __init__(
        self, seat: CameraSeat, key: str, link: Callable[[], CameraLink], access: Access
    ) -> None:
        self._seat = seat
        self._key = key
        self._link = link
        self._access = access

    async def offer(self, request: web.Request) -> web.Response:
        if (refused := self._stranger(request)) is not None:
            return refused
        try:
            text = await read_text(request, SDP, LONGEST_OFFER)
            phone, answer = await self._seat.admit(text)
        except (BodyError, OfferError) as error:
            return _say(error.status, str(error))
        except StreamError as error:  # ours, not the offer's: no UDP port is free, for one
            return _say(503, str(error))
        headers = {"Location": f"whip/{phone}"}
        return web.Response(status=201, text=answer, content_type=SDP, headers=headers)

    async def standing(self, request: web.Request) -> web.Response:
        if (refused := self._stranger(request)) is not None:
            return refused
        standing = self._seat.standing(request.match_info["phone"])
        if standing is Standing.CAMERA:
            headers = {"Cache-Control": "no-store"}
            return web.json_response(self._seat.arriving(), headers=headers)
        return _say(*_GONE[standing])

    async def leave(self, request: web.Request) -> web.Response:
        if (refused := self._stranger(request)) is not None:
            return refused
        if await self._seat.dismiss(request.match_info["phone"]):
            return web.Response(status=204)
        return _say(*_GONE[Standing.UNKNOWN])

    async def show_link(self, request: web.Request) -> web.Response:
        """The link holds the key: it is shown on the machine that runs the show, nowhere else."""
        if not from_here(request):
            return _say(403, "the camera's link is shown on the machine that runs the show only")
        link = self._link()
        text = (FOLDER / "link.html").read_text("utf-8")
        text = text.replace("{{asks}}", html.escape(link.trouble or ASKS))
        text = text.replace("{{link}}", html.escape(link.url)).replace("{{qr}}", svg_qr(link.url))
        headers = {**HEADERS, "Cache-Control": "no-store"}
        return web.Response(text=text, content_type="text/html", headers=headers)

    def _stranger(self, request: web.Request) -> web.Response | None:
        """What somebody without the key is told."""
        return self._access.without(request, (self._key,))


def _file(path: Path) -> web.Response:
    return web.Response(
        body=path.read_bytes(), content_type=_TYPES[path.suffix], charset="utf-8", headers=HEADERS
    )


def _say(status: int, sentence: str) -> web.Response:
    response = web.Response(status=status, text=sentence + "\n")
    if status in (429, 503):
        response.headers["Retry-After"] = "5"
    return response
