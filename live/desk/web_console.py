"""One console: its messages come in, orders are answered, and it is told what changes.

Every message is one JSON object. The console begins with {"token": "..."}, or null for a token on
the machine that runs the show; it is answered {"hello": {...}}, or {"refused": sentence}. Then

    {"set": {name: value, ...}, "fade": seconds, "id": number}    fade and id may be left out
    {"toggle": name, "id": number}
    {"do": name, "with": [argument, ...], "id": number}           with may be left out
    {"acknowledge": {"subject": name, "words": "NAME, DATE, STATEMENT"}, "id": number}

are answered {"ok": id} or {"error": sentence, "id": id}, each once it is done. Unasked come

    {"changed": {"version", "by", "values", "done", "offers"}}    whoever's hand it was
    {"telemetry": {...}}                                          five times a second
    {"event": {"at", "level", "text"}}
    {"cues": {...}}, {"presets": [name, ...]}, {"subject": {...}} where they have changed
"""

from __future__ import annotations

import asyncio
import logging
import time

from aiohttp import WSMessage, WSMsgType, web

from live.desk.web_greet import FULL, greeted, opened, refuse
from live.desk.web_json import packed, read_message
from live.desk.web_outbox import Outbox
from live.desk.web_room import MOST, Room
from live.errors import DeskError
from live.stream.access_limits import Allowance, Limiter

log = logging.getLogger(__name__)

PACE = Allowance(burst=200, per_s=200.0)
"""Orders of one console; a fader that is dragged sends 60 a second."""
WAITING = 64
"""Orders of one console that are not yet carried out."""


async def console(request: web.Request, room: Room) -> web.StreamResponse:
    """`GET /console/socket`."""
    socket = await opened(request)
    if await greeted(request, socket) is None:
        return socket
    if room.full:
        await refuse(socket, FULL, f"all {MOST} places are taken; close another console first")
        return socket
    outbox = Outbox(request, socket)
    with room.place(outbox):  # before the hello: no change is lost between the two
        writing = None
        try:
            await socket.send_str(await room.hello())
            writing = asyncio.create_task(outbox.run())
            await _Orders(room, outbox).read(socket)
        except (ConnectionError, RuntimeError):  # it has gone; or the show's end came first
            log.debug("a console left in the middle of a word")
        finally:
            if writing is not None:
                writing.cancel()
                await asyncio.gather(writing, return_exceptions=True)
    await socket.close()
    return socket


class _Orders:
    """What one console orders, at the pace that one may have."""

    def __init__(self, room: Room, outbox: Outbox) -> None:
        self._room = room
        self._outbox = outbox
        self._pace = Limiter(PACE, time.monotonic)
        self._waiting: set[asyncio.Future[dict[str, object]]] = set()

    async def read(self, socket: web.WebSocketResponse) -> None:
        """Until it leaves."""
        async for message in socket:
            if wait_s := self._pace.wait_s(""):
                words = f"more than {PACE.per_s:.0f} orders a second; this one was left out"
                self._refuse(words, None)
                await asyncio.sleep(wait_s)  # and it cannot send much more meanwhile
            else:
                self._take(message)

    def _take(self, message: WSMessage) -> None:
        if message.type is not WSMsgType.TEXT:
            self._refuse("a message is JSON text, and no binary one", None)
            return
        try:
            found = read_message(message.data)
        except DeskError as error:
            self._refuse(str(error), None)
            return
        if len(self._waiting) >= WAITING:
            self._refuse(f"{WAITING} orders wait already; this one was left out", found.get("id"))
            return
        answer = self._room.order(found)
        self._waiting.add(answer)
        answer.add_done_callback(self._answered)

    def _answered(self, answer: asyncio.Future[dict[str, object]]) -> None:
        self._waiting.discard(answer)
        if not answer.cancelled() and answer.exception() is None:
            self._outbox.put(packed(answer.result()))

    def _refuse(self, sentence: str, number: object) -> None:
        number = number if type(number) is int else None
        self._outbox.put(packed({"error": sentence, "id": number}))
