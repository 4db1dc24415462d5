"""The viewer's page in a real browser: what it shows, and how it fits the screen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, expect

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
from tests.live.stream.viewing import PATIENCE_MS, Audience, grab, screen, state, until

STAGE = {"width": 1280, "height": 720}
PHONE = {"width": 390, "height": 844}


@pytest_asyncio.fixture
async def audience(browser: Browser) -> AsyncIterator[Audience]:
    made = Audience(browser)
    yield made
    assert made.troubles == []


async def test_it_plays_moves_and_looks_like_what_was_published(
    hub: Hub, serve: Serve, audience: Audience, pictures: Path
) -> None:
    size = (512, 512)
    with Performance(hub, size) as show:
        page = await audience.enter(serve().url, viewport=STAGE)
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
    hub: Hub, serve: Serve, audience: Audience, size: tuple[int, int]
) -> None:
    with Performance(hub, size):
        page = await audience.enter(serve().url)
        await state(page, "playing")
        seen = (await grab(page))[: size[0], : size[1]]
        assert psnr_db(pattern(read_number(seen), size), seen) > 27


@pytest.mark.parametrize(
    ("width", "height"),
    [(390, 844), (844, 390), (1024, 768), (1920, 1080), (2560, 1080)],
    ids=["phone", "phone-on-its-side", "beamer", "full-hd", "ultrawide"],
)
async def test_every_screen_has_the_whole_picture_on_black(
    hub: Hub, serve: Serve, audience: Audience, pictures: Path, width: int, height: int
) -> None:
    with Performance(hub, (360, 640)):
        page = await audience.enter(serve().url, viewport={"width": width, "height": height})
        await state(page, "playing")
        await expect(page.locator("body.idle")).to_have_count(1, timeout=PATIENCE_MS)
        await page.wait_for_timeout(1200)  # until all has faded
        seen = await screen(page)
        await page.screenshot(path=pictures / f"viewer-{width}x{height}.png")
        assert await page.locator("#picture").evaluate("v => getComputedStyle(v).cursor") == "none"
        assert not await page.evaluate(
            "document.documentElement.scrollWidth > innerWidth"
            " || document.documentElement.scrollHeight > innerHeight"
        )
    scale = min(width / 640, height / 360)
    across, down = round(640 * scale), round(360 * scale)
    left, top = (width - across) // 2, (height - down) // 2
    inside = np.zeros(seen.shape[:2], bool)
    inside[max(0, top - 2) : top + down + 2, max(0, left - 2) : left + across + 2] = True
    inside[-60:, :200] = True  # the caption is always there
    assert seen[~inside].max(initial=0) == 0, "black around the picture"
    for index, colour in enumerate(PATCHES.values()):
        y, x = (round(one * scale) for one in patch_corner(index, (360, 640)))
        middle = seen[top + y + round(45 * scale), left + x + round(80 * scale)]
        assert np.abs(middle.astype(int) - colour).max() < 12


async def test_a_picture_that_changes_its_size_does_not_jump(
    hub: Hub, serve: Serve, audience: Audience, pictures: Path
) -> None:
    """A show goes down to a quarter of the size for a poor line, and up again."""
    page = await audience.enter(serve().url, viewport=STAGE)
    frames = []
    with Performance(hub, (480, 640)) as show:
        await state(page, "playing")
        await page.evaluate("""() => {
          window.states = [];
          new MutationObserver(() => states.push(document.body.dataset.state))
            .observe(document.body, { attributeFilter: ["data-state"] });
        }""")
        await page.wait_for_timeout(700)  # until it has faded in
        frames.append(await screen(page))
    for size in [(240, 320), (480, 640)]:
        with Performance(hub, size, first=show.published):
            grown = f"document.getElementById('picture').videoWidth === {size[1]}"
            await until(page, grown)
            await page.wait_for_timeout(200)
            frames.append(await screen(page))
    await page.screenshot(path=pictures / "viewer-resized.png")
    left = (1280 - 960) // 2
    for seen in frames:
        assert seen[:-60, : left - 3].max() == 0  # the caption stands below
        assert seen[90:, left + 8 : left + 200].min() > 10, "the picture begins where it did"
        for index, colour in enumerate(PATCHES.values()):
            y, x = patch_corner(index, (720, 960))
            assert np.abs(seen[y + 90, left + x + 120].astype(int) - colour).max() < 14
    assert await page.evaluate("states") == [], "it played on all the time"


async def test_it_is_muted_inline_and_fits_a_phone(
    hub: Hub, serve: Serve, audience: Audience, pictures: Path
) -> None:
    with Performance(hub, (512, 512)):
        page = await audience.enter(
            serve().url, viewport=PHONE, device_scale_factor=2, has_touch=True, is_mobile=True
        )
        await state(page, "playing")
        video = page.locator("#picture")
        quiet = "v => v.muted && v.playsInline && !v.paused"
        assert await video.evaluate(quiet)
        assert await video.evaluate("v => getComputedStyle(v).objectFit") == "contain"
        assert await video.bounding_box() == {"x": 0, "y": 0, **PHONE}
        await expect(page.locator("#sound")).to_be_hidden()
        await page.touchscreen.tap(195, 700)
        await page.tap("#show-statistics")
        await expect(page.locator("#fps")).to_contain_text("/s", timeout=PATIENCE_MS)
        await page.touchscreen.tap(195, 700)  # the buttons may have faded meanwhile
        await page.tap("#show-keys")
        await expect(page.locator("#keys")).to_be_visible()
        await page.screenshot(path=pictures / "viewer-phone.png")
        await page.tap("#show-keys")
        await page.wait_for_timeout(500)
        await page.touchscreen.tap(195, 500)
        await page.touchscreen.tap(195, 500)
        await expect(page.locator("#fill-screen")).to_have_attribute("aria-pressed", "true")


async def test_a_tap_that_wakes_the_buttons_presses_none(
    hub: Hub, serve: Serve, audience: Audience
) -> None:
    with Performance(hub):
        page = await audience.enter(serve().url, viewport=PHONE, has_touch=True)
        await state(page, "playing")
        button = page.locator("#show-statistics")
        place = await button.bounding_box()
        assert place is not None
        at = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
        await expect(page.locator("body.idle")).to_have_count(1, timeout=PATIENCE_MS)
        await expect(button).to_have_css("opacity", "0", timeout=PATIENCE_MS)
        await page.touchscreen.tap(*at)
        await expect(button).to_have_css("opacity", "1", timeout=PATIENCE_MS)
        await expect(page.locator("#statistics")).to_be_hidden()
        await page.touchscreen.tap(*at)
        await expect(page.locator("#statistics")).to_be_visible()


async def test_keys_show_figures_help_and_fill_the_screen(
    hub: Hub, serve: Serve, audience: Audience, pictures: Path
) -> None:
    with Performance(hub, (512, 512)):
        page = await audience.enter(serve().url, viewport=STAGE)
        await state(page, "playing")
        await page.keyboard.press("s")
        await expect(page.locator("#delay")).to_contain_text("ms", timeout=PATIENCE_MS)
        await expect(page.locator("#stage")).to_have_text("41 ms", timeout=PATIENCE_MS)
        await expect(page.locator("#size")).to_have_text("512 × 512")
        await expect(page.locator("#codec")).to_have_text("H264")
        await expect(page.locator("#viewers")).to_have_text("1")
        await expect(page.locator("#lost")).to_have_text("0.0 %, 0 in all")
        for figure in ("trip", "buffer", "decode", "drawn"):
            await expect(page.locator(f"#{figure}")).to_contain_text("ms")
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
        await page.dblclick("#picture", position={"x": 640, "y": 300})
        await expect(page.locator("#fill-screen")).to_have_attribute("aria-pressed", "true")
        await expect(page.locator("body.idle")).to_have_count(1, timeout=PATIENCE_MS)
        await expect(page.locator("#caption")).to_be_visible()  # faint, and still there


async def test_every_control_has_a_name(hub: Hub, serve: Serve, audience: Audience) -> None:
    page = await audience.enter(serve().url)
    for name in ("Statistics", "Keys", "Full screen"):
        await expect(page.get_by_role("button", name=name, exact=True)).to_have_count(1)
    await expect(page.locator("button")).to_have_count(4)  # and the sound's, which waits for one
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Statistics")).to_be_focused()
    await page.wait_for_timeout(3500)
    await expect(page.locator("#show-statistics")).to_have_css("opacity", "1")


async def test_the_screen_stays_awake(hub: Hub, serve: Serve, audience: Audience) -> None:
    """The lock is asked for at once, and anew when the page has been out of sight."""
    stub = """
      window.locks = [];
      const wakeLock = { request: async (kind) => {
        locks.push({ kind, released: false });
        return locks.at(-1);
      } };
      Object.defineProperty(navigator, "wakeLock", { value: wakeLock });
      let seen = "visible";
      Object.defineProperty(Document.prototype, "visibilityState", { get: () => seen });
      window.turn = (to) => { seen = to; document.dispatchEvent(new Event("visibilitychange")); };
    """
    page = await audience.enter(serve().url, stub)
    await until(page, "locks.length === 1")
    await page.evaluate("turn('visible')")
    await page.evaluate("locks[0].released = true; turn('hidden')")
    await page.wait_for_timeout(100)
    assert await page.evaluate("locks.map((one) => one.kind)") == ["screen"]
    await page.evaluate("turn('visible')")
    await until(page, "locks.length === 2")


async def test_it_works_below_a_proxys_prefix(hub: Hub, serve: Serve, audience: Audience) -> None:
    server = serve()
    asked: list[str] = []

    async def forward(request: web.Request) -> web.Response:
        asked.append(f"{request.method} {request.path}")
        url = server.url + request.match_info["rest"]
        kept = {name: one for name, one in request.headers.items() if name != "Content-Length"}
        body = await request.read()
        async with (
            ClientSession() as client,
            client.request(request.method, url, headers=kept, data=body) as found,
        ):
            names = ("Content-Type", "Location", "Content-Security-Policy")
            passed = {name: found.headers[name] for name in names if name in found.headers}
            return web.Response(status=found.status, body=await found.read(), headers=passed)

    app = web.Application()
    app.router.add_route("*", "/theatre/tonight/{rest:.*}", forward)
    async with TestServer(app, host="127.0.0.1") as proxy:
        with Performance(hub):
            page = await audience.enter(str(proxy.make_url("/theatre/tonight/")))
            await state(page, "playing")
            await page.keyboard.press("s")
            await expect(page.locator("#viewers")).to_have_text("1", timeout=PATIENCE_MS)
            await page.goto("about:blank")
            for _ in range(100):
                if hub.counts.viewers == 0:
                    break
                await page.wait_for_timeout(100)
    assert hub.counts.viewers == 0, "it said goodbye at the address that it was given"
    assert any(one.startswith("DELETE /theatre/tonight/whep/") for one in asked)
