"""WHEP over HTTP: an offer comes in by POST, the answer goes out, DELETE ends it.

After draft-ietf-wish-whep-04: 201 with the answer and a Location, Accept-Post to OPTIONS, nothing
to GET. Answers carry all candidates and there are no ICE restarts, so PATCH has nothing to do.
"""

from __future__ import annotations

from aiohttp import web
from yarl import URL

from live.errors import StreamError
from live.stream.access import Right, refusal
from live.stream.access_body import BodyError, read_text
from live.stream.access_caller import caller
from live.stream.cors import CorsSettings, permit, preflight
from live.stream.offer import OfferError
from live.stream.viewers import Viewers

LONGEST_OFFER = 64 * 1024
"""Bytes. A browser's offer has about 6000."""

SDP = "application/sdp"

_ENDPOINT, _SESSION = "GET, HEAD, OPTIONS, POST", "DELETE, GET, HEAD, OPTIONS"


def add_whep(app: web.Application, viewers: Viewers, cors: CorsSettings | None = None) -> None:
    """Serve `POST /whep` and `DELETE /whep/<id>`, for our own page and those that `cors` allows."""
    handlers = _Whep(viewers, cors or CorsSettings())
    app.router.add_post("/whep", handlers.offer)
    app.router.add_get("/whep", handlers.nothing)
    app.router.add_options("/whep", handlers.describe)
    app.router.add_patch("/whep/{viewer}", handlers.patch)
    app.router.add_delete("/whep/{viewer}", handlers.delete)
    app.router.add_get("/whep/{viewer}", handlers.nothing)
    app.router.add_options("/whep/{viewer}", handlers.describe_session)


class _Whep:
    def __init__(self, viewers: Viewers, cors: CorsSettings) -> None:
        self._viewers = viewers
        self._cors = cors

    async def offer(self, request: web.Request) -> web.Response:
        return permit(request, await self._answer(request), self._cors)

    async def _answer(self, request: web.Request) -> web.Response:
        if (refused := refusal(request, Right.VIEWER)) is not None:
            return refused
        address = caller(request)
        try:
            self._viewers.check_pace(address)  # before anything is read
            text = await read_text(request, SDP, LONGEST_OFFER)
            viewer, answer = await self._viewers.admit(text, address)
        except (BodyError, OfferError) as error:
            return _say(error.status, str(error))
        except StreamError as error:  # ours, not the offer's: no UDP port is free, for one
            return _say(503, str(error))
        headers = {"Location": self._location(request, viewer)}
        return web.Response(status=201, text=answer, content_type=SDP, headers=headers)

    def _location(self, request: web.Request, viewer: str) -> str:
        """Relative, so that a reverse proxy may serve us below any prefix.

        Whole for another site's page that asks us without a proxy: some players take a relative
        one for an address of their own site (@eyevinn/webrtc-player 0.13, for one).
        """
        relative = f"whep/{viewer}"
        foreign = self._cors.allows(request.headers.get("Origin"))
        if foreign and "X-Forwarded-For" not in request.headers:
            return str(request.url.join(URL(relative)))
        return relative

    async def nothing(self, request: web.Request) -> web.Response:
        """GET: there is nothing to see, and that is no error (RFC 9725 section 4.1)."""
        return permit(request, web.Response(status=204), self._cors)

    async def describe(self, request: web.Request) -> web.Response:
        headers = {"Accept-Post": SDP, "Allow": _ENDPOINT}
        response = web.Response(headers=headers)
        return preflight(request, response, self._cors, _ENDPOINT)

    async def describe_session(self, request: web.Request) -> web.Response:
        response = web.Response(headers={"Allow": _SESSION})
        return preflight(request, response, self._cors, _SESSION)

    async def patch(self, request: web.Request) -> web.Response:
        response = _say(405, "answers carry all candidates; there is nothing to PATCH")
        response.headers["Allow"] = _SESSION
        return permit(request, response, self._cors)

    async def delete(self, request: web.Request) -> web.Response:
        if (refused := refusal(request, Right.VIEWER)) is not None:
            return permit(request, refused, self._cors)
        viewer = request.match_info["viewer"]
        if not await self._viewers.dismiss(viewer):
            response = _say(404, "no viewer has this address; it may have ended already")
        else:
            response = web.Response(status=204)
        return permit(request, response, self._cors)


def _say(status: int, sentence: str) -> web.Response:
    response = web.Response(status=status, text=sentence + "\n")
    if status in (429, 503):
        response.headers["Retry-After"] = "5"
    return response
