"""Viewers come and go all evening. `python -m benchmarks.fanout --churn 500` does it at length."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiortc import RTCPeerConnection

from live.stream.hub import Hub
from live.stream.server import ServerSettings, ShowServer
from tests.live.stream.pattern import Performance
from tests.live.stream.test_viewers import OPEN_FILES
from tests.live.stream.test_whep import until
from tests.live.stream.watcher import Watcher

WARM_UP, JOINS, AT_ONCE = 12, 40, 4


@dataclass
class Inside:
    """The server's event loop, so that its tasks can be counted."""

    loops: list[asyncio.AbstractEventLoop] = field(default_factory=list)

    def add(self, app: web.Application) -> None:
        async def note(app: web.Application) -> AsyncIterator[None]:
            self.loops.append(asyncio.get_running_loop())
            yield

        app.cleanup_ctx.append(note)

    @property
    def tasks(self) -> int:
        return len(asyncio.all_tasks(self.loops[0]))


@pytest.fixture
def inside() -> Inside:
    return Inside()


@pytest.fixture
def server(hub: Hub, inside: Inside) -> Iterator[ShowServer]:
    with ShowServer(ServerSettings(port=0), hub, dict, more=[inside.add]) as serving:
        yield serving


@dataclass(frozen=True, slots=True)
class Held:
    """What this process, server and viewers, holds on to."""

    files: int
    tasks: int
    threads: int
    connections: int
    bytes: int

    @classmethod
    def now(cls, inside: Inside) -> Held:
        gc.collect()
        return cls(
            len(os.listdir(OPEN_FILES)),
            inside.tasks + len(asyncio.all_tasks()),
            threading.active_count(),
            sum(type(one) is RTCPeerConnection for one in gc.get_objects()),
            tracemalloc.get_traced_memory()[0],
        )


async def visit(server: ShowServer, farewell: bool) -> None:
    """Come, see a picture, go; with a DELETE, or by hanging up."""
    async with Watcher(server.url) as watcher:
        await watcher.pictures(1)
        if farewell:
            status, text = await watcher.leave()
            assert status == 204, text


async def visits(server: ShowServer, hub: Hub, count: int) -> None:
    for _ in range(count // AT_ONCE):
        await asyncio.gather(*(visit(server, one % 2 == 0) for one in range(AT_ONCE)))
    await until(lambda: hub.counts.viewers == 0)


@pytest.mark.skipif(not OPEN_FILES.exists(), reason="open files are counted in /proc")
async def test_forty_comings_and_goings_leave_no_more_behind_than_twelve(
    hub: Hub, server: ShowServer, inside: Inside
) -> None:
    already = Held.now(inside).connections  # another test's, which something still holds
    tracemalloc.start()
    try:
        with Performance(hub, (128, 128)):
            await visits(server, hub, WARM_UP)
            await until(lambda: Held.now(inside).connections <= already)
            before = Held.now(inside)
            await visits(server, hub, JOINS)
            await until(lambda: _no_more(Held.now(inside), before))
            after = Held.now(inside)
    finally:
        tracemalloc.stop()
    assert after.bytes - before.bytes < JOINS * 10_000, "a connection has some hundred thousand"
    assert hub.counts.encoded <= hub.counts.frames, "one encode, however many came"


def _no_more(now: Held, before: Held) -> bool:
    return (
        now.files <= before.files
        and now.tasks <= before.tasks
        and now.threads <= before.threads
        and now.connections <= before.connections
    )
