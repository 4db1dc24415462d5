"""The operator's console over HTTP.

GET /console                  the page; the operator's token is in its link's fragment
GET /console/static/<name>    its files, for everybody: they hold nothing
GET /console/socket           WebSocket, JSON both ways: state, orders, figures
GET /console/pictures         WebSocket: the three live views
"""

from __future__ import annotations

import re
from pathlib import Path

from aiohttp import web

from live.desk.web_console import console
from live.desk.web_parts import ConsoleParts
from live.desk.web_pictures import Pictures
from live.desk.web_room import Room
from live.stream.pages import HEADERS

FOLDER = Path(__file__).resolve().parent.parent / "console" / "operator"

_TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
_HOST = re.compile(r"[A-Za-z0-9.\-]+(:\d+)?|\[[0-9A-Fa-f:.]+\](:\d+)?")


def add_console(app: web.Application, parts: ConsoleParts, folder: Path = FOLDER) -> None:
    """Serve the console; the page's files are those of `folder`, read when they are asked for."""
    room, pictures = Room(parts), Pictures(parts.views)

    async def page(request: web.Request) -> web.StreamResponse:
        return _file(folder / "index.html", request)

    async def static(request: web.Request) -> web.StreamResponse:
        # Looked up in the folder's own list: no name leads out of it.
        files = {path.name: path for path in folder.iterdir()} if folder.is_dir() else {}
        path = files.get(request.match_info["name"])
        if path is None or path.suffix not in _TYPES or path.suffix == ".html":
            raise web.HTTPNotFound(text="there is no such file\n")
        return _file(path, request)

    async def socket(request: web.Request) -> web.StreamResponse:
        return await console(request, room)

    app.router.add_get("/console", page)
    app.router.add_get("/console/static/{name}", static)
    app.router.add_get("/console/socket", socket, allow_head=False)
    app.router.add_get("/console/pictures", pictures.look, allow_head=False)
    app.on_startup.append(room.start)
    app.on_shutdown.append(room.close)
    app.on_shutdown.append(pictures.close)


def policy(host: str) -> str:
    """The page's Content-Security-Policy: as every page's, and its pictures and sockets besides.

    'self' means the sockets, too (CSP3); Safari before 15.4 must be told so.
    """
    sockets = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    found = HEADERS["Content-Security-Policy"]
    found = found.replace("img-src 'self'", "img-src 'self' blob: data:")
    return found.replace("connect-src 'self'", f"connect-src 'self'{sockets}")


def _file(path: Path, request: web.Request) -> web.Response:
    try:
        body = path.read_bytes()
    except OSError:
        raise web.HTTPNotFound(text="the console's page is not in this checkout\n") from None
    headers = {**HEADERS, "Content-Security-Policy": policy(request.host)}
    return web.Response(
        body=body, content_type=_TYPES[path.suffix], charset="utf-8", headers=headers
    )
