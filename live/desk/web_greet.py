"""A console's first message: who it is, before it is told anything."""

from __future__ import annotations

import asyncio

from aiohttp import WSMsgType, web

from live.desk.web_json import packed, read_message
from live.errors import DeskError
from live.stream.access import message_refusal

GREET_S = 5.0
"""For the first message, seconds."""
HEARTBEAT_S = 6.0
"""Seconds after which one that is silent is asked for a sign of life; it has half of it to give
one: a tablet that has gone leaves its place after nine."""
CLOSE_S = 0.5
"""For a farewell, seconds."""
LONGEST = 64 * 1024
"""Bytes of a message; a longer one ends the connection (1009, RFC 6455 section 7.4.1)."""
STRANGER = 4401
"""The close code for who may not come in; there is no use in trying again with that token."""
FULL = 4503
"""The close code where all places are taken: try again in a few seconds."""


async def opened(request: web.Request) -> web.WebSocketResponse:
    """The socket of a request, open. Raises HTTP's 400 for one that is no WebSocket's."""
    socket = web.WebSocketResponse(
        heartbeat=HEARTBEAT_S, timeout=CLOSE_S, max_msg_size=LONGEST, compress=False
    )
    await socket.prepare(request)
    return socket


async def greeted(request: web.Request, socket: web.WebSocketResponse) -> dict[str, object] | None:
    """The first message of somebody who may operate; None: it was refused, or went."""
    try:
        async with asyncio.timeout(GREET_S):
            first = await socket.receive()
    except TimeoutError:
        await refuse(socket, STRANGER, f"no message came within {GREET_S:.0f} s")
        return None
    if first.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
        return None
    try:
        message = read_message(first.data if first.type is WSMsgType.TEXT else "")
    except DeskError:
        message = {"token": 0}
    token = message.get("token")
    if not isinstance(token, str | None):
        await refuse(socket, STRANGER, 'the first message is {"token": "..."}, or null for a token')
        return None
    if (sentence := message_refusal(request, token)) is not None:
        await refuse(socket, STRANGER, sentence)
        return None
    return message


async def refuse(socket: web.WebSocketResponse, code: int, sentence: str) -> None:
    """Say why, and close."""
    try:
        await socket.send_str(packed({"refused": sentence}))
        await socket.close(code=code)
    except ConnectionError:  # it has gone already
        return
