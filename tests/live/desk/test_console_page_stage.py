"""The operator's page and the stage: hands on the pictures, cues, presets, tempo and fades."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, expect

from live.desk.desk import Desk
from tests.live.desk.console_server import CUES
from tests.live.desk.operating import (
    PATIENCE_MS,
    TABLET,
    control,
    drag,
    on_stage,
    until,
    until_it_is,
)

SHOWN_AT = """(id) => import("./console/static/views.js")
  .then(({ shownAt }) => shownAt(document.getElementById(id)))"""
"""Where the picture stands in its box."""


async def drawn(page: Page, view: str) -> None:
    await page.locator(f"figure.seen #{view}").wait_for(timeout=PATIENCE_MS)


async def test_three_pictures_are_drawn_and_go_on(browser: Browser) -> None:
    async with on_stage(browser) as stage:
        page = await stage.open()
        for view in ("source", "label", "output"):
            await drawn(page, view)
        look = "document.getElementById('output').toDataURL()"
        seen = {await page.evaluate(look)}
        for _ in range(100):
            await page.wait_for_timeout(50)
            seen.add(await page.evaluate(look))
            if len(seen) > 5:
                break
        assert len(seen) > 5, "the output moves"
        size = await page.evaluate("[output.width, output.height]")
        assert size[0] <= 640


@pytest.mark.parametrize(
    ("view", "group"), [("output", "figure"), ("label", "normalize")], ids=["figure", "pose"]
)
async def test_a_drag_moves_a_wheel_sizes_and_twice_is_home(
    browser: Browser, view: str, group: str
) -> None:
    async with on_stage(browser) as stage:
        page, desk = await stage.open(), stage.console.desk
        await drawn(page, view)
        canvas = page.locator(f"#{view}")
        height = (await page.evaluate(SHOWN_AT, view))["height"]
        await drag(page, canvas, 0.25 * height, -0.125 * height)
        await until(lambda: desk.value(f"{group}.y") == pytest.approx(-0.125, abs=0.01))
        assert desk.value(f"{group}.x") == pytest.approx(0.25, abs=0.01)
        await expect(page.locator(f"#{view}-at")).to_contain_text("x 0.25")
        await canvas.hover()
        await page.mouse.wheel(0, -200)
        await until(lambda: float(desk.value(f"{group}.scale")) > 1.2)
        await page.wait_for_timeout(500)
        await canvas.dblclick()
        await until_it_is(stage.console, f"{group}.scale", 1.0)
        await until_it_is(stage.console, f"{group}.x", 0.0)
        await until_it_is(stage.console, f"{group}.y", 0.0)


async def test_two_fingers_size_the_figure(browser: Browser) -> None:
    async with on_stage(browser) as stage:
        page, desk = await stage.open(viewport=TABLET, touch=True), stage.console.desk
        await drawn(page, "output")
        box = await page.locator("#output").bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        hand = await page.context.new_cdp_session(page)

        async def touch(kind: str, apart: float) -> None:
            points = [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}]
            given = {"type": kind, "touchPoints": [] if kind == "touchEnd" else points}
            await hand.send("Input.dispatchTouchEvent", given)

        await touch("touchStart", 40)
        for apart in range(42, 82, 2):
            await touch("touchMove", apart)
        await touch("touchEnd", 80)
        await until(lambda: desk.value("figure.scale") == pytest.approx(2, abs=0.1))
        assert desk.value("figure.x") == pytest.approx(0, abs=0.03)


async def test_a_click_on_a_person_tells_where_in_the_picture(browser: Browser) -> None:
    async with on_stage(browser) as stage:
        given: list[tuple[float, float]] = []
        stage.console.desk.on_do("person.follow", lambda x, y: given.append((x, y)))
        page = await stage.open()
        await drawn(page, "source")
        at = await page.evaluate(SHOWN_AT, "source")
        spot = {"x": at["left"] + 0.25 * at["width"], "y": at["top"] + 0.5 * at["height"]}
        await page.locator("#source").click(position=spot)  # type: ignore[arg-type]
        await until(lambda: given)
        assert given[0] == pytest.approx((0.25, 0.5), abs=0.01)
        await page.locator("#source").click(position={"x": 2, "y": 40})  # beside the picture
        await page.wait_for_timeout(300)
        assert len(given) == 1


async def test_cues_are_listed_and_the_last_and_the_next_are_marked(browser: Browser) -> None:
    async with on_stage(browser) as stage:
        page = await stage.open()
        rows = page.locator("#cue-list li")
        await expect(rows).to_have_count(len(CUES))
        await expect(rows.nth(1)).to_contain_text("2Enter")
        await expect(rows.nth(1)).to_contain_text("3 s")
        await expect(rows.nth(0)).to_have_class("next")
        await expect(page.locator("#go-what")).to_have_text("1 House opens")
        await page.keyboard.press("Space")
        await expect(rows.nth(0)).to_have_class("last", timeout=PATIENCE_MS)
        await expect(page.locator("#go-what")).to_have_text("2 Enter")
        await rows.nth(2).locator("button").click()
        await expect(rows.nth(2)).to_have_class("last", timeout=PATIENCE_MS)
        await page.keyboard.press("Backspace")
        await expect(rows.nth(1)).to_have_class("last", timeout=PATIENCE_MS)
        assert stage.done == ["go", "cue.jump", "back"]


async def test_what_is_wrong_with_the_cue_file_is_told_with_its_line(browser: Browser) -> None:
    async with on_stage(browser) as stage:
        page = await stage.open()
        await expect(page.locator("#cue-trouble")).to_be_hidden()
        sentence = "line 12: fade is 'two'; give seconds, such as 2.0"
        stage.console.cues.trouble = [sentence]
        await expect(page.locator("#cue-trouble-list li")).to_have_text(
            sentence, timeout=PATIENCE_MS
        )
        await expect(page.locator("#cue-list li")).to_have_count(len(CUES))


async def test_a_cue_that_waits_for_the_bar_says_so(browser: Browser) -> None:
    async with on_stage(browser) as stage:
        cues = stage.console.cues
        tell = cues.tell
        waiting = {"number": 2, "on": "bar"}
        object.__setattr__(stage.console.parts, "cues", lambda: {**tell(), "waiting": waiting})
        page = await stage.open()
        await expect(page.locator("#cue-list li").nth(1)).to_have_class("waiting")
        await expect(page.locator("#go-what")).to_have_text("2 Enter, on the bar")


async def test_presets_are_saved_recalled_with_a_fade_and_deleted(browser: Browser) -> None:
    async with on_stage(browser) as stage:
        recalled: list[tuple[object, object]] = []
        desk: Desk = stage.console.desk
        desk.on_do("preset.recall", lambda name, fade_s=0.0: recalled.append((name, fade_s)))
        page = await stage.open()
        await page.locator("#preset-name").fill("Act two")
        await page.locator("#preset-name").press("Enter")
        added = page.get_by_role("button", name="recall Act two")
        await expect(added).to_be_visible(timeout=PATIENCE_MS)
        await page.locator("#preset-fade").fill("2,5")
        await added.click()
        await until(lambda: recalled == [("Act two", 2.5)])
        cross = page.get_by_role("button", name="delete Act two")
        await expect(cross).to_be_hidden()
        await page.locator("#preset-edit").click()
        await cross.click()
        await expect(added).to_have_count(0, timeout=PATIENCE_MS)
        assert "Act two" not in stage.console.cues.names


async def test_the_tempo_is_tapped_and_the_light_runs(browser: Browser) -> None:
    async with on_stage(browser) as stage:
        page = await stage.open()
        await page.locator("#tap").click()
        await page.keyboard.press("t")
        await until(lambda: stage.done == ["tap", "tap"])
        lights = (
            "[...document.querySelectorAll('#beats i')].findIndex((one) => one.matches('.lit'))"
        )
        seen = set()
        for _ in range(400):
            seen.add(await page.evaluate(lights))
            if seen == {-1, 0, 1, 2, 3}:
                break
            await page.wait_for_timeout(20)
        assert seen == {-1, 0, 1, 2, 3}
        stage.console.desk.follow("tempo", 93.5)
        entry = control(page, "tempo").locator(".entry")
        await expect(entry).to_have_value("93.5", timeout=PATIENCE_MS)


async def test_another_hands_fade_glides_and_arrives(browser: Browser) -> None:
    async with on_stage(browser) as stage:
        page = await stage.open()
        stage.console.desk.set("figure.opacity", 0.2, "cue Enter", fade_s=3.0)
        fader = control(page, "figure.opacity")
        await expect(fader).to_have_class("fader flash gliding", timeout=PATIENCE_MS)
        entry = fader.locator(".entry")
        seen = {await entry.input_value()}
        while "0.20" not in seen:
            await page.wait_for_timeout(50)
            seen.add(await entry.input_value())
        assert len(seen) > 5, "and everything in between"
        await expect(fader).not_to_have_class("gliding")
