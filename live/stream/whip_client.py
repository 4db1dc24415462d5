"""WHIP's HTTP (RFC 9725): an offer goes out by POST, the answer comes back, DELETE ends it."""

from __future__ import annotations

import asyncio
import email.utils
import logging
import time
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

import aiohttp
from aiohttp.hdrs import AUTHORIZATION, CONTENT_TYPE, LINK, LOCATION, RETRY_AFTER
from yarl import URL

from live.errors import StreamError
from live.stream.link_headers import ice_servers
from live.stream.network import IceServer
from live.timing import Clock

log = logging.getLogger(__name__)

SDP = "application/sdp"

LONGEST_ANSWER = 64 * 1024
"""Bytes. An SFU's answer has a few thousand."""

MOST_REDIRECTS = 5

_KEPT = (307, 308)  # the redirects that keep POST a POST, RFC 9110 sections 15.4.8 and 15.4.9
_CHANGED = (301, 302, 303)

_WHY = {
    400: "it does not like the offer; see the server's own log",
    401: "the token is missing or wrong; put the right one into UNDERSTUDY_WHIP_TOKEN",
    403: "the token may not publish there; see the stream's permissions on the server",
    404: "there is no such stream; see the path of --whip",
    405: "that address takes no POST; see the path of --whip",
    406: "it takes none of the offered codecs",
    409: "somebody else publishes there already",
    415: "it takes no SDP; that address may not be WHIP",
    422: "it cannot use the offer; see the server's own log",
    429: "it is asked too often",
    503: "it has no room at the moment",
}

_NO_CODEC = (406, 415, 422, 488)


class WhipError(StreamError):
    """An endpoint that did not take the show; the message says why, and never holds the token."""

    def __init__(self, sentence: str, retry_after_s: float = 0.0, codec: bool = False) -> None:
        super().__init__(sentence)
        self.retry_after_s = retry_after_s  # seconds that it asked us to wait
        self.codec = codec  # another codec may be welcome


@dataclass(frozen=True, slots=True)
class WhipSession:
    """What an endpoint gave for our offer."""

    answer: str  # SDP, not looked into
    address: URL  # of the session, for DELETE
    ice_servers: tuple[IceServer, ...] = ()  # that it names


