"""A request's body, checked at the door: its kind, its length, its encoding, and how it comes."""

from __future__ import annotations

import asyncio

from aiohttp import web

from live.errors import StreamError
from live.stream.access_caller import shown

BODY_S = 10.0
"""In which a body must have come whole, seconds."""


class BodyError(StreamError):
    """A body that is not taken; `status` is what HTTP says to it."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


async def read_text(request: web.Request, kind: str, longest: int) -> str:
    """The body as text, of the media type `kind` and `longest` bytes at most.

    Only media types that a form cannot send make a page of another site ask first (CORS), and
    it is told no. Raises `BodyError`.
    """
    if request.content_type != kind:
        raise BodyError(415, f"the offer came as {shown(request.content_type)}; send it as {kind}")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise BodyError(415, "the offer came packed; send it as it is")
    too_long = f"the offer is longer than {longest} bytes"
    if (request.content_length or 0) > longest:
        raise BodyError(413, too_long)
    try:
        async with asyncio.timeout(BODY_S):
            content = await request.read()
    except TimeoutError:
        raise BodyError(408, f"the offer did not come whole within {BODY_S:.0f} s") from None
    except web.HTTPRequestEntityTooLarge:
        raise BodyError(413, too_long) from None
    except (web.RequestPayloadError, ConnectionError):
        raise BodyError(400, "the offer did not come as announced") from None
    if len(content) > longest:
        raise BodyError(413, too_long)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise BodyError(400, "the offer is not UTF-8 text") from None
