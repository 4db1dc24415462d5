"""The camera's page in a real browser of a phone's size: Chromium with its fake camera."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import (
    Browser,
    BrowserContext,
    Page,
    Request,
    Route,
    async_playwright,
    expect,
)

from live.frames import Frame, Image
from live.latest import Latest
from live.sources.browser import BrowserSource
from live.stream.access import AccessSettings
from live.stream.hub import Hub
from live.stream.server import ServerSettings
from live.stream.tls import own_certificate
from tests.conftest import CHROMIUM_FLAGS
from tests.live.stream.camera_phone import KEY, serving
from tests.live.stream.test_tls import NAMES, NOW

PATIENCE_MS = 20_000
PHONE = {"width": 390, "height": 844}
FAKE_CAMERA = "--use-fake-device-for-media-stream"
ALLOWED = "--use-fake-ui-for-media-stream"

OpenPage = Callable[..., Awaitable[Page]]


@asynccontextmanager
async def chromium_with(path: str, *flags: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(
            executable_path=path, args=[*CHROMIUM_FLAGS, *flags]
        )
        yield running
        await running.close()


async def phone_of(browser: Browser, **how: bool) -> BrowserContext:
    return await browser.new_context(
        viewport={"width": 390, "height": 844},
        device_scale_factor=2,
        has_touch=True,
        is_mobile=True,
        **how,  # type: ignore[arg-type]
    )


@pytest_asyncio.fixture
async def camera_browser(chromium: str) -> AsyncIterator[Browser]:
    """Chromium with a camera that it may use."""
    async with chromium_with(chromium, FAKE_CAMERA, ALLOWED) as running:
        yield running


@pytest.fixture
def troubles() -> Iterator[list[str]]:
    """What went wrong inside the pages; anything fails the test when it ends."""
    found: list[str] = []
    yield found
    assert found == []


@pytest.fixture
def open_page(camera_browser: Browser, troubles: list[str]) -> OpenPage:
    """Opens the page on another phone, and notes its errors and whom it asks."""

    async def opened(url: str, key: str | None = KEY, script: str = "") -> Page:
        page = await (await phone_of(camera_browser)).new_page()
        page.on("pageerror", lambda error: troubles.append(f"an error: {error}"))
        page.on("console", lambda line: troubles.extend(_against_the_policy(line.text)))
        page.on("request", lambda one: troubles.extend(_not_ours(one.url, url)))
        if script:
            await page.add_init_script(script)
        await page.goto(f"{url}camera" + ("" if key is None else f"#{key}"))
        return page

    return opened


def _not_ours(asked: str, url: str) -> list[str]:
    if KEY in asked.partition("#")[0]:
        return [f"the key was in an address: {asked}"]
    return [] if asked.startswith(url) else [f"a third party was asked: {asked}"]


def _against_the_policy(line: str) -> list[str]:
    return [line] if "Content Security Policy" in line else []


async def state(page: Page, wanted: str) -> None:
    await page.locator(f"body[data-state={wanted}]").wait_for(timeout=PATIENCE_MS)


async def says(page: Page, words: str) -> None:
    await expect(page.locator("#words")).to_have_text(words, timeout=PATIENCE_MS)


@pytest.fixture
def inbox() -> Iterator[Latest[Frame]]:
    made: Latest[Frame] = Latest()
    yield made
    made.close()


async def read(source: BrowserSource, count: int) -> list[Frame]:
    got: list[Frame] = []
    async with asyncio.timeout(20):
        while len(got) < count:
            frame = await asyncio.to_thread(source.read)
            assert frame is not None
            got.append(frame)
    return got


def differs(one: Image, other: Image) -> float:
    """Share of the pixels that differ by more than a codec's noise."""
    return float((np.abs(one.astype(int) - other.astype(int)).max(axis=2) > 40).mean())


WISHES = """
window.wishes = {};
navigator.wakeLock.request = async (what) => { wishes.awake = what; return {}; };
const { setParameters } = RTCRtpSender.prototype;
RTCRtpSender.prototype.setParameters = async function (wanted) {
  await setParameters.call(this, wanted);
  wishes.prefers = this.getParameters().degradationPreference;
};
const getUserMedia = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = (how) => {
  wishes.size = [how.video.width.ideal, how.video.height.ideal];
  return getUserMedia(how);
};
"""
"""Notes what the page asks the browser for."""


