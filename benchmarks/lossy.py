"""A bad network on loopback: seeded loss, reordering, stalls and blackouts of what aiortc sends.

It stands between DTLS and ICE, so the handshake and ICE's own checks pass, and RTP and RTCP suffer
encrypted, as on a wire. What the browser sends back is let be.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aiortc import RTCDtlsTransport, RTCIceTransport

Send = Callable[[bytes], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Weather:
    """How bad the line is. The default is a good one."""

    loss: float = 0.0  # share of packets that never come, in [0, 1]
    reorder: float = 0.0  # share of packets that come late, in [0, 1]
    late_s: float = 0.008  # by how much those are late, seconds
    stall_s: float = 0.0  # nothing comes for so long, then all of it at once; 0: never
    stall_every_s: float = 2.0  # from one stall's beginning to the next one's, seconds
    seed: int = 0


class Line:
    """Decides each packet's fate: a pure function of the seed, the packets' count and the time."""

    def __init__(self, weather: Weather) -> None:
        self.weather = weather
        self.lost = 0  # packets so far
        self._random = random.Random(weather.seed)
        self._blackouts: list[tuple[float, float]] = []
        self._began_s: float | None = None

    def black_out(self, from_s: float, until_s: float) -> None:
        """Lose everything between two times of the clock that `due_s` is given."""
        self._blackouts.append((from_s, until_s))

    def due_s(self, now_s: float) -> float | None:
        """When a packet that leaves at `now_s` arrives; None: never."""
        weather = self.weather
        luck = self._random.random(), self._random.random()  # always two: losses don't move others
        black = any(from_s <= now_s < until_s for from_s, until_s in self._blackouts)
        if black or luck[0] < weather.loss:
            self.lost += 1
            return None
        due_s = now_s + (weather.late_s if luck[1] < weather.reorder else 0.0)
        return max(due_s, self._stalled_until_s(now_s))

    def _stalled_until_s(self, now_s: float) -> float:
        weather = self.weather
        self._began_s = now_s if self._began_s is None else self._began_s
        if not weather.stall_s:
            return now_s
        since_s = (now_s - self._began_s) % weather.stall_every_s
        return now_s + max(0.0, weather.stall_s - since_s)


class Wire:
    """One connection's packets over a `Line`, in the order in which they are due."""

    def __init__(self, send: Send, line: Line) -> None:
        self._send = send
        self._line = line
        self._loop = asyncio.get_running_loop()
        self._numbers = itertools.count()
        self._waiting: list[tuple[float, int, bytes]] = []
        self._pumps: set[asyncio.Task[None]] = set()

    async def send(self, data: bytes) -> None:
        """Media goes over the line, DTLS (RFC 7983: first byte 20 to 63) past it."""
        if not 128 <= data[0] <= 191:
            await self._send(data)
            return
        now_s = time.monotonic()
        due_s = self._line.due_s(now_s)
        if due_s is None:
            return
        if due_s <= now_s:
            await self._send(data)
            return
        heapq.heappush(self._waiting, (due_s, next(self._numbers), data))
        self._loop.call_later(due_s - now_s + 0.0005, self._begin)

    def _begin(self) -> None:
        pump = self._loop.create_task(self._pump())
        self._pumps.add(pump)
        pump.add_done_callback(self._pumps.discard)

    async def _pump(self) -> None:
        while self._waiting and self._waiting[0][0] <= time.monotonic():
            _, _, data = heapq.heappop(self._waiting)
            try:
                await self._send(data)
            except ConnectionError:  # the browser has left meanwhile
                self._waiting.clear()


@contextmanager
def over(line: Line) -> Iterator[None]:
    """Whatever connections aiortc opens inside this block send their media over `line`."""
    plain = RTCDtlsTransport.__init__

    def lead_over_the_line(
        self: RTCDtlsTransport, transport: RTCIceTransport, *more: object
    ) -> None:
        plain(self, transport, *more)  # type: ignore[arg-type]
        transport._send = Wire(transport._send, line).send

    setattr(RTCDtlsTransport, "__init__", lead_over_the_line)  # noqa: B010 (mypy refuses `=`)
    try:
        yield
    finally:
        setattr(RTCDtlsTransport, "__init__", plain)  # noqa: B010
