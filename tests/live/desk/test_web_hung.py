"""Consoles while something that their figures ask hangs: a disk on a network that is gone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.live.desk.console_client import PATIENCE_S, connected
from tests.live.desk.console_server import Console, serving


@dataclass
class Disk:
    """Answers once it is `well`."""

    asked: threading.Event = field(default_factory=threading.Event)
    well: threading.Event = field(default_factory=threading.Event)

    def dropped(self) -> int:
        """In the place of one of the show's figures."""
        self.asked.set()
        assert self.well.wait(2 * PATIENCE_S)
        return 7


@pytest.fixture
def hung(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Console, Disk]]:
    monkeypatch.setattr("live.desk.web_room.PATIENCE_S", 0.1)
    disk = Disk()
    with serving() as console:
        console.show.dropped = disk.dropped  # type: ignore[method-assign]
        try:
            yield console, disk
        finally:
            disk.well.set()


async def test_who_is_there_is_not_cut_off_and_may_order(hung: tuple[Console, Disk]) -> None:
    console, disk = hung
    async with connected(console.server.url) as client:
        assert await asyncio.to_thread(disk.asked.wait, PATIENCE_S)
        for _ in range(3):
            await client.next("alive")
        assert await client.order(set={"panic": True}) == ""
        disk.well.set()
        assert (await client.next("telemetry"))["dropped"] == 7


async def test_who_comes_is_greeted_and_may_order(hung: tuple[Console, Disk]) -> None:
    console, disk = hung
    assert await asyncio.to_thread(disk.asked.wait, PATIENCE_S)
    async with asyncio.timeout(PATIENCE_S), connected(console.server.url) as client:
        assert "values" in client.hello
        assert await client.order(set={"panic": True}) == ""
    assert console.desk.value("panic") is True


async def test_one_question_is_asked_at_a_time(
    hung: tuple[Console, Disk], caplog: pytest.LogCaptureFixture
) -> None:
    console, disk = hung
    async with connected(console.server.url) as client:
        for _ in range(4):
            await client.next("alive")
        disk.well.set()
        for _ in range(2):
            await client.next("telemetry")
    assert caplog.text.count("figures are late") == 1