async def test_the_page_sends_and_the_source_has_moving_pictures(
    hub: Hub, inbox: Latest[Frame], open_page: OpenPage, pictures: Path
) -> None:
    with serving(hub, inbox) as server:
        page = await open_page(server.url, script=WISHES)
        await state(page, "sending")
        await says(page, "This phone is the camera")
        assert await page.evaluate("window.wishes") == {
            "awake": "screen",
            "size": [640, 480],
            "prefers": "maintain-framerate",
        }
        source = BrowserSource(inbox)
        seen = await read(source, 30)
        async with asyncio.timeout(20):
            while source.fps == 0:  # a busy machine may just have been still for a moment
                await read(source, 1)
        moved = max(differs(seen[0].image, one.image) for one in seen if one.size == seen[0].size)
        assert moved > 0.001, "Chromium's camera shows a moving disc"
        await expect(page.locator("#figures")).to_contain_text("640 × 480", timeout=PATIENCE_MS)
        hint = "document.getElementById('preview').srcObject.getVideoTracks()[0].contentHint"
        assert await page.evaluate(hint) == "motion"
        assert not await page.evaluate("document.documentElement.scrollWidth > innerWidth")
        for name in ("#turn", "#main"):
            box = await page.locator(name).bounding_box()
            assert box is not None
            assert box["height"] >= 48, "a thumb is wide"
            assert box["y"] > PHONE["height"] / 2, "and short"
        await page.wait_for_timeout(600)
        await page.screenshot(path=pictures / "camera-sending.png")


async def test_the_other_camera_and_stop_and_again(
    hub: Hub, inbox: Latest[Frame], open_page: OpenPage, pictures: Path
) -> None:
    with serving(hub, inbox) as server:
        page = await open_page(server.url)
        await state(page, "sending")
        source = BrowserSource(inbox)
        before = (await read(source, 3))[-1].sequence
        await page.tap("#turn")
        await expect(page.locator("#turn")).to_be_enabled(timeout=PATIENCE_MS)
        assert (await read(source, 5))[-1].sequence > before
        await state(page, "sending")
        await page.tap("#main")
        await says(page, "Stopped")
        assert await page.evaluate("document.getElementById('preview').srcObject") is None
        await page.wait_for_timeout(400)
        await page.screenshot(path=pictures / "camera-stopped.png")
        async with asyncio.timeout(20):
            while "no picture" not in str(source.trouble):
                await asyncio.sleep(0.1)
        await page.tap("#main")
        await state(page, "sending")
        await read(source, 3)


async def test_a_second_phone_takes_over_and_the_first_is_told(
    hub: Hub, inbox: Latest[Frame], open_page: OpenPage, pictures: Path
) -> None:
    with serving(hub, inbox) as server:
        first = await open_page(server.url)
        await state(first, "sending")
        second = await open_page(server.url)
        await state(second, "sending")
        await says(first, "Another phone is the camera now")
        await first.wait_for_timeout(1500)
        await state(second, "sending")
        await first.screenshot(path=pictures / "camera-replaced.png")
        await first.tap("#main")
        await state(first, "sending")
        await says(second, "Another phone is the camera now")
        await read(BrowserSource(inbox), 3)


async def test_a_phone_that_is_closed_leaves_and_the_next_may_come(
    hub: Hub, inbox: Latest[Frame], open_page: OpenPage
) -> None:
    with serving(hub, inbox) as server:
        page = await open_page(server.url)
        await state(page, "sending")
        source = BrowserSource(inbox)
        await read(source, 3)
        await page.close()
        async with asyncio.timeout(20):
            while source.trouble is None:
                await asyncio.sleep(0.05)
        again = await open_page(server.url)
        await state(again, "sending")
        await read(source, 3)


async def test_it_comes_back_by_itself_after_a_restart(
    hub: Hub, inbox: Latest[Frame], open_page: OpenPage, pictures: Path
) -> None:
    with serving(hub, inbox) as server:
        page = await open_page(server.url)
        await state(page, "sending")
        port = server.port
    await says(page, "The show has ended")
    await page.wait_for_timeout(500)
    await page.screenshot(path=pictures / "camera-ended.png")
    with serving(hub, inbox, ServerSettings(port=port)):
        await state(page, "sending")
        await read(BrowserSource(inbox), 3)


async def test_a_question_that_goes_astray_does_not_end_the_picture(
    hub: Hub, inbox: Latest[Frame], open_page: OpenPage
) -> None:
    left = [2]
    offers: list[Request] = []

    async def astray(route: Route) -> None:
        if route.request.method == "GET" and left[0] > 0:
            left[0] -= 1
            await route.abort()
        else:
            await route.continue_()

    with serving(hub, inbox) as server:
        page = await open_page(server.url)
        await state(page, "sending")
        page.on("request", lambda one: offers.append(one) if one.method == "POST" else None)
        await page.route("**/camera/whip/*", astray)
        async with asyncio.timeout(20):
            while left[0] > 0:
                await asyncio.sleep(0.1)
        await page.wait_for_timeout(1500)
        await state(page, "sending")
        assert offers == []


