"""The operator's page in a real browser: every entry of the table has its control, and its key."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, expect

from live.desk.parameters import Kind
from live.desk.table import TABLE
from live.desk.web import FOLDER
from tests.live.desk.operating import (
    PATIENCE_MS,
    control,
    drag,
    on_stage,
    until,
    until_done,
    until_it_is,
)

NUMBERS = [one for one in TABLE if one.kind is Kind.NUMBER]
SWITCHES = [one for one in TABLE if one.kind is Kind.SWITCH]
PLAIN_ACTIONS = [
    one
    for one in TABLE
    if one.kind is Kind.ACTION and not one.takes and one.name not in ("go", "back", "tap")
]


def test_every_module_of_the_page_is_fetched_at_once() -> None:
    """Else the page would wait for one after the other."""
    text = (FOLDER / "index.html").read_text("utf-8")
    asked = set(re.findall(r'(?:src|href)="console/static/([^"]+)"', text))
    assert asked == {path.name for path in FOLDER.iterdir() if path.suffix != ".html"}


async def test_every_entry_of_the_table_has_its_control(browser: Browser) -> None:
    async with on_stage(browser) as stage:
        stage.allow(lambda name: True)
        page = await stage.open()
        for one in TABLE:
            if one.kind is not Kind.READING:
                await expect(control(page, one.name), one.name).not_to_have_count(0)


async def test_every_number_is_typed(browser: Browser) -> None:
    async with on_stage(browser) as stage:
        page = await stage.open()
        for one in NUMBERS:
            wanted = round(one.low + 0.4 * (one.high - one.low), 3)
            entry = control(page, one.name).locator(".entry")
            await entry.fill(f"{wanted:g}".replace(".", ","))
            await entry.press("Enter")
            await until_it_is(stage.console, one.name, wanted)


async def test_every_switch_choice_and_colour_is_set(browser: Browser) -> None:
    async with on_stage(browser) as stage:
        page, desk = await stage.open(), stage.console.desk
        for one in SWITCHES:
            before = desk.value(one.name)
            found = page.locator(f'[role=switch][data-name="{one.name}"]')
            await expect(found).to_have_attribute("aria-checked", str(before).lower())
            await found.click()
            await until_it_is(stage.console, one.name, not before)
            await expect(found).to_have_attribute("aria-checked", str(not before).lower())
        for name, value in {
            "background": "green",
            "on": "bar",
            "background.picture": "night.png",
        }.items():
            option = control(page, name).get_by_role("radio", name=value, exact=True)
            await option.click()
            await until_it_is(stage.console, name, value)
            await expect(option).to_have_attribute("aria-checked", "true")
        entry = control(page, "background.colour").locator(".entry")
        await entry.fill("#1A2030")
        await entry.press("Enter")
        await until_it_is(stage.console, "background.colour", "#1a2030")
        await control(page, "background.colour").locator("[type=color]").fill("#402010")
        await until_it_is(stage.console, "background.colour", "#402010")


async def test_every_action_is_done(browser: Browser) -> None:
    async with on_stage(browser) as stage:
        page = await stage.open()
        for one in PLAIN_ACTIONS:
            await page.locator(
                f'button[data-name="{one.name}"], [data-name="{one.name}"] .press'
            ).click()
            await until_done(stage, one.name)
        for name in ("tap", "go", "back"):
            await page.locator(f'button[data-name="{name}"]').click()
            await until_done(stage, name)
        given: list[object] = []
        stage.console.desk.on_do("normalize.calibrate", lambda seconds=8: given.append(seconds))
        calibrate = control(page, "normalize.calibrate")
        await calibrate.locator(".press").click()
        await until(lambda: given == [8], "without a number it is the usual one")
        await calibrate.locator(".entry").fill("5")
        await calibrate.locator(".press").click()
        await until(lambda: given == [8, 5])


async def test_what_the_show_cannot_do_is_not_offered(browser: Browser) -> None:
    async with on_stage(browser) as stage:
        stage.allow(lambda name: name not in ("reset", "tap"))
        page = await stage.open()
        await expect(control(page, "reset")).to_have_count(0)
        await expect(page.locator("#tap")).to_be_hidden()
        await page.keyboard.press("r")
        await page.keyboard.press("?")
        await expect(page.locator("#key-list")).not_to_contain_text("reset")


async def test_a_midi_control_is_bound_by_a_click(browser: Browser) -> None:
    async with on_stage(browser) as stage:
        stage.allow(lambda name: True)
        bound: list[tuple[object, object]] = []
        desk = stage.console.desk
        desk.on_do("midi.learn", lambda name, value=None: bound.append((name, value)))
        desk.on_do("midi.forget", lambda name: bound.append((name, "forgotten")))
        page = await stage.open()
        learn, forget = control(page, "midi.learn"), control(page, "midi.forget")
        await learn.click()
        await expect(learn).to_have_attribute("aria-pressed", "true")
        await control(page, "panic").locator("visible=true").first.click()
        await until(lambda: bound == [("panic", None)])
        await expect(page.locator("#said")).to_have_text("panic: move the MIDI control now")
        assert desk.value("panic") is False
        await learn.click()
        await page.locator("#cue-list li").nth(1).click()
        await until(lambda: bound[1:] == [("cue.jump", 2)])
        await learn.click()
        await page.get_by_role("radio", name="green", exact=True).click()
        await until(lambda: bound[2:] == [("background", "green")])
        await forget.click()
        await control(page, "mirror").click()
        await until(lambda: bound[3:] == [("mirror", "forgotten")])
        assert desk.value("mirror") is False
        await control(page, "mirror").click()  # and now it is an order again
        await until_it_is(stage.console, "mirror", True)


async def test_a_fader_picks_up_where_it_stands_and_a_double_click_is_the_default(
    browser: Browser,
) -> None:
    async with on_stage(browser) as stage:
        page, desk = await stage.open(), stage.console.desk
        desk.set("figure.x", 1.0, "console")
        bar = control(page, "figure.x").locator(".bar")
        await expect(control(page, "figure.x").locator(".entry")).to_have_value("1.00")
        await bar.click(position={"x": 4, "y": 10})
        assert desk.value("figure.x") == 1.0, "a touch moves nothing"
        box = await bar.bounding_box()
        assert box is not None
        await drag(page, bar, -box["width"] / 8)
        await until(lambda: float(desk.value("figure.x")) < 0.52)
        assert desk.value("figure.x") == pytest.approx(0.5, abs=0.03)
        await page.keyboard.down("Shift")
        await drag(page, bar, box["width"] / 8)
        await page.keyboard.up("Shift")
        await until(lambda: float(desk.value("figure.x")) > 0.52)
        assert desk.value("figure.x") == pytest.approx(0.55, abs=0.03), "a tenth of the way"
        await page.wait_for_timeout(500)
        await bar.dblclick()
        await until_it_is(stage.console, "figure.x", 0.0)
        await expect(control(page, "figure.x").locator(".entry")).to_have_value("0.00")


async def test_arrows_move_a_fader_that_has_the_focus(browser: Browser) -> None:
    async with on_stage(browser) as stage:
        page, desk = await stage.open(), stage.console.desk
        await control(page, "smoothing").locator("[type=range]").focus()
        await page.keyboard.press("ArrowRight")
        await until(lambda: desk.value("smoothing") == pytest.approx(0.51))
        await page.keyboard.press("Shift+ArrowLeft")
        await until(lambda: desk.value("smoothing") == pytest.approx(0.509))
        await page.keyboard.press("End")
        await until(lambda: desk.value("smoothing") == 1.0)


@pytest.mark.parametrize(("typed", "words"), [("nine", "is no number"), ("9", "give from 0 to 1")])
async def test_what_is_typed_wrong_is_explained_and_changes_nothing(
    browser: Browser, typed: str, words: str
) -> None:
    async with on_stage(browser) as stage:
        page = await stage.open()
        entry = control(page, "smoothing").locator(".entry")
        await entry.fill(typed)
        await entry.press("Enter")
        await expect(page.locator("#said")).to_contain_text(words, timeout=PATIENCE_MS)
        await expect(entry).to_have_value("0.50")
        assert stage.console.desk.value("smoothing") == 0.5
