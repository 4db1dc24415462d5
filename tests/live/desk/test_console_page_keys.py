"""The operator's keyboard: what acts when, in a real browser."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Browser, expect

from live.desk.parameters import Kind
from live.desk.table import TABLE
from tests.live.desk.operating import (
    control,
    on_stage,
    until,
    until_done,
    until_it_is,
    until_it_is_not,
)


async def test_every_key_of_the_table_acts_and_is_listed(browser: Browser, pictures: Path) -> None:
    async with on_stage(browser) as stage:
        page, desk = await stage.open(), stage.console.desk
        keyed = [one for one in TABLE if one.key]
        await page.keyboard.press("?")
        await expect(page.locator("#keys")).to_be_visible()
        for one in keyed:
            await expect(page.locator("#key-list")).to_contain_text(one.help)
        await page.wait_for_timeout(500)
        await page.screenshot(path=pictures / "console-keys.png")
        await page.locator("#addresses summary").click()
        for one in TABLE:  # other desks' names, too
            row = page.locator("#address-list div").filter(has_text=one.help).first
            await expect(row.locator("dt")).to_have_text(one.address)
        await page.screenshot(path=pictures / "console-addresses.png")
        await page.keyboard.press("?")
        await expect(page.locator("#keys")).to_be_hidden()
        for one in keyed:
            before = None if one.kind is Kind.ACTION else desk.value(one.name)
            await page.keyboard.press(one.key)
            if one.kind is Kind.ACTION:
                await until_done(stage, one.name)
            else:
                await until_it_is_not(stage.console, one.name, before)


async def test_panic_by_key_stays_on_however_often_it_is_hit(browser: Browser) -> None:
    async with on_stage(browser) as stage:
        page, desk = await stage.open(), stage.console.desk
        button = page.locator('[role=switch][data-name="panic"]')
        for _ in range(3):
            await page.keyboard.press("Escape")
        await until_it_is(stage.console, "panic", True)
        await expect(button).to_have_text("PANIC ONEsc")
        await expect(page.locator("body.panicking")).to_have_count(1)
        await page.keyboard.press("Enter")
        await until_it_is(stage.console, "panic", False)
        await button.dblclick()  # in fright
        await until_it_is(stage.console, "panic", True)
        await page.wait_for_timeout(900)
        assert desk.value("panic") is True
        await button.click()
        await until_it_is(stage.console, "panic", False)


async def test_while_somebody_types_only_panic_acts(browser: Browser) -> None:
    async with on_stage(browser) as stage:
        page, desk = await stage.open(), stage.console.desk
        for field in ("#preset-name", "#log-words", '[data-name="smoothing"] .entry'):
            await page.locator(field).focus()
            for key in ("f", "m", "Space", "Shift+R", "Backspace", "t", "?"):
                await page.keyboard.press(key)
        await page.wait_for_timeout(300)
        assert [one for one in stage.changes if one.by == "console"] == []
        await page.locator("#preset-name").focus()
        await page.keyboard.press("Escape")
        await until_it_is(stage.console, "panic", True)
        await expect(page.locator("#keys")).to_be_hidden()
        assert desk.value("freeze") is False


async def test_the_space_bar_is_always_the_cues_and_enter_presses_what_tab_has_reached(
    browser: Browser,
) -> None:
    async with on_stage(browser) as stage:
        page, desk = await stage.open(), stage.console.desk
        await control(page, "mirror").click()
        await until_it_is(stage.console, "mirror", True)
        await page.keyboard.press("Space")  # the switch that was clicked keeps no key
        await until(lambda: "go" in stage.done)
        await page.keyboard.press("Enter")
        await until(lambda: "resume" in stage.done)
        assert desk.value("mirror") is True
        face = control(page, "face")
        await face.focus()
        await page.keyboard.press("Tab")
        await page.keyboard.press("Shift+Tab")
        await expect(face).to_be_focused()
        await expect(face).to_have_css("outline-style", "solid")
        await page.keyboard.press("Space")
        await until(lambda: stage.done.count("go") == 2)
        assert desk.value("face") is True
        await page.keyboard.press("Enter")
        await until_it_is(stage.console, "face", False)
        assert stage.done.count("resume") == 1


async def test_a_key_that_is_held_acts_once(browser: Browser) -> None:
    async with on_stage(browser) as stage:
        page, desk = await stage.open(), stage.console.desk
        for _ in range(4):  # the same key again without its release is a repeat
            await page.keyboard.down("f")
        await page.keyboard.up("f")
        await until_it_is(stage.console, "freeze", True)
        await page.wait_for_timeout(300)
        assert desk.value("freeze") is True


async def test_what_is_pointed_at_is_explained_in_the_line_below(browser: Browser) -> None:
    async with on_stage(browser) as stage:
        page = await stage.open()
        await control(page, "guard").locator(".bar").hover()
        await expect(page.locator("#explanation")).to_contain_text("eases limbs back")
        await expect(page.locator("#explained-address")).to_have_text("/understudy/guard")
