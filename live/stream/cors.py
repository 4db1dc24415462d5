"""Other sites' pages that may play the show (CORS, WHATWG Fetch section 3.2). By default none."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web

from live.arguments import Arguments
from live.errors import StreamError

EXPOSED = "Location, Link, Retry-After"
"""What a script of another origin may read of our responses, beyond the usual."""

ASKED = "Content-Type, Authorization, If-Match"
"""What such a script may send: WHEP players send all three (draft-ietf-wish-whep-04)."""

REMEMBER_S = 600
"""How long a browser need not ask again, seconds."""


@dataclass(frozen=True, slots=True)
class CorsSettings:
    """Whose pages may play the show, beside our own."""

    origins: frozenset[str] = frozenset()  # "https://HOST[:PORT]", or "*" for every page

    def __post_init__(self) -> None:
        for origin in self.origins - {"*"}:
            found = urlsplit(origin)
            whole = f"{found.scheme}://{found.netloc}"
            if found.scheme not in ("http", "https") or not found.netloc or origin != whole:
                raise StreamError(
                    f"{origin!r} is no origin; give https://HOST or https://HOST:PORT, without a "
                    "path and in small letters"
                )

    def allows(self, origin: str | None) -> bool:
        """Whether pages of `origin`, a request's Origin header, may use the show."""
        return origin is not None and ("*" in self.origins or origin in self.origins)

    def names(self, host: str) -> bool:
        """Whether one of the origins has `host`, a request's Host header: a proxy's name for us."""
        return host.lower() in {urlsplit(origin).netloc for origin in self.origins - {"*"}}


def permit(request: web.Request, response: web.Response, cors: CorsSettings) -> web.Response:
    """`response` with the headers that let the asking page read it, where it may."""
    if cors.origins:
        response.headers["Vary"] = "Origin"
    origin = request.headers.get("Origin")
    if origin is not None and cors.allows(origin):
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = EXPOSED
    return response


def preflight(
    request: web.Request, response: web.Response, cors: CorsSettings, methods: str
) -> web.Response:
    """`permit`, and the answer to a browser's question before the request itself."""
    if cors.allows(request.headers.get("Origin")):
        response.headers["Access-Control-Allow-Methods"] = methods
        response.headers["Access-Control-Allow-Headers"] = ASKED
        response.headers["Access-Control-Max-Age"] = str(REMEMBER_S)
    return permit(request, response, cors)


def add_cors_arguments(parser: Arguments) -> None:
    """`--allow-origin`."""
    parser.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="a site whose pages may play the show, such as https://theatre.example, or * for "
        "all; may be given more than once",
    )


def cors_settings(found: Namespace) -> CorsSettings:
    """The settings from what `add_cors_arguments` added. Raises `StreamError`."""
    return CorsSettings(frozenset(found.allow_origin))
