"""How many connections are held for whom, before anything is read from them."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from live.errors import StreamError
from live.stream.access_caller import is_local, one_caller

log = logging.getLogger(__name__)

REQUEST_S = 10.0
"""For a request's head to come whole, and for a connection to be idle, seconds."""

HANDSHAKE_S = 10.0
"""For TLS, seconds."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Files are few: a process may often open 1024, and each viewer needs some for UDP."""

    most: int = 512  # TCP connections at once
    each: int = 64  # of them, for one address; this machine itself, and its proxy, have no limit

    def __post_init__(self) -> None:
        if not 1 <= self.each <= self.most:
            raise StreamError(f"{self.each} of {self.most} connections: give 1 or more of them")


class Connections:
    """Counts, and cuts off at once what is too much. Lives on one event loop."""

    def __init__(self, limits: ConnectionLimits | None = None) -> None:
        self._limits = limits or ConnectionLimits()
        self._held: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._held.total()

    def door(self, inner: Callable[[], asyncio.Protocol]) -> Callable[[], asyncio.Protocol]:
        """A factory for `create_server`, whose connections are counted before `inner` has them."""
        return lambda: _Door(self, inner())

    def enter(self, who: str) -> bool:
        """Count one; False, and not counted, where it is one too many."""
        own = is_local(who)
        if len(self) >= self._limits.most or (not own and self._held[who] >= self._limits.each):
            log.debug("a connection too many, from %s", who)
            return False
        self._held[who] += 1
        return True

    def leave(self, who: str) -> None:
        """One that was counted is gone."""
        self._held[who] -= 1
        if not self._held[who]:
            del self._held[who]


class _Door(asyncio.Protocol):
    """Stands before the protocol proper, and passes everything on."""

    def __init__(self, connections: Connections, inner: asyncio.Protocol) -> None:
        self._connections = connections
        self._inner = inner
        self._who: str | None = None  # while it is counted

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = transport.get_extra_info("peername")
        who = one_caller(str(peer[0]) if peer else None)
        if self._connections.enter(who):
            self._who = who
            self._inner.connection_made(transport)
        elif isinstance(transport, asyncio.Transport):
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._who is None:
            return
        who, self._who = self._who, None
        self._connections.leave(who)
        self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._who is not None:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._who is not None else None

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()
