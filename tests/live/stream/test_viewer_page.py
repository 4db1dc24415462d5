"""The viewer's page in a real browser: headless Chromium against the real server."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.async_api import Browser, Page, expect

from live.stream.hub import Hub
from tests.live.stream.conftest import Serve
from tests.live.stream.pattern import (
    PATCHES,
    Performance,
    patch_corner,
    pattern,
    psnr_db,
    read_number,
)

OpenPage = Callable[..., Awaitable[Page]]

PATIENCE_MS = 20_000

GRAB = """() => {
  const video = document.getElementById("picture");
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d").drawImage(video, 0, 0);
  return canvas.toDataURL("image/png");
}"""
"""What the page shows, off the very element that shows it."""


@pytest.fixture
def troubles() -> Iterator[list[str]]:
    """What went wrong inside the pages; anything fails the test when it ends."""
    found: list[str] = []
    yield found
    assert found == []


@pytest.fixture
def open_page(browser: Browser, troubles: list[str]) -> OpenPage:
    """Opens the page at an address, and notes its errors and whom it asks."""

    async def opened(url: str, **how: object) -> Page:
        page = await browser.new_page(**how)  # type: ignore[arg-type]
        page.on("pageerror", lambda error: troubles.append(f"an error: {error}"))
        page.on("console", lambda line: troubles.extend(_against_the_policy(line.text)))
        page.on("request", lambda one: troubles.extend(_not_ours(one.url, url)))
        await page.goto(url)
        return page

    return opened


def _not_ours(asked: str, url: str) -> list[str]:
    return [] if asked.startswith((url, "data:")) else [f"a third party was asked: {asked}"]


def _against_the_policy(line: str) -> list[str]:
    return [line] if "Content Security Policy" in line else []


async def state(page: Page, wanted: str) -> None:
    await page.locator(f"body[data-state={wanted}]").wait_for(timeout=PATIENCE_MS)


async def grab(page: Page) -> NDArray[np.uint8]:
    """The picture in the page, RGB uint8 (H, W, 3)."""
    address: str = await page.evaluate(GRAB)
    data = np.frombuffer(base64.b64decode(address.split(",")[1]), np.uint8)
    seen = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert seen is not None
    return np.asarray(cv2.cvtColor(seen, cv2.COLOR_BGR2RGB), np.uint8)


async def test_it_plays_moves_and_looks_like_what_was_published(
    hub: Hub, serve: Serve, open_page: OpenPage, pictures: Path
) -> None:
    size = (512, 512)
    with Performance(hub, size) as show:
        page = await open_page(serve().url, viewport={"width": 1280, "height": 720})
        await state(page, "playing")
        playing_ms = await page.evaluate("performance.now()")
        print(f"playing {playing_ms:.0f} ms after the page began to load")
        numbers = []
        for _ in range(5):
            seen = await grab(page)
            number = read_number(seen)
            assert number <= show.published
            assert psnr_db(pattern(number, size), seen) > 27
            numbers.append(number)
            await page.wait_for_timeout(150)
        assert len(set(numbers)) == 5, "the picture moves"
        assert numbers == sorted(numbers)
        for index, (name, colour) in enumerate(PATCHES.items()):
            top, left = patch_corner(index, size)
            patch = seen[top + 16 : top + 112, left + 16 : left + 112].mean(axis=(0, 1))
            assert np.abs(patch - colour).max() < 6, (name, colour, patch)
        await page.screenshot(path=pictures / "viewer.png")


@pytest.mark.parametrize("size", [(720, 1280), (241, 135)])
async def test_any_size_is_shown_whole(
    hub: Hub, serve: Serve, open_page: OpenPage, pictures: Path, size: tuple[int, int]
) -> None:
    with Performance(hub, size):
        page = await open_page(serve().url)
        await state(page, "playing")
        seen = (await grab(page))[: size[0], : size[1]]
        assert psnr_db(pattern(read_number(seen), size), seen) > 27


async def test_it_is_muted_inline_and_fits_a_phone(
    hub: Hub, serve: Serve, open_page: OpenPage, pictures: Path
) -> None:
    phone = {"width": 390, "height": 844}
    with Performance(hub, (512, 512)):
        page = await open_page(
            serve().url, viewport=phone, device_scale_factor=2, has_touch=True, is_mobile=True
        )
        await state(page, "playing")
        video = page.locator("#picture")
        quiet = "v => v.muted && v.playsInline && !v.paused"
        assert await video.evaluate(quiet)
        assert await video.evaluate("v => getComputedStyle(v).objectFit") == "contain"
        assert await video.bounding_box() == {"x": 0, "y": 0, **phone}
        overflow = "document.documentElement.scrollWidth > innerWidth"
        assert not await page.evaluate(overflow)
        await page.tap("#show-statistics")
        await expect(page.locator("#fps")).to_contain_text("/s", timeout=PATIENCE_MS)
        await page.tap("#show-keys")
        await page.screenshot(path=pictures / "viewer-phone.png")
        await page.tap("#show-keys")
        await page.wait_for_timeout(500)
        await page.touchscreen.tap(195, 300)
        await page.touchscreen.tap(195, 300)
        await expect(page.locator("#fill-screen")).to_have_attribute("aria-pressed", "true")


async def test_keys_show_figures_help_and_fill_the_screen(
    hub: Hub, serve: Serve, open_page: OpenPage, pictures: Path
) -> None:
    with Performance(hub, (512, 512)):
        page = await open_page(serve().url, viewport={"width": 1280, "height": 720})
        await state(page, "playing")
        await page.keyboard.press("s")
        await expect(page.locator("#delay")).to_contain_text("ms", timeout=PATIENCE_MS)
        await expect(page.locator("#stage")).to_have_text("41 ms", timeout=PATIENCE_MS)
        await expect(page.locator("#size")).to_have_text("512 × 512")
        await expect(page.locator("#codec")).to_have_text("H264")
        await page.keyboard.press("?")
        await expect(page.locator("#keys")).to_be_visible()
        print((await page.locator("#statistics").inner_text()).replace("\n", " "))
        await page.screenshot(path=pictures / "viewer-keys.png")
        await page.keyboard.press("Escape")
        await expect(page.locator("#keys")).to_be_hidden()
        await expect(page.locator("#statistics")).to_be_hidden()
        await page.keyboard.press("f")
        await expect(page.locator("#fill-screen")).to_have_attribute("aria-pressed", "true")
        await page.keyboard.press("f")
        await expect(page.locator("#fill-screen")).to_have_attribute("aria-pressed", "false")
        await expect(page.locator("body.idle")).to_have_count(1, timeout=PATIENCE_MS)
        await expect(page.locator("#caption")).to_be_visible()  # faint, and still there


async def test_it_comes_back_by_itself_after_a_restart(
    hub: Hub, serve: Serve, open_page: OpenPage, pictures: Path
) -> None:
    with Performance(hub) as show:
        server = serve()
        page = await open_page(server.url)
        await state(page, "playing")
        server.close()
        await state(page, "waiting")
        await expect(page.locator("#words")).to_have_text("The show is not running")
        await page.wait_for_timeout(600)
        await page.screenshot(path=pictures / "viewer-not-running.png")
        restarted_at = show.published
        serve(port=server.port)
        await state(page, "playing")
        assert read_number(await grab(page)) >= restarted_at


async def test_it_takes_a_frozen_stream_up_anew(
    hub: Hub, serve: Serve, open_page: OpenPage, pictures: Path
) -> None:
    page = await open_page(serve().url)
    with Performance(hub) as show:
        await state(page, "playing")
    await state(page, "waiting")
    await expect(page.locator("#words")).to_have_text("The show is on, but no picture comes")
    with Performance(hub, first=show.published):
        await state(page, "playing")
        assert read_number(await grab(page)) >= show.published


async def test_the_next_viewer_is_told_when_the_house_is_full(
    hub: Hub, serve: Serve, open_page: OpenPage
) -> None:
    url = serve(most=1).url
    with Performance(hub):
        first = await open_page(url)
        await state(first, "playing")
        second = await open_page(url)
        await state(second, "waiting")
        await expect(second.locator("#words")).to_have_text("Every place is taken")
        await first.close()  # which says goodbye
        await state(second, "playing")


async def test_a_browser_without_our_codecs_is_told(
    hub: Hub, serve: Serve, browser: Browser, pictures: Path
) -> None:
    context = await browser.new_context()
    await context.add_init_script("""
      const add = RTCPeerConnection.prototype.addTransceiver;
      RTCPeerConnection.prototype.addTransceiver = function (...how) {
        const made = add.apply(this, how);
        const { codecs } = RTCRtpReceiver.getCapabilities("video");
        made.setCodecPreferences(codecs.filter((one) => /VP9|rtx/.test(one.mimeType)));
        return made;
      };
    """)
    page = await context.new_page()
    await page.goto(serve().url)
    await state(page, "stopped")
    await expect(page.locator("#words")).to_have_text("This browser cannot play the show")
    await page.screenshot(path=pictures / "viewer-no-codec.png")
