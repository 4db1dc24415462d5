"""A console without a page: what a test says to the socket, and what it hears."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp

AFAR = {"X-Forwarded-For": "192.0.2.44"}
"""As nginx on this machine says of an operator elsewhere."""

PATIENCE_S = 20.0


class Client:
    """One open socket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.hello: dict[str, Any] = {}
        self._numbers = itertools.count(1)

    async def order(self, **message: object) -> str:
        """Send an order with an id; "" where it was carried out, or the sentence of the error."""
        number = next(self._numbers)
        await self.socket.send_json({**message, "id": number})
        answer = await self.until(lambda one: one.get("ok", one.get("id")) == number)
        return str(answer.get("error", ""))

    async def until(self, wanted: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The next message that is wanted; those before it are passed over."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                message: dict[str, Any] = await self.socket.receive_json()
                if wanted(message):
                    return message

    async def changed(self, by: str) -> dict[str, Any]:
        """The next change by that hand."""
        told = await self.until(lambda one: one.get("changed", {}).get("by") == by)
        found: dict[str, Any] = told["changed"]
        return found

    async def next(self, kind: str) -> Any:
        """What the next message of `kind` holds."""
        return (await self.until(lambda one: kind in one))[kind]


@contextlib.asynccontextmanager
async def connected(
    url: str, token: object = None, headers: dict[str, str] | None = None, origin: str | None = None
) -> AsyncIterator[Client]:
    """A console at the server `url`, greeted; its `hello` is what came back first."""
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
        session.ws_connect(f"{url}console/socket", headers=headers, origin=origin) as socket,
    ):
        client = Client(socket)
        await socket.send_json({"token": token})
        first = await socket.receive_json()
        client.hello = first.get("hello", first)
        yield client


@contextlib.asynccontextmanager
async def looking(
    url: str, token: object = None, headers: dict[str, str] | None = None, **wish: object
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """The pictures' socket, asked for `wish`."""
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
        session.ws_connect(f"{url}console/pictures", headers=headers) as socket,
    ):
        await socket.send_json({"token": token, **wish})
        yield socket
