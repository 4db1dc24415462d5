"""How the operator's page looks: dark, readable, large enough for fingers, and it holds still."""

from __future__ import annotations

import base64
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.async_api import Browser, Page, expect

from live.sources.base import SourceTold
from tests.live.desk.looking import CONTRASTS, PLACES, TOO_WIDE, TOUCHED, light_of
from tests.live.desk.operating import DESK, PATIENCE_MS, TABLET, UPRIGHT, Stage, on_stage

SCREENS = {"desk": DESK, "tablet": TABLET, "upright": UPRIGHT}
TABS = "123"
FINGER_PX = 44
LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3


async def settled(stage: Stage, viewport: dict[str, int], touch: bool = False) -> Page:
    """A page with pictures and figures."""
    page = await stage.open(viewport=viewport, touch=touch)
    await page.locator("figure.seen #output").wait_for(timeout=PATIENCE_MS)
    await expect(page.locator("#fps")).to_have_text("25", timeout=PATIENCE_MS)
    await expect(page.locator("#rung")).to_have_text("generated", timeout=PATIENCE_MS)
    return page


@pytest.mark.parametrize("screen", SCREENS)
async def test_it_is_readable_in_the_dark_and_does_not_light_the_room(
    browser: Browser, pictures: Path, screen: str
) -> None:
    async with on_stage(browser) as stage:
        stage.console.cues.last = 2
        stage.console.cues.trouble = ["line 12: fade is 'two'; give seconds, such as 2.0"]
        stage.console.events.add("error", "the camera is gone")
        stage.console.events.add("warning", "the camera is slow")
        stage.console.desk.set("freeze", True, "osc")
        page = await settled(stage, SCREENS[screen])
        await page.locator("#preset-edit").click()
        for tab in TABS:
            await page.keyboard.press(tab)
            await page.wait_for_timeout(300)
            worst = (await page.evaluate(CONTRASTS))[:3]
            assert worst[0][0] >= LEAST_CONTRAST, worst
            mean, bright = await light_of(page)
            print(f"{screen} {tab}: worst contrast {worst[0]}, luminance {mean:.4f}, {bright:.2%}")
            assert mean < 0.03
            assert bright < 0.01
            await page.screenshot(path=pictures / f"console-{screen}-{tab}.png")
        for key in ("?", "Escape"):
            await page.keyboard.press(key)
            await page.wait_for_timeout(300)
            worst = (await page.evaluate(CONTRASTS))[:3]
            assert worst[0][0] >= LEAST_CONTRAST, worst


@pytest.mark.parametrize("screen", ["tablet", "upright"])
async def test_everything_is_large_enough_for_a_finger(browser: Browser, screen: str) -> None:
    async with on_stage(browser) as stage:
        page = await settled(stage, SCREENS[screen], touch=True)
        await page.locator("#preset-edit").click()
        for tab in TABS:
            await page.locator("#tabs button").nth(int(tab) - 1).click()
            small = [
                one for one in await page.evaluate(TOUCHED) if min(one[0], one[1]) < FINGER_PX - 0.5
            ]
            assert small == []


@pytest.mark.parametrize("screen", SCREENS)
async def test_all_of_it_is_within_the_screen(browser: Browser, screen: str) -> None:
    async with on_stage(browser) as stage:
        page = await settled(stage, SCREENS[screen])
        for tab in TABS:
            await page.keyboard.press(tab)
            wide = await page.evaluate(TOO_WIDE)
            assert wide == []
            for part in ("#safety", "#top", ".panic button", ".go"):
                await expect(page.locator(part)).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("screen", SCREENS)
async def test_nothing_jumps_whatever_happens(browser: Browser, screen: str) -> None:
    async with on_stage(browser) as stage:
        page, desk = await settled(stage, SCREENS[screen]), stage.console.desk
        for tab in TABS:
            await page.keyboard.press(tab)
            before = await page.evaluate(PLACES)
            desk.set_many({"figure.scale": 2.0, "panic": True, "mirror": tab != "2"}, "osc", 2.0)
            desk.set("record", tab != "2", "osc")
            stage.console.show.told = SourceTold("camera 0", 8.0, "camera 0 is stuck, " * 9)
            stage.console.cues.last = int(tab)
            stage.console.events.add("error", "something very long went wrong, " * 9)
            desk.report({"subject.loading": "stranger"})
            await expect(page.locator("#health")).to_have_attribute("data-light", "careful")
            await expect(page.locator("#log li").last).to_contain_text("very long")
            await page.wait_for_timeout(600)
            after = await page.evaluate(PLACES)
            assert sorted(set(before) ^ set(after)) == []


async def test_the_portrait_is_unpacked(browser: Browser) -> None:
    async with on_stage(browser) as stage:
        page = await stage.open()
        thumb = page.locator("#subject-thumb")
        await expect(thumb).to_be_visible(timeout=PATIENCE_MS)
        data = await thumb.evaluate("(one) => one.toDataURL()")
        found = cv2.imdecode(
            np.frombuffer(base64.b64decode(data.split(",")[1]), np.uint8), cv2.IMREAD_COLOR
        )
        assert found is not None
        assert found.std() > 5
