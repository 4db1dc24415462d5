"""The viewer's page, its files and the show's status over HTTP, and who may ask for them."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Middleware

from live.stream.cors import CorsSettings

Status = Callable[[], Mapping[str, object]]
"""What the show says of itself: small, plain and quick to make, for it runs on the event loop."""

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

VIEWER = Path(__file__).resolve().parent.parent / "console" / "viewer"

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}

_TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}
"""Not asked of the system, whose table may be anything (Windows' registry, for one)."""


def add_pages(app: web.Application, status: Status) -> None:
    """Serve `GET /`, `GET /static/<file>` and `GET /status`."""
    files = {path.name: path for path in VIEWER.iterdir() if path.suffix in _TYPES}

    async def page(request: web.Request) -> web.StreamResponse:
        return _file(files["index.html"])

    async def static(request: web.Request) -> web.StreamResponse:
        path = files.get(request.match_info["name"])
        if path is None:
            raise web.HTTPNotFound(text="there is no such file\n")
        return _file(path)

    async def tell(request: web.Request) -> web.StreamResponse:
        return web.json_response(_finite(status()), headers={"Cache-Control": "no-store"})

    app.router.add_get("/", page)
    app.router.add_get("/static/{name}", static)
    app.router.add_get("/status", tell)


def _file(path: Path) -> web.Response:
    return web.Response(
        body=path.read_bytes(), content_type=_TYPES[path.suffix], charset="utf-8", headers=HEADERS
    )


def _finite(value: object) -> object:
    """`value` with null for NaN and infinities, which JSON has no words for."""
    if isinstance(value, Mapping):
        return {str(key): _finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def guard(host: str, cors: CorsSettings | None = None) -> Middleware:
    """A middleware that answers pages of this server, and those that `cors` names, only.

    Another site's page may not use the show through its visitor's browser: an `Origin` that is not
    our own is refused; and while we serve this machine alone (`host` is loopback), so is a name
    that is not this machine's, which is how DNS rebinding would come. A reverse proxy on this
    machine passes its own name on: `cors` must name it.
    """
    local, friends = is_local(host), cors or CorsSettings()

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        name = urlsplit(f"//{request.host}").hostname
        if local and not is_local(name) and not friends.names(request.host):
            raise web.HTTPForbidden(text=f"this show serves its own machine only, not {name}\n")
        origin = request.headers.get("Origin")
        own = origin is None or urlsplit(origin).netloc.lower() == request.host.lower()
        if not own and not friends.allows(origin):
            raise web.HTTPForbidden(text=f"pages of {origin} may not use this show\n")
        return await handler(request)

    return check


def is_local(name: str | None) -> bool:
    """Whether a host name or address means this machine itself."""
    if name is None:
        return False
    if name.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
