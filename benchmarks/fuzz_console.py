"""The console's socket for the fuzzing: strangers at the door, and an operator's spoiled orders."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from typing import Any, cast

import aiohttp

from benchmarks.fuzz_desk import WatchedDesk, likely
from benchmarks.fuzz_errors import Errors
from benchmarks.fuzz_mutate import ODD_TEXTS, odd_value, spoiled_bytes, spoiled_json
from benchmarks.fuzz_target import LetInError, Verdict
from live.desk.desk import Desk
from live.desk.parameters import Kind
from live.stream.access_tokens import Tokens
from tests.live.desk.console_client import AFAR
from tests.live.desk.console_server import serving

PATIENCE_S = 4.0
A_SOCKET = 100
"""Messages on one: a console that says more than 200 a second is not heard."""
LOGS = ("aiohttp.server", "asyncio", "live")


class ConsoleMessages:
    """JSON over real WebSockets: a stranger is never greeted, an order never sets what is wrong."""

    name, share = "console", 0.05

    def __init__(self) -> None:
        self._open = contextlib.ExitStack()
        desk = Desk({"subject": "demo"})
        self._watched: WatchedDesk | None = None
        self._console = self._open.enter_context(
            serving(tokens=Tokens(), desk=desk, more=self._watch, playing=False)
        )
        self._errors = self._open.enter_context(contextlib.closing(Errors(LOGS)))
        self._loop = asyncio.new_event_loop()
        self._session = self._wait(_session())
        self._said = 0
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._parameters = list(desk.parameters())

    def make(self, rng: random.Random) -> object:
        stranger = rng.random() < 0.2
        if stranger:
            value: Any = {"token": rng.choice((None, *ODD_TEXTS)), "set": {"mirror": True}}
        else:
            value = self._order(rng)
        text = json.dumps(spoiled_json(rng, value) if rng.random() < 0.5 else value)
        if rng.random() < 0.2:
            text = spoiled_bytes(rng, text.encode()).decode("utf-8", "replace")
        return stranger, text

    def feed(self, given: object) -> Verdict:
        stranger, text = cast(tuple[bool, str], given)
        taken = self._wait(self._knock(text) if stranger else self._say(text))
        if self._errors.seen:
            raise RuntimeError(f"it logged {self._errors.take()}")
        assert self._watched is not None
        self._watched.check()
        return Verdict.TAKEN if taken else Verdict.REFUSED

    def close(self) -> None:
        self._wait(self._session.close())
        self._loop.close()
        self._open.close()

    def _watch(self, desk: Desk) -> None:
        self._watched = WatchedDesk(desk)

    def _wait(self, doing: Any) -> Any:
        return self._loop.run_until_complete(asyncio.wait_for(doing, PATIENCE_S))

    async def _knock(self, text: str) -> bool:
        """A first message from somewhere else, without a token that is right."""
        async with self._connect(AFAR) as socket:
            await socket.send_str(text)
            async for message in socket:
                if "hello" in message.json():
                    raise LetInError("a stranger was greeted")
        return False

    async def _say(self, text: str) -> bool:
        """An operator's message. Each is answered once."""
        if self._socket is None or self._socket.closed or self._said % A_SOCKET == 0:
            if self._socket is not None:
                await self._socket.close()
            self._socket = await self._connect({})
            await self._socket.send_json({"token": self._console.tokens.operator})
        self._said += 1
        await self._socket.send_str(text)
        async for message in self._socket:
            told = message.json()
            if "ok" in told or "error" in told:
                return "ok" in told
        return False  # it was too long: the connection ended

    def _connect(self, headers: dict[str, str]) -> Any:
        return self._session.ws_connect(
            f"{self._console.server.url}console/socket", headers=headers
        )

    def _order(self, rng: random.Random) -> dict[str, Any]:
        one, other = (rng.choice(self._parameters) for _ in range(2))
        given = likely(rng, one)
        if rng.random() < 0.3:
            given = [odd_value(rng)]
        orders: tuple[dict[str, Any], ...] = (
            {"set": {one.name: (given or [0])[0]}},
            {"set": dict.fromkeys((one.name, other.name), 0.5), "fade": rng.choice((0, 2, 601))},
            {"toggle": one.name},
            {"do": one.name, "with": given},
        )
        fits = {Kind.ACTION: orders[3], Kind.SWITCH: orders[2]}.get(one.kind, orders[0])
        return {**(fits if rng.random() < 0.7 else rng.choice(orders)), "id": rng.randrange(1000)}


async def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
