"""The operator's page and its line to the show: two at once, a restart, a wrong link."""

from __future__ import annotations

import time

import pytest
from playwright.async_api import Browser, expect

from live.desk.desk import Desk
from live.stream.access_link import access_link
from live.stream.access_tokens import Tokens
from live.stream.camera_link import interfaces, lan_address, outward_address
from tests.live.desk.console_server import serving
from tests.live.desk.operating import PATIENCE_MS, control, live, on_stage, until, until_it_is

CUT = "WebSocket connection to"
"""What the browser says itself where nobody answers."""


async def test_two_operators_see_the_same_and_whose_hand_it_was(browser: Browser) -> None:
    async with on_stage(browser) as stage:
        one, two = await stage.open(), await stage.open()
        await control(one, "mirror").click()
        theirs = control(two, "mirror")
        await expect(theirs).to_have_attribute("aria-checked", "true", timeout=PATIENCE_MS)
        await expect(theirs).to_have_attribute("data-by", "console")
        assert await control(one, "mirror").get_attribute("data-by") is None, "one's own is known"
        entry = control(two, "lead").locator(".entry")
        await entry.fill("80")
        await entry.press("Enter")
        await expect(control(one, "lead").locator(".entry")).to_have_value(
            "80", timeout=PATIENCE_MS
        )
        stage.console.desk.set("guard", 0.75, "osc")
        for page in (one, two):
            guard = control(page, "guard")
            await expect(guard).to_have_attribute("data-by", "osc", timeout=PATIENCE_MS)
            await expect(guard.locator(".entry")).to_have_value("0.75")
        stage.console.desk.do("go", by="midi")
        await expect(one.locator("button.go")).to_have_attribute("data-by", "midi")


async def test_a_hand_on_a_fader_is_not_pulled_away(browser: Browser) -> None:
    async with on_stage(browser) as stage:
        page, desk = await stage.open(), stage.console.desk
        bar = control(page, "smoothing").locator(".bar")
        box = await bar.bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        await page.mouse.move(x, y)
        await page.mouse.down()
        await page.mouse.move(x + 40, y, steps=4)
        held = await control(page, "smoothing").locator(".entry").input_value()
        await until(lambda: desk.value("smoothing") == pytest.approx(float(held), abs=0.006))
        desk.set("smoothing", 0.1, "osc")
        await page.wait_for_timeout(500)
        assert await control(page, "smoothing").locator(".entry").input_value() == held
        await page.mouse.up()
        entry = control(page, "smoothing").locator(".entry")
        await expect(entry).to_have_value("0.10", timeout=PATIENCE_MS)


async def test_a_show_that_begins_again_is_taken_up_with_its_state(browser: Browser) -> None:
    async with on_stage(browser) as stage:
        stage.expected = CUT
        page, port = await stage.open(), stage.console.server.port
        stage.console.server.close()
        banner = page.locator("#banner")
        await expect(banner).to_contain_text(
            "connection lost: the show may still run", timeout=PATIENCE_MS
        )
        for part in ("main", "safety"):
            assert await page.locator(f"#{part}").evaluate("(one) => one.inert")
        await page.keyboard.press("Escape")
        await expect(page.locator("#said")).to_have_text("not connected: panic was not sent")
        with serving(port=port, desk=Desk({"subject": "demo", "smoothing": 0.25})) as again:
            await live(page)
            await expect(banner).to_be_hidden()
            await expect(control(page, "smoothing").locator(".entry")).to_have_value("0.25")
            await page.locator("figure.seen #output").wait_for(timeout=PATIENCE_MS)
            await page.keyboard.press("Escape")
            await until_it_is(again, "panic", True)


async def test_a_show_with_another_table_makes_the_page_anew(browser: Browser) -> None:
    async with on_stage(browser) as stage:
        stage.expected = CUT
        page, port = await stage.open(), stage.console.server.port
        stage.console.server.close()
        await expect(page.locator("#banner")).to_be_visible(timeout=PATIENCE_MS)
        table = [one for one in Desk().parameters() if one.name != "guard"]
        with serving(port=port, desk=Desk({"subject": "demo"}, table)):
            await expect(control(page, "guard")).to_have_count(0, timeout=PATIENCE_MS)
            await live(page)
            await expect(control(page, "lead")).to_have_count(1)


async def test_a_line_that_falls_silent_counts_as_cut(browser: Browser) -> None:
    """The connection stands, and nothing comes: as when the network has gone."""
    async with on_stage(browser) as stage:
        stage.expected = CUT
        page = await stage.open()
        loop = stage.console.server._loop
        assert loop is not None
        loop.call_soon_threadsafe(time.sleep, 9)
        await expect(page.locator("#banner")).to_be_visible(timeout=PATIENCE_MS)
        await live(page)


@pytest.fixture
def reached() -> None:
    if lan_address(interfaces(), outward_address()) is None:
        pytest.skip("this machine is in no network")


async def test_the_key_opens_the_console_from_elsewhere_and_leaves_the_address(
    browser: Browser, reached: None
) -> None:
    tokens = Tokens()
    async with on_stage(browser, host="0.0.0.0", tokens=tokens) as stage:
        link = access_link(stage.console.server.url, "0.0.0.0", tokens.operator, "console").url
        page = await stage.open(link)
        assert tokens.operator not in page.url
        await page.locator("figure.seen #output").wait_for(timeout=PATIENCE_MS)
        await page.reload()
        await live(page)


@pytest.mark.parametrize("key", ["none", "wrong", "viewer"])
async def test_a_wrong_link_says_which_one_to_open(
    browser: Browser, reached: None, key: str
) -> None:
    tokens = Tokens()
    given = {"none": None, "wrong": "n" * 22, "viewer": tokens.viewer}[key]
    async with on_stage(browser, host="0.0.0.0", tokens=tokens) as stage:
        link = access_link(stage.console.server.url, "0.0.0.0", given, "console").url
        page = await stage.visit(await browser.new_context(), link)
        banner = page.locator("#banner")
        await expect(banner).to_contain_text(
            "this link does not open the console", timeout=PATIENCE_MS
        )
        await expect(banner).to_contain_text("Open the operator's link")
        await expect(page.locator("#try-now")).to_be_hidden()
        await expect(page.locator("body")).to_have_attribute("data-state", "refused")