@pytest.mark.parametrize(
    ("key", "words"), [("wrong", "This link is not valid any more"), (None, "This link has no key")]
)
async def test_a_wrong_key_is_told_and_sends_nothing(
    hub: Hub,
    inbox: Latest[Frame],
    open_page: OpenPage,
    pictures: Path,
    key: str | None,
    words: str,
) -> None:
    with serving(hub, inbox) as server:
        page = await open_page(server.url, key)
        await says(page, words)
        await state(page, "stopped")
        await page.wait_for_timeout(500)
        await page.screenshot(path=pictures / f"camera-key-{key}.png")
        assert inbox.take(0.3) is None


BUSY = """navigator.mediaDevices.getUserMedia = async () => {
  throw new DOMException("Could not start video source", "NotReadableError");
};"""
TAKEN = """const plain = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (how) => (window.given = await plain(how));"""


async def test_a_camera_that_is_in_use_is_told(
    hub: Hub, inbox: Latest[Frame], open_page: OpenPage, pictures: Path
) -> None:
    with serving(hub, inbox) as server:
        page = await open_page(server.url, script=BUSY)
        await says(page, "The camera is in use")
        await page.wait_for_timeout(500)
        await page.screenshot(path=pictures / "camera-in-use.png")


async def test_a_camera_that_is_taken_away_is_told(
    hub: Hub, inbox: Latest[Frame], open_page: OpenPage
) -> None:
    with serving(hub, inbox) as server:
        page = await open_page(server.url, script=TAKEN)
        await state(page, "sending")
        end = "given.getVideoTracks()[0].dispatchEvent(new Event('ended'))"
        await page.evaluate(end)
        await says(page, "The camera was taken away")
        await page.tap("#main")
        await state(page, "sending")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ((FAKE_CAMERA,), "The camera was not allowed"),  # headless Chromium says no by itself
        ((ALLOWED,), "This device has no camera"),
    ],
)
async def test_no_permission_and_no_camera(
    hub: Hub,
    inbox: Latest[Frame],
    chromium: str,
    pictures: Path,
    flags: tuple[str, ...],
    words: str,
) -> None:
    with serving(hub, inbox) as server:
        async with chromium_with(chromium, *flags) as browser:
            page = await (await phone_of(browser)).new_page()
            await page.goto(f"{server.url}camera#{KEY}")
            await says(page, words)
            await state(page, "stopped")
            await page.wait_for_timeout(500)
            await page.screenshot(path=pictures / f"camera{flags[0]}.png")


async def test_a_page_that_is_not_secure_is_told(
    hub: Hub, inbox: Latest[Frame], chromium: str, pictures: Path
) -> None:
    map_name = "--host-resolver-rules=MAP stage.test 127.0.0.1"
    known = AccessSettings(names=frozenset({"stage.test"}))
    with serving(hub, inbox, ServerSettings("0.0.0.0", 0, access=known)) as server:
        async with chromium_with(chromium, FAKE_CAMERA, ALLOWED, map_name) as browser:
            page = await (await phone_of(browser)).new_page()
            await page.goto(f"http://stage.test:{server.port}/camera#{KEY}")
            await says(page, "This page is not secure")
            await page.wait_for_timeout(500)
            await page.screenshot(path=pictures / "camera-not-secure.png")


async def test_with_our_certificate_the_page_is_secure_and_sends(
    hub: Hub, inbox: Latest[Frame], chromium: str, tmp_path: Path, pictures: Path
) -> None:
    certificate = own_certificate(tmp_path, (*NAMES, "stage.test"), NOW)
    known = AccessSettings(names=frozenset({"stage.test"}))
    settings = ServerSettings("0.0.0.0", 0, certificate=certificate, access=known)
    flags = ("--host-resolver-rules=MAP stage.test 127.0.0.1", "--ignore-certificate-errors")
    with serving(hub, inbox, settings) as server:
        async with chromium_with(chromium, FAKE_CAMERA, ALLOWED, *flags) as browser:
            context = await phone_of(browser, ignore_https_errors=True)
            page = await context.new_page()
            await page.goto(f"https://stage.test:{server.port}/camera#{KEY}")
            assert await page.evaluate("isSecureContext")
            await state(page, "sending")
            await read(BrowserSource(inbox), 3)
            operator = await browser.new_page(ignore_https_errors=True)
            await operator.goto(f"https://127.0.0.1:{server.port}/camera/link")
            await expect(operator.locator("svg")).to_be_visible()
            await operator.screenshot(path=pictures / "camera-link.png")
