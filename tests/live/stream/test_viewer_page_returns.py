"""The viewer's page when the show is lost: it comes back by itself, whatever it was."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import aioice
import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from live.stream.hub import Hub
from tests.live.stream.conftest import Serve
from tests.live.stream.pattern import PATCHES, Performance, read_number
from tests.live.stream.viewing import Audience, grab, says, screen, state, until

COUNT_OFFERS = """
  window.offers = 0;
  const ask = window.fetch;
  window.fetch = (address, options = {}) => {
    if (options.method === "POST") window.offers += 1;
    return ask(address, options);
  };
"""
"""How often the page asked for the show."""

A_SHOW = """
import sys, threading
from live.stream.hub import Hub
from live.stream.server import ServerSettings, ShowServer
from tests.live.stream.pattern import Performance
hub = Hub()
with Performance(hub), ShowServer(ServerSettings("127.0.0.1", int(sys.argv[1])), hub, dict):
    print("on", flush=True)
    threading.Event().wait()
"""


@pytest_asyncio.fixture
async def audience(browser: Browser) -> AsyncIterator[Audience]:
    made = Audience(browser)
    yield made
    assert made.troubles == []


@contextmanager
def a_show(port: int) -> Iterator[subprocess.Popen[str]]:
    """A show in a process of its own, which is killed at the end, if not before."""
    command = [sys.executable, "-c", A_SHOW, str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            assert running.stdout.readline() == "on\n"
            yield running
        finally:
            running.kill()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Cable:
    """What lies between server and viewers: every UDP packet, both ways, while it is plugged in."""

    plugged = True


@pytest.fixture
def cable(monkeypatch: pytest.MonkeyPatch) -> Cable:
    found, wire = Cable(), aioice.ice.StunProtocol
    receive, send = wire.datagram_received, wire.send_data
    send_stun = wire.send_stun

    def receiving(self: aioice.ice.StunProtocol, data: bytes, address: tuple[str, int]) -> None:
        if found.plugged:
            receive(self, data, address)

    async def sending(self: aioice.ice.StunProtocol, data: bytes, to: tuple[str, int]) -> None:
        if found.plugged:
            await send(self, data, to)

    def sending_stun(
        self: aioice.ice.StunProtocol, message: aioice.stun.Message, to: tuple[str, int]
    ) -> None:
        if found.plugged:
            send_stun(self, message, to)

    monkeypatch.setattr(wire, "datagram_received", receiving)
    monkeypatch.setattr(wire, "send_data", sending)
    monkeypatch.setattr(wire, "send_stun", sending_stun)
    return found


async def moves(page: Page) -> None:
    """Wait until the picture changes."""
    before = read_number(await grab(page))
    for _ in range(200):
        if read_number(await grab(page)) != before:
            return
        await page.wait_for_timeout(50)
    raise AssertionError(f"the picture stays at number {before}")


async def test_a_show_that_ends_and_begins_again(
    hub: Hub, serve: Serve, audience: Audience, pictures: Path
) -> None:
    with Performance(hub) as show:
        server = serve()
        page = await audience.enter(server.url)
        await state(page, "playing")
        server.close()
        await says(page, "The show has ended")
        await page.wait_for_timeout(600)
        await page.screenshot(path=pictures / "viewer-ended.png")
        restarted_at = show.published
        serve(port=server.port)
        await state(page, "playing")
        assert read_number(await grab(page)) >= restarted_at


async def test_a_show_that_is_killed_and_started_again(audience: Audience, pictures: Path) -> None:
    port = free_port()
    with a_show(port) as show:
        page = await audience.enter(f"http://127.0.0.1:{port}/")
        await state(page, "playing")
        show.kill()
        await says(page, "The show is not running")
        await page.wait_for_timeout(600)
        await page.screenshot(path=pictures / "viewer-not-running.png")
    with a_show(port):
        await state(page, "playing")
        await moves(page)


async def test_a_show_that_stands_still_is_waited_for_without_a_new_connection(
    hub: Hub, serve: Serve, audience: Audience, pictures: Path
) -> None:
    with Performance(hub) as show:
        page = await audience.enter(serve().url, COUNT_OFFERS)
        await state(page, "playing")
    await says(page, "The show stands still")
    await page.wait_for_timeout(12_000)  # longer than the server bears with a silent viewer
    await page.screenshot(path=pictures / "viewer-still.png")
    with Performance(hub, first=show.published):
        await state(page, "playing")
        await moves(page)
        assert read_number(await grab(page)) >= show.published
    assert await page.evaluate("offers") == 1


async def test_a_blackout_is_bridged_by_a_new_connection(
    hub: Hub, serve: Serve, audience: Audience, cable: Cable, pictures: Path
) -> None:
    """Three seconds without a packet, while the show and its web pages go on."""
    with Performance(hub):
        page = await audience.enter(serve().url, COUNT_OFFERS)
        await state(page, "playing")
        cable.plugged = False
        await page.wait_for_timeout(1500)
        await page.screenshot(path=pictures / "viewer-blackout-begins.png")
        await state(page, "waiting")
        await page.wait_for_timeout(1000)
        cable.plugged = True
        await state(page, "playing")
        await moves(page)
        assert await page.evaluate("offers") >= 2


async def test_a_short_blackout_is_not_spoken_of(
    hub: Hub, serve: Serve, audience: Audience, cable: Cable
) -> None:
    with Performance(hub):
        page = await audience.enter(serve().url, COUNT_OFFERS)
        await state(page, "playing")
        cable.plugged = False
        await page.wait_for_timeout(700)
        cable.plugged = True
        await moves(page)
        assert await page.evaluate("offers") == 1
        await expect(page.locator("#notice")).to_have_css("opacity", "0")


async def test_the_last_picture_stays_until_the_next_one_comes(
    hub: Hub, serve: Serve, audience: Audience
) -> None:
    """It turns dim below the words, and a new connection does not begin with black."""
    with Performance(hub):
        server = serve()
        page = await audience.enter(server.url, viewport={"width": 512, "height": 512})
        await state(page, "playing")
        server.close()
        await says(page, "The show has ended")
        await expect(page.locator("main")).to_have_css("opacity", "0.22")
        await expect(page.locator("#caption")).not_to_have_css("opacity", "0")
        dim = (await screen(page))[150:200, 150:200].mean(axis=(0, 1))
        assert np.abs(dim - 0.22 * np.array(PATCHES["red"])).max() < 6
        serve(port=server.port)
        await until(page, "document.body.dataset.state === 'playing'")
        assert (await screen(page))[150:200, 150:200].min() > 5, "never black in between"
        await expect(page.locator("#held")).to_be_hidden()
        await moves(page)


async def test_a_changed_network_is_noticed_sooner(
    hub: Hub, serve: Serve, audience: Audience, cable: Cable
) -> None:
    """The device goes offline and comes back: it says so, and does not wait for its next turn."""
    with Performance(hub):
        server = serve()
        page = await audience.enter(server.url)
        await state(page, "playing")
        await page.context.set_offline(True)
        cable.plugged = False
        await says(page, "This device is in no network")
        cable.plugged = True
        await page.context.set_offline(False)
        await state(page, "playing")
        await moves(page)


async def test_a_device_that_slept_through_a_restart(
    hub: Hub, serve: Serve, audience: Audience, browser: Browser
) -> None:
    with Performance(hub):
        server = serve()
        page = await audience.enter(server.url)
        await state(page, "playing")
        chromium = await browser.new_browser_cdp_session()
        processes = (await chromium.send("SystemInfo.getProcessInfo"))["processInfo"]
        asleep = [one["id"] for one in processes if one["type"] == "renderer"]
        assert asleep
        try:
            for process in asleep:
                os.kill(process, signal.SIGSTOP)
            await asyncio.to_thread(server.close)
            serve(port=server.port)
            await asyncio.sleep(3)
        finally:
            for process in asleep:
                os.kill(process, signal.SIGCONT)
        await moves(page)
        await state(page, "playing")


async def test_two_tabs_play_at_once(hub: Hub, serve: Serve, audience: Audience) -> None:
    url = serve().url
    with Performance(hub):
        first = await audience.enter(url)
        second = await audience.sit_down(first.context, url)
        for page in (first, second):
            await state(page, "playing")
        for page in (first, second, first):
            await page.bring_to_front()
            await moves(page)
        assert hub.counts.viewers == 2
        await first.close()
        await moves(second)
        await state(second, "playing")


async def test_a_page_out_of_sight_is_not_taken_for_a_frozen_one(
    hub: Hub, serve: Serve, audience: Audience
) -> None:
    """A hidden page paints nothing, so that what is decoded counts."""
    no_paint = "delete HTMLVideoElement.prototype.requestVideoFrameCallback;"
    with Performance(hub):
        page = await audience.enter(serve().url, COUNT_OFFERS + no_paint)
        await state(page, "playing")
        await page.wait_for_timeout(4000)
        await state(page, "playing")
        assert await page.evaluate("offers") == 1


async def test_a_video_that_the_browser_paused_goes_on(
    hub: Hub, serve: Serve, audience: Audience
) -> None:
    with Performance(hub):
        page = await audience.enter(serve().url)
        await state(page, "playing")
        await page.evaluate("document.getElementById('picture').pause()")
        await until(page, "!document.getElementById('picture').paused")
        await moves(page)
