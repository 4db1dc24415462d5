"""A long response: one HTTP client who is sent more and more, and may take it slowly or not."""

from __future__ import annotations

import asyncio
import logging
import socket

from aiohttp import web
from aiohttp.http_writer import StreamWriter

log = logging.getLogger(__name__)

SEND_BUFFER = 2**17
"""Bytes the system holds for a client. Linux would let it grow to megabytes: seconds of pictures
that a slow client would have to see before the newest."""


class LongResponse:
    """Sends, and waits until the client's system has all but `SEND_BUFFER` of it.

    So no more than one picture ever waits here for a client, and a slow one misses the rest.
    """

    def __init__(self, writer: StreamWriter, transport: asyncio.Transport, stall_s: float) -> None:
        self._writer = writer
        self._transport = transport
        self._stall_s = stall_s

    @property
    def wanted(self) -> bool:
        """Whether the client is still there, as far as is known."""
        return not self._transport.is_closing()

    async def send(self, data: bytes) -> bool:
        """Send `data`; False when the client has left, or has taken nothing for `stall_s`.

        The system tells that something was taken once about a third of `SEND_BUFFER` was.
        """
        try:
            await self._writer.write(data, drain=False)
            return await self._drained()
        except ConnectionError:
            return False

    async def _drained(self) -> bool:
        """aiohttp's own wait has no end, and must not be cancelled and begun again."""
        left = self._transport.get_write_buffer_size()
        if left == 0:
            return True
        draining = asyncio.ensure_future(self._writer.drain())
        try:
            while not (await asyncio.wait([draining], timeout=self._stall_s))[0]:
                before, left = left, self._transport.get_write_buffer_size()
                if left >= before:
                    log.info("a client took nothing for %g s and is shown out", self._stall_s)
                    return False
            draining.result()
            return True
        finally:
            draining.cancel()
            if self._transport.get_write_buffer_size():  # a polite end would wait for it, too
                self._transport.abort()


async def begin(
    request: web.Request, response: web.StreamResponse, stall_s: float
) -> LongResponse | None:
    """Send the response's head; None when the client has left already."""
    transport = request.transport
    if transport is None:
        return None
    transport.set_write_buffer_limits(high=0)
    connection = transport.get_extra_info("socket")
    try:
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        writer = await response.prepare(request)
    except OSError:  # it closes just now
        return None
    assert isinstance(writer, StreamWriter)
    return LongResponse(writer, transport, stall_s)
