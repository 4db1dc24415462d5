"""Behind a reverse proxy: TLS ends at nginx, the show is below a prefix, pictures go by UDP."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from live.stream.cors import CorsSettings
from live.stream.hub import Hub
from live.stream.server import ServerSettings, ShowServer
from live.stream.tls import own_certificate
from live.stream.viewers import ViewerLimits
from tests.conftest import CHROMIUM_FLAGS
from tests.interop.nginx import LOCATION, NAME, reverse_proxy
from tests.interop.service import free_tcp_port, program
from tests.live.stream.pattern import Performance, pattern, psnr_db, read_number
from tests.live.stream.test_whep import until
from tests.live.stream.viewing import grab, state
from tests.live.stream.watcher import SDP, Watcher

ROOT = Path(__file__).resolve().parents[2]

STRANGER = "203.0.113.5"


@dataclass(frozen=True)
class Proxied:
    """A show behind nginx."""

    show: ShowServer
    origin: str  # under which the world knows it

    @property
    def page(self) -> str:
        return f"{self.origin}/stage/"


@pytest.fixture
def proxied(hub: Hub, tmp_path: Path) -> Iterator[Proxied]:
    program("nginx", "nginx-light")
    port = free_tcp_port()
    origin = f"https://{NAME}:{port}"
    certificate = own_certificate(tmp_path, {NAME}, datetime.datetime.now(datetime.UTC))
    settings = ServerSettings(
        port=0, limits=ViewerLimits(connecting=1), cors=CorsSettings(frozenset({origin}))
    )
    with contextlib.ExitStack() as stack:
        show = stack.enter_context(ShowServer(settings, hub, dict))
        stack.enter_context(reverse_proxy(tmp_path, certificate, show.port, port))
        yield Proxied(show, origin)


@pytest_asyncio.fixture
async def distant(chromium: str) -> AsyncIterator[Browser]:
    """Chromium to which nginx is a machine with a name of its own."""
    flags = [*CHROMIUM_FLAGS, f"--host-resolver-rules=MAP {NAME} 127.0.0.1"]
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=chromium, args=flags)
        yield running
        await running.close()


@pytest_asyncio.fixture
async def web(proxied: Proxied) -> AsyncIterator[aiohttp.ClientSession]:
    """Asks nginx under its name; the certificate is its own word."""
    name = proxied.origin.removeprefix("https://")
    connector = aiohttp.TCPConnector(ssl=False)
    async with aiohttp.ClientSession(headers={"Host": name}, connector=connector) as made:
        yield made


def here(proxied: Proxied, path: str = "") -> str:
    """nginx's address on this machine."""
    return proxied.page.replace(NAME, "127.0.0.1") + path


async def test_chromium_plays_below_the_prefix(
    hub: Hub, proxied: Proxied, distant: Browser, pictures: Path
) -> None:
    page = await distant.new_page(ignore_https_errors=True)
    asked: list[tuple[str, str]] = []
    page.on("request", lambda one: asked.append((one.method, one.url)))
    size = (512, 512)
    with Performance(hub, size):
        await page.goto(proxied.page.rstrip("/"))  # nginx adds the slash
        await state(page, "playing")
        assert page.url == proxied.page
        seen = await grab(page)
        assert psnr_db(pattern(read_number(seen), size), seen) > 27
        assert await page.evaluate("isSecureContext")
        await page.screenshot(path=pictures / "behind-nginx.png")
        assert hub.counts.viewers == 1
        await page.close()  # which says goodbye
        await until(lambda: hub.counts.viewers == 0)
    assert ("POST", proxied.page + "whep") in asked
    elsewhere = [url for _, url in asked[1:] if not url.startswith((proxied.page, "data:"))]
    assert elsewhere == []


async def test_whep_works_below_the_prefix(
    hub: Hub, proxied: Proxied, web: aiohttp.ClientSession
) -> None:
    viewer = Watcher("")
    address = here(proxied, "whep")
    with Performance(hub):
        async with web.post(address, data=await viewer.offer(), headers=SDP) as got:
            assert got.status == 201
            session = urljoin(address, got.headers["Location"])
            await viewer.accept(await got.text())
        assert session.startswith(address + "/")
        assert len(await viewer.pictures(3)) == 3
        for status in (204, 404):
            async with web.delete(session) as got:
                assert got.status == status
        assert hub.counts.viewers == 0
    await viewer.connection.close()


async def test_the_proxy_is_believed_about_whom_it_serves(
    proxied: Proxied, web: aiohttp.ClientSession
) -> None:
    """A caller's own X-Forwarded-For never comes through."""
    viewer = Watcher("")
    offer, lie = await viewer.offer(), SDP | {"X-Forwarded-For": STRANGER}
    answers = []
    for _ in range(2):
        async with web.post(here(proxied, "whep"), data=offer, headers=lie) as got:
            answers.append((got.status, await got.text()))
    assert answers[0][0] == 201
    assert answers[1][0] == 429
    assert "1 viewers from 127.0.0.1 are still connecting" in answers[1][1]
    await viewer.connection.close()


async def test_nobody_else_is_believed(hub: Hub, address: str) -> None:
    """Whoever calls from the network says what he likes; only what we see counts."""
    viewer = Watcher("")
    offer = await viewer.offer()
    settings = ServerSettings("0.0.0.0", 0, ViewerLimits(connecting=1))
    with ShowServer(settings, hub, dict) as show:
        near, far = f"http://127.0.0.1:{show.port}/whep", f"http://{address}:{show.port}/whep"
        seen = []
        async with aiohttp.ClientSession(headers=SDP) as web:
            for url in (far, far, near, near):
                stranger = {"X-Forwarded-For": f"192.0.2.77, {STRANGER}"}
                async with web.post(url, data=offer, headers=stranger) as got:
                    seen.append((got.status, await got.text()))
    assert [status for status, _ in seen] == [201, 429, 201, 429]
    assert f"viewers from {address} are" in seen[1][1]
    assert f"viewers from {STRANGER} are" in seen[3][1], "a proxy on this machine may say so"
    await viewer.connection.close()


async def test_without_the_option_the_proxy_is_turned_away(
    hub: Hub, proxied: Proxied, tmp_path: Path
) -> None:
    headers = {"Host": proxied.origin.removeprefix("https://")}
    with ShowServer(ServerSettings(port=0), hub, dict) as show:
        async with aiohttp.ClientSession() as web, web.get(show.url, headers=headers) as got:
            assert got.status == 403
            assert f"serves its own machine only, not {NAME}" in await got.text()


def test_the_documented_location_is_the_tested_one() -> None:
    told = (ROOT / "docs" / "streaming.md").read_text("utf-8")
    lines = [line.strip() for line in told.splitlines()]
    wanted = [line.strip() for line in LOCATION.strip().splitlines()]
    start = lines.index(wanted[0])
    assert lines[start : start + len(wanted)] == wanted
