"""A short-lived pass for what a page cannot send a header with: the preview in an <img>.

A cookie, and not a part of the address: addresses are kept in histories, in logs and by proxies,
and are handed on with a screenshot. This one no script reads, no other site sends (SameSite), and
nothing but reading pictures takes it, so that it is of no use for forged requests. It is
signed with a key that ends with the process, and holds no token.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time

from aiohttp import web

from live.stream.access import Right, refusal
from live.timing import Clock

LASTS_S = 600
"""Seconds. A stream that has begun goes on; a page that begins another asks for a new pass."""


class Passes:
    """Made and recognized by one server."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        # Cookies know no ports: two shows on one machine must not take each other's.
        self.cookie = f"understudy-pass-{secrets.token_hex(4)}"

    def made(self) -> str:
        """A pass that is good from now on for `LASTS_S`."""
        until = f"{self._clock() + LASTS_S:.0f}"
        return f"{until}.{self._signed(until)}"

    def good(self, given: str) -> bool:
        """Whether `given` is ours and not over."""
        until, _, signature = given.partition(".")
        ours = hmac.compare_digest(signature.encode(errors="replace"), self._signed(until).encode())
        return ours and float(until) > self._clock()

    def _signed(self, until: str) -> str:
        said = until.encode(errors="replace")
        return hmac.new(self._key, said, hashlib.sha256).hexdigest()


PASSES = web.AppKey("passes", Passes)


def add_passes(app: web.Application, passes: Passes | None = None) -> None:
    """Serve `POST /pass`: who may watch gets the cookie."""
    app[PASSES] = found = passes or Passes()

    async def give(request: web.Request) -> web.StreamResponse:
        if (refused := refusal(request, Right.VIEWER)) is not None:
            return refused
        response = web.Response(status=204, headers={"Cache-Control": "no-store"})
        # Without a path it is for the folder of this address, wherever a proxy has put it.
        response.set_cookie(
            found.cookie,
            found.made(),
            max_age=LASTS_S,
            path="",
            httponly=True,
            samesite="Strict",
            secure=request.secure or request.headers.get("X-Forwarded-Proto") == "https",
        )
        return response

    app.router.add_post("/pass", give)


def refused_picture(request: web.Request) -> web.Response | None:
    """What somebody without token and pass gets; None where one of the two is good."""
    passes = request.config_dict.get(PASSES)
    if passes is not None and passes.good(request.cookies.get(passes.cookie, "")):
        return None
    return refusal(request, Right.VIEWER)
