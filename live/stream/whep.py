"""WHEP over HTTP: an offer comes in by POST, the answer goes out, DELETE ends it.

After draft-ietf-wish-whep: 201 with the answer and a Location. Answers carry all candidates, so
there is nothing to PATCH.
"""

from __future__ import annotations

from aiohttp import web

from live.stream.offer import OfferError
from live.stream.viewers import Viewers

LONGEST_OFFER = 64 * 1024
"""Bytes. A browser's offer has about 6000."""

SDP = "application/sdp"


def add_whep(app: web.Application, viewers: Viewers) -> None:
    """Serve `POST /whep` and `DELETE /whep/<id>` for `viewers`."""
    handlers = _Whep(viewers)
    app.router.add_post("/whep", handlers.offer)
    app.router.add_patch("/whep/{viewer}", handlers.patch)
    app.router.add_delete("/whep/{viewer}", handlers.delete)


class _Whep:
    def __init__(self, viewers: Viewers) -> None:
        self._viewers = viewers

    async def offer(self, request: web.Request) -> web.Response:
        if request.content_type != SDP:
            return _say(415, f"the offer came as {request.content_type}; send it as {SDP}")
        try:
            text = (await request.read()).decode("utf-8")
        except web.HTTPRequestEntityTooLarge:
            return _say(413, f"the offer is longer than {LONGEST_OFFER} bytes")
        except UnicodeDecodeError:
            return _say(400, "the offer is not UTF-8 text")
        try:
            viewer, answer = await self._viewers.admit(text)
        except OfferError as error:
            return _say(error.status, str(error))
        headers = {"Location": f"/whep/{viewer}"}
        return web.Response(status=201, text=answer, content_type=SDP, headers=headers)

    async def patch(self, request: web.Request) -> web.Response:
        response = _say(405, "answers carry all candidates; there is nothing to PATCH")
        response.headers["Allow"] = "DELETE"
        return response

    async def delete(self, request: web.Request) -> web.Response:
        viewer = request.match_info["viewer"]
        if not await self._viewers.dismiss(viewer):
            return _say(404, "no viewer has this address; it may have ended already")
        return web.Response(status=204)


def _say(status: int, sentence: str) -> web.Response:
    response = web.Response(status=status, text=sentence + "\n")
    if status == 503:
        response.headers["Retry-After"] = "5"
    return response
