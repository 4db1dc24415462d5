"""What one console is to be sent next. One that does not read it is dropped."""

from __future__ import annotations

import asyncio
from collections import deque

from aiohttp import WSCloseCode, web

MOST = 256
"""Messages that wait for one console."""
SEND_S = 5.0
"""In which one message must be taken, seconds."""


class Outbox:
    """Of messages all are kept, in order; of telemetry the newest. Lives on the event loop."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        self._request = request
        self._socket = socket
        self._messages: deque[str] = deque()
        self._telemetry: str | None = None
        self._news = asyncio.Event()

    def put(self, message: str) -> None:
        """Send it in its turn."""
        if len(self._messages) >= MOST:
            self.drop()
            return
        self._messages.append(message)
        self._news.set()

    def show(self, telemetry: str) -> None:
        """Send it once nothing else waits, unless a newer one comes first."""
        self._telemetry = telemetry
        self._news.set()

    def drop(self) -> None:
        """Cut the line, without a farewell: nobody reads."""
        self._messages.clear()
        if self._request.transport is not None:
            self._request.transport.abort()

    async def close(self) -> None:
        """Say that the show ends: the console looks for it again."""
        await self._socket.close(code=WSCloseCode.GOING_AWAY)

    async def run(self) -> None:
        """Send what comes, until the console has gone."""
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                while (message := self._next()) is not None:
                    async with asyncio.timeout(SEND_S):
                        await self._socket.send_str(message)
        except (TimeoutError, ConnectionError):
            self.drop()

    def _next(self) -> str | None:
        if self._messages:
            return self._messages.popleft()
        telemetry, self._telemetry = self._telemetry, None
        return telemetry
