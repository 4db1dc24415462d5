"""Viewers of a soak, in a process of their own: they note every gap of the picture."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from urllib.parse import urljoin

import aiohttp

from benchmarks.fanout_viewers import LightViewer, Tally

NOTED_S = 0.2
"""A gap of the picture as long as this is noted, seconds."""
MALFORMED = (
    b"", b"\0" * 100, b"v=0\r\n", b"v=0\r\no=- 0 0 IN IP4 0\r\ns=-\r\nt=0 0\r\nm=video 9 X 96\r\n",
    "\u2603".encode() * 999, b"v=0\r\na=group:BUNDLE " + b"0 " * 9999, b"\xff\xfe\xfd",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Gap:
    """A time without a whole picture at one viewer."""

    from_s: float  # monotonic
    to_s: float

    @property
    def lasted_s(self) -> float:
        return self.to_s - self.from_s


class NotingTally(Tally):
    """Counts as `Tally` does, and notes when pictures did not come."""

    def __init__(self, ssrc: int) -> None:
        super().__init__(ssrc)
        self.gaps: list[Gap] = []
        self._seen_s: float | None = None

    def _count_picture(self) -> None:
        before = self.pictures
        super()._count_picture()
        if self.pictures == before:
            return
        now_s = time.monotonic()
        if self._seen_s is not None and now_s - self._seen_s >= NOTED_S:
            self.gaps.append(Gap(self._seen_s, now_s))
        self._seen_s = now_s

    def all_gaps(self) -> list[Gap]:
        """The one that still lasts included."""
        now_s = time.monotonic()
        open_gap = self._seen_s is not None and now_s - self._seen_s >= NOTED_S
        return [*self.gaps, *([Gap(self._seen_s or 0.0, now_s)] if open_gap else [])]


class Watchers:
    """Those who stay, and what one of them may do to the show."""

    def __init__(self, url: str, web: aiohttp.ClientSession) -> None:
        self._url, self._web = url, web
        self._staying: list[LightViewer] = []

    async def join(self, count: int) -> list[float]:
        """Seconds to each one's first picture."""
        for _ in range(count):
            self._staying.append(await self._viewer())
            await asyncio.sleep(0.6)
        return [viewer.first_picture_s for viewer in self._staying]

    async def gaps(self) -> list[list[Gap]]:
        """Of each who stays, since it came."""
        return [self._tally(viewer).all_gaps() for viewer in self._staying]

    async def pictures(self) -> list[int]:
        return [viewer.tally.pictures for viewer in self._staying]

    async def vanish(self) -> float:
        """One more comes, and is gone without a word: its battery is empty."""
        viewer = await self._viewer()
        await viewer._receiver.transport.transport._connection.close()
        if viewer._reports is not None:
            viewer._reports.cancel()
        return viewer.first_picture_s

    async def malform(self) -> list[int]:
        """Offers that are none; what the server answers."""
        answers = []
        for body in MALFORMED * 3:
            headers = {"Content-Type": "application/sdp"}
            async with self._web.post(
                urljoin(self._url, "whep"), data=body, headers=headers
            ) as got:
                answers.append(got.status)
        return sorted(set(answers))

    async def storm(self, asks: int = 300) -> int:
        """Key frames asked for without end."""
        viewer = self._staying[0]
        for _ in range(asks):
            await viewer._receiver._send_rtcp_pli(viewer.tally.ssrc)
            await asyncio.sleep(0.005)
        return asks

    async def leave(self) -> None:
        await asyncio.gather(*(viewer.leave() for viewer in self._staying))

    async def _viewer(self) -> LightViewer:
        viewer = LightViewer(self._url, "H264", self._web)
        viewer.tally = NotingTally(0)
        await viewer.join()
        return viewer

    @staticmethod
    def _tally(viewer: LightViewer) -> NotingTally:
        assert isinstance(viewer.tally, NotingTally)
        return viewer.tally


def run_watchers(pipe: Connection, url: str) -> None:
    """The process: does what `pipe` says, (method, *arguments), until it says "stop"."""
    logging.basicConfig(level=logging.ERROR)
    asyncio.run(_run(pipe, url))


async def _run(pipe: Connection, url: str) -> None:
    loop = asyncio.get_running_loop()
    async with aiohttp.ClientSession() as web:
        watchers = Watchers(url, web)
        while (ask := await loop.run_in_executor(None, pipe.recv))[0] != "stop":
            try:
                pipe.send(await getattr(watchers, str(ask[0]))(*ask[1:]))
            except (RuntimeError, OSError, aiohttp.ClientError) as error:
                pipe.send(RuntimeError(str(error)))
        await watchers.leave()
    pipe.send(None)
