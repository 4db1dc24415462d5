"""Five hundred offers that are answered and never taken up."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest
import pytest_asyncio
from aiortc import RTCPeerConnection

from live.stream.hub import Hub
from live.stream.server import ShowServer
from tests.live.stream.conftest import Serve
from tests.live.stream.pattern import Performance
from tests.live.stream.test_viewers import OPEN_FILES, an_offer
from tests.live.stream.test_whep import until
from tests.live.stream.watcher import SDP, Watcher

KNOCKS = 500

CONNECT_S = 2.0
"""Short for a show, long enough that many are half open at once."""

Web = aiohttp.ClientSession


@pytest_asyncio.fixture
async def web() -> AsyncIterator[Web]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=16)) as session:
        yield session


async def knock(web: Web, server: ShowServer, offer: str, address: str) -> int:
    """The status that an offer from `address` gets. Nobody takes the answer up."""
    headers = {**SDP, "X-Forwarded-For": address}
    async with web.post(server.url + "whep", data=offer, headers=headers) as got:
        await got.read()
        return got.status


async def flood(web: Web, server: ShowServer, address: Callable[[int], str]) -> Counter[int]:
    offer = await an_offer()
    knocks = (knock(web, server, offer, address(number)) for number in range(KNOCKS))
    return Counter(await asyncio.gather(*knocks))


class Most:
    """The most viewers that a hub had at any time, as the encode thread sees them."""

    def __init__(self, hub: Hub) -> None:
        self.viewers = 0
        self._hub = hub
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while not self._stop.wait(0.002):
            self.viewers = max(self.viewers, self._hub.counts.viewers)

    def __enter__(self) -> Most:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def connections() -> int:
    gc.collect()
    return sum(type(one) is RTCPeerConnection for one in gc.get_objects())


async def test_from_one_address_a_few_are_borne_and_the_rest_told_to_wait(
    hub: Hub, serve: Serve, web: Web
) -> None:
    server = serve(most=64, connecting=8, connect_s=CONNECT_S)
    with Performance(hub), Most(hub) as most:
        got = await flood(web, server, lambda number: "192.0.2.1")
        assert set(got) == {201, 429}
        assert got[201] >= 8
        assert most.viewers <= 8
        await until(lambda: hub.counts.viewers == 0, timeout_s=CONNECT_S + 10)


async def test_from_many_addresses_no_more_than_the_house_holds(
    hub: Hub, serve: Serve, web: Web
) -> None:
    server = serve(most=40, connecting=8, connect_s=CONNECT_S)
    with Performance(hub), Most(hub) as most:
        got = await flood(web, server, lambda number: f"192.0.2.{number % 250}")
        assert set(got) == {201, 503}
        assert got[201] >= 40
        assert 30 < most.viewers <= 40
        await until(lambda: hub.counts.viewers == 0, timeout_s=CONNECT_S + 10)
        async with Watcher(server.url) as watcher:
            await watcher.pictures(2)


async def test_what_they_took_comes_back(hub: Hub, serve: Serve, web: Web) -> None:
    if not OPEN_FILES.exists():
        pytest.skip("this system does not list a process's open files in /proc")
    server = serve(most=40, connecting=40, connect_s=CONNECT_S)
    already = connections()  # another test's, which something still holds

    async def once() -> tuple[int, int, int]:
        await flood(web, server, lambda number: f"192.0.2.{number % 250}")
        held = len(os.listdir(OPEN_FILES))
        await until(lambda: hub.counts.viewers == 0, timeout_s=CONNECT_S + 10)
        await until_collected(already)
        return held, len(os.listdir(OPEN_FILES)), tracemalloc.get_traced_memory()[0]

    await once()  # caches fill, modules load
    tracemalloc.start()
    try:
        _, files_before, bytes_before = await once()
        held, files, size = await once()
    finally:
        tracemalloc.stop()
    assert held > files + 30, "each of those who were let in had a socket"
    assert files <= files_before
    assert size - bytes_before < 200_000, "forty connections alone take more"


async def until_collected(already: int) -> None:
    """Wait until no connection object is left but those that were there."""
    for _ in range(40):
        if connections() <= already:
            return
        await asyncio.sleep(0.25)
    raise AssertionError(f"{connections()} connections are held, {already} were before")