@dataclass(frozen=True, slots=True)
class WhipClient:
    """One endpoint. The token goes to the endpoint's own origin and to no other."""

    endpoint: URL = field(repr=False)
    token: str | None = field(default=None, repr=False)
    timeout_s: float = 10.0  # for one exchange, seconds
    private: bool = False  # its address is a secret: only its host is told
    wall_clock: Clock = time.time  # for Retry-After, which may be a date

    async def publish(self, web: aiohttp.ClientSession, offer: str) -> WhipSession:
        """POST `offer`. Raises `WhipError`."""
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self._publish(web, self.endpoint, offer)
        except TimeoutError as error:
            raise WhipError(
                f"{self.shown(self.endpoint)} did not answer within {self.timeout_s:g} s"
            ) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise WhipError(
                f"{self.shown(self.endpoint)} cannot be reached ({_plain(error)}); "
                "see the address of --whip and whether the server runs"
            ) from error

    async def _publish(self, web: aiohttp.ClientSession, url: URL, offer: str) -> WhipSession:
        for _ in range(MOST_REDIRECTS + 1):
            async with self._ask(web, "POST", url, offer) as response:
                if response.status not in _KEPT:
                    return await self._session(response, url)
                url = self._target(response, url)
        raise WhipError(f"{self.shown(self.endpoint)} redirects more than {MOST_REDIRECTS} times")

    async def end(self, web: aiohttp.ClientSession, session: WhipSession) -> None:
        """DELETE the session. What goes wrong is logged: it is over in any case."""
        try:
            async with asyncio.timeout(self.timeout_s):
                status = await self._delete(web, session.address)
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError, WhipError) as error:
            log.info("the WHIP session's DELETE came to nothing (%s)", _plain(error))
            return
        if status >= 300 and status != 404:
            log.info("the WHIP session's DELETE was answered with %d", status)

    async def _delete(self, web: aiohttp.ClientSession, url: URL) -> int:
        for _ in range(MOST_REDIRECTS + 1):
            async with self._ask(web, "DELETE", url) as response:
                if response.status not in _KEPT:
                    return response.status
                url = self._target(response, url)
        raise WhipError(f"it redirects more than {MOST_REDIRECTS} times")

    def _ask(
        self, web: aiohttp.ClientSession, method: str, url: URL, offer: str | None = None
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        headers = {} if offer is None else {CONTENT_TYPE: SDP}
        if self.token is not None and url.origin() == self.endpoint.origin():
            headers[AUTHORIZATION] = f"Bearer {self.token}"
        # aiohttp's own redirects would make a GET of a 301's POST.
        return web.request(method, url, data=offer, headers=headers, allow_redirects=False)

    async def _session(self, response: aiohttp.ClientResponse, url: URL) -> WhipSession:
        if response.status != 201:
            raise self._refusal(response, url)
        if response.content_type != SDP:
            raise WhipError(
                f"{self.shown(url)} answered 201 with {response.content_type}, not {SDP}; "
                "that address may not be WHIP"
            )
        location = response.headers.get(LOCATION)
        if not location:
            raise WhipError(f"{self.shown(url)} answered 201 without a Location; that is not WHIP")
        answer = await self._text(response, url)
        return WhipSession(
            answer, self._joined(url, location), ice_servers(response.headers.getall(LINK, []))
        )

    def _refusal(self, response: aiohttp.ClientResponse, url: URL) -> WhipError:
        status = response.status
        if status in _CHANGED:
            return WhipError(
                f"{self.shown(url)} redirects with {status}, which makes a GET of a POST; RFC 9725 "
                "wants 307. Give --whip the address that it points to"
            )
        why = _WHY.get(status)
        if why is None:
            why = "it is broken for the moment" if status >= 500 else "that is no answer of WHIP"
        after_s = retry_after_s(response.headers.get(RETRY_AFTER, ""), self.wall_clock())
        return WhipError(
            f"{self.shown(url)} answered {status}: {why}", after_s, codec=status in _NO_CODEC
        )

    async def _text(self, response: aiohttp.ClientResponse, url: URL) -> str:
        body = b""
        async for chunk in response.content.iter_chunked(LONGEST_ANSWER):
            body += chunk
            if len(body) > LONGEST_ANSWER:
                raise WhipError(
                    f"{self.shown(url)} sent an answer of more than {LONGEST_ANSWER} bytes"
                )
        try:
            return body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise WhipError(f"{self.shown(url)} sent an answer that is not UTF-8 text") from error

    def _target(self, response: aiohttp.ClientResponse, url: URL) -> URL:
        location = response.headers.get(LOCATION)
        if not location:
            raise WhipError(f"{self.shown(url)} redirects without saying where to")
        return self._joined(url, location)

    def _joined(self, url: URL, location: str) -> URL:
        """`location`, which may be relative, as a whole address. Raises `WhipError`."""
        told = "a place" if self.private else f"{location!r}"
        try:
            joined = url.join(URL(location))
        except ValueError as error:
            raise WhipError(f"{self.shown(url)} sends us to {told}, which is no address") from error
        if joined.scheme not in ("http", "https") or not joined.host:
            raise WhipError(f"{self.shown(url)} sends us to {told}, which is no HTTP address")
        return joined

    def shown(self, url: URL) -> str:
        """`url` for a log: a query, a user's name, and sometimes the path may be secret."""
        if self.private:
            return str(url.origin())
        return str(url.with_query(None).with_fragment(None).with_user(None))


LONGEST_WAIT_S = 60.0


def retry_after_s(value: str, unix_s: float) -> float:
    """A Retry-After header (RFC 9110 section 10.2.3) as seconds in [0, 60]; 0 without sense.

    `unix_s` is now, on the wall clock: a date is only as good as both clocks, hence the bounds.
    """
    if value.strip().isdecimal():
        wait_s = float(value)
    else:
        try:
            wait_s = email.utils.parsedate_to_datetime(value).timestamp() - unix_s
        except (ValueError, OverflowError):
            return 0.0
    return min(max(wait_s, 0.0), LONGEST_WAIT_S)


def _plain(error: Exception) -> str:
    return str(error) or type(error).__name__
