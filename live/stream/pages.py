"""The viewer's page, its files and the show's status over HTTP, and who may ask for them."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Middleware

from live.stream.access import ACCESS, Right, refusal
from live.stream.access_caller import from_here, shown
from live.stream.access_caller import is_local as is_local  # its users ask here
from live.stream.access_names import known_hosts
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

FOR_VIEWERS = frozenset({"frames", "fps", "delay_ms", "viewers"})
"""Of what the show says of itself: all that the viewer's page makes use of."""

_TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}
"""Not asked of the system, whose table may be anything (Windows' registry, for one)."""


def add_pages(app: web.Application, status: Status) -> None:
    """Serve `GET /`, `GET /static/<file>` and `GET /status`.

    The page and its files are for everybody: they hold nothing, and who opens the link asks for
    them before its key is known. Viewers are told `FOR_VIEWERS` of the status; the operator, and
    the machine that runs the show, are told all.
    """
    files = {path.name: path for path in VIEWER.iterdir() if path.suffix in _TYPES}

    async def page(request: web.Request) -> web.StreamResponse:
        return _file(files["index.html"])

    async def static(request: web.Request) -> web.StreamResponse:
        path = files.get(request.match_info["name"])
        if path is None:
            raise web.HTTPNotFound(text="there is no such file\n")
        return _file(path)

    async def tell(request: web.Request) -> web.StreamResponse:
        if (refused := refusal(request, Right.VIEWER)) is not None:
            return refused
        told = status()
        if not _sees_all(request):
            told = {name: one for name, one in told.items() if name in FOR_VIEWERS}
        return web.json_response(finite(told), headers={"Cache-Control": "no-store"})

    async def dress(request: web.Request, response: web.StreamResponse) -> None:
        if response.content_type != "text/html":  # pages bring a policy of their own
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
        response.headers["Server"] = "understudy"  # and not which Python and aiohttp to attack

    app.on_response_prepare.append(dress)  # refusals, too
    app.router.add_get("/", page)
    app.router.add_get("/static/{name}", static)
    app.router.add_get("/status", tell)


def _sees_all(request: web.Request) -> bool:
    access = request.config_dict.get(ACCESS)
    return access is None or from_here(request) or access.has(request, Right.OPERATOR)


def _file(path: Path) -> web.Response:
    return web.Response(
        body=path.read_bytes(), content_type=_TYPES[path.suffix], charset="utf-8", headers=HEADERS
    )


def finite(value: object) -> object:
    """`value` with null for NaN and infinities, which JSON has no words for."""
    if isinstance(value, Mapping):
        return {str(key): finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def guard(host: str, cors: CorsSettings | None = None, names: Collection[str] = ()) -> Middleware:
    """A middleware that answers pages of this server, and those that `cors` names, only.

    Another site's page may not use the show through its visitor's browser: an `Origin` that is not
    our own is refused (CSRF); and so is a `Host` that is not one of ours, which is how DNS
    rebinding would come. While we serve this machine alone (`host` is loopback) the name of a
    reverse proxy on it must be given, in `cors` or `names`.
    """
    friends = cors or CorsSettings()
    known = known_hosts(host, names, friends)
    local = is_local(host)

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if len(request.headers.getall("Host", [])) != 1:
            raise web.HTTPBadRequest(text="a request names one Host\n")
        if not known(request):
            raise web.HTTPForbidden(text=_unknown(request.host, local))
        origin = request.headers.get("Origin")
        own = origin is None or _netloc(origin) == request.host.lower()
        if origin is not None and not own and not friends.allows(origin):
            raise web.HTTPForbidden(text=f"pages of {shown(origin)} may not use this show\n")
        return await handler(request)

    return check


def _unknown(host: str, local: bool) -> str:
    name = shown(host.rpartition(":")[0] or host)
    if local:
        return f"this show serves its own machine only, not {name}\n"
    return f"this machine is not known as {name}; start the show with --name {name}\n"


def _netloc(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:  # brackets that hold no address
        return None
