"""A player that others wrote plays the show: Eyevinn's, from the npm registry, in Chromium."""

from __future__ import annotations

import hashlib
import subprocess
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import platformdirs
import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser

from live.stream.cors import CorsSettings
from live.stream.hub import Hub
from live.stream.server import ServerSettings, ShowServer
from tests.interop.service import program
from tests.interop.showing import PAGE, assert_they_show, shown
from tests.live.stream.pattern import Performance
from tests.live.stream.test_whep import until

PLAYER = (
    "@eyevinn/webrtc-player@0.13.0",
    "package/dist/main.js",
    "3cefaa02677ae06a3e8e03aad3a7d64577534185ec0d430aa95cdc6e3d08792f",
)
EVENTS = (
    "events@3.3.0",
    "package/events.js",
    "2c30dd630b58299bdfaac8688f763c6f312d29779c500b1e3701a1d4fb3b534b",
)
"""Package, the file of it that is wanted, and the SHA-256 of the package as npm packs it."""

PLAYER_PAGE = """<!doctype html>
VIDEO
<script>
const modules = {};
function load(name, body) {
  const module = { exports: {} };
  body(module, module.exports, (wanted) => modules[wanted] ?? {});
  modules[name] = module.exports;
}
load("events", (module, exports, require) => { EVENTS });
load("player", (module, exports, require) => { PLAYER });
async function play(address) {
  window.player = new modules.player.WebRTCPlayer({
    video: document.getElementById("picture"), type: "whep", iceServers: [],
    mediaConstraints: { videoOnly: true },
  });
  await window.player.load(new URL(address));
}
</script>"""
"""The player is made for bundlers; this is the smallest one that does."""


def fetched(package: str, name: str, sha256: str) -> str:
    """A file of an npm package, kept in the user's cache folder."""
    folder = Path(platformdirs.user_cache_dir("understudy", appauthor=False)) / "npm"
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / (package.replace("@", "").replace("/", "-") + ".tgz")
    if not archive.is_file():
        _pack(package, archive)
    whole = archive.read_bytes()
    assert hashlib.sha256(whole).hexdigest() == sha256, f"{archive} is not what was tested"
    with tarfile.open(archive) as opened:
        member = opened.extractfile(name)
        assert member is not None
        return member.read().decode("utf-8")


def _pack(package: str, archive: Path) -> None:
    command = [program("npm", "npm"), "pack", "--silent", package]
    ran = subprocess.run(
        command, cwd=archive.parent, capture_output=True, text=True, timeout=60, check=False
    )
    if ran.returncode != 0:
        pytest.skip(f"{package} cannot be had from the npm registry here: {ran.stderr.strip()}")
    (archive.parent / ran.stdout.split()[-1]).replace(archive)


@pytest_asyncio.fixture
async def other_site() -> AsyncIterator[str]:
    """A page of another origin than the show's, with the player in it."""
    page = PLAYER_PAGE.replace("VIDEO", PAGE)
    page = page.replace("EVENTS", fetched(*EVENTS)).replace("PLAYER", fetched(*PLAYER))

    async def serve(request: web.Request) -> web.Response:
        return web.Response(text=page, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_eyevinns_player_plays_on_another_site(
    hub: Hub, other_site: str, browser: Browser, pictures: Path
) -> None:
    settings = ServerSettings(port=0, cors=CorsSettings(frozenset({other_site})))
    with Performance(hub) as show, ShowServer(settings, hub, dict) as server:
        page = await browser.new_page()
        asked: list[tuple[str, str]] = []
        page.on("request", lambda one: asked.append((one.method, one.url)))
        await page.goto(other_site)
        await page.evaluate("play", server.url + "whep")
        assert_they_show(await shown(page, 3), show)
        await page.screenshot(path=pictures / "whep-player.png")
        await page.evaluate("window.player.unload()")
        await until(lambda: hub.counts.viewers == 0)
        posted = ("POST", server.url + "whep")
        assert posted in asked
        ended = [url for method, url in asked if method == "DELETE"]
        assert [url.rsplit("/", 1)[0] for url in ended] == [server.url + "whep"]


async def test_without_leave_it_does_not(hub: Hub, other_site: str, browser: Browser) -> None:
    with ShowServer(ServerSettings(port=0), hub, dict) as server:
        page = await browser.new_page()
        said: list[str] = []
        page.on("console", lambda line: said.append(line.text))
        await page.goto(other_site)
        await page.evaluate("play", server.url + "whep")
        await until(lambda: any("CORS" in line for line in said))
        assert hub.counts.viewers == 0
