"""The operator's page and the show: pictures, cues, presets, tempo, subject, health, events."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, expect

from live.sources.base import SourceTold
from tests.live.desk.console_server import BROKEN, NO_RECORD
from tests.live.desk.operating import (
    DESK,
    PATIENCE_MS,
    control,
    on_stage,
    until_it_is,
)
from tests.live.desk.played_show import PlayedShow


async def test_a_subject_without_consent_is_asked_for_once(browser: Browser) -> None:
    async with on_stage(browser) as stage:
        page = await stage.open()
        await expect(page.locator("#subject-consent")).to_contain_text("consent:")
        await control(page, "subject").get_by_role("radio", name=NO_RECORD).click()
        dialog = page.locator("#consent")
        await expect(dialog).to_be_visible(timeout=PATIENCE_MS)
        await expect(dialog).to_contain_text(f"{NO_RECORD} has no consent record")
        assert stage.console.desk.value("subject") == "demo"
        await page.locator("#consent-send").click()
        await expect(page.locator("#consent-wrong")).to_have_text("All three are needed.")
        await page.locator("#consent-person").fill("Ada Example")
        await page.locator("#consent-date").fill("2999-01-01")
        await page.locator("#consent-statement").fill("may be shown, at this theatre")
        await page.locator("#consent-send").click()
        await expect(page.locator("#consent-wrong")).to_contain_text("yet to come")
        await page.locator("#consent-date").fill("2026-11-01")
        await page.locator("#consent-send").click()
        await expect(dialog).to_be_hidden(timeout=PATIENCE_MS)
        await until_it_is(stage.console, "subject", NO_RECORD)
        told = page.locator("#subject-consent")
        await expect(told).to_contain_text("Ada Example, 2026-11-01", timeout=PATIENCE_MS)
        for name in ("demo", NO_RECORD):
            await control(page, "subject").get_by_role("radio", name=name).click()
            await until_it_is(stage.console, "subject", name)
        await expect(dialog).to_be_hidden()


async def test_a_subject_that_does_not_load_leaves_the_old_one(browser: Browser) -> None:
    async with on_stage(browser) as stage:
        page = await stage.open()
        await control(page, "subject").get_by_role("radio", name=BROKEN).click()
        await expect(page.locator("#said")).to_contain_text("does not load", timeout=PATIENCE_MS)
        demo = control(page, "subject").get_by_role("radio", name="demo")
        await expect(demo).to_have_attribute("aria-checked", "true")
        stage.console.desk.report({"subject.loading": NO_RECORD})
        await expect(page.locator("#subject-loading")).to_have_text(f"loading {NO_RECORD}")


async def test_health_is_told_in_words_with_the_worst_first(browser: Browser) -> None:
    async with on_stage(browser) as stage:
        page, show = await stage.open(), stage.console.show
        await expect(page.locator("#health")).to_contain_text("all is well", timeout=PATIENCE_MS)
        show.told = SourceTold("camera 0", 0.0, None)
        stage.console.desk.set("freeze", True, "osc")
        health = page.locator("#health")
        await expect(health).to_have_attribute("data-light", "bad", timeout=PATIENCE_MS)
        await expect(health).to_contain_text("camera 0 gives no pictures")
        await expect(health).to_contain_text("see that it is plugged in")
        await health.click()
        items = page.locator("#health-list li")
        await expect(items).to_have_count(2)
        await expect(items.nth(1)).to_contain_text("freeze is on")
        await health.click()
        await expect(page.locator("#health-list")).to_be_hidden()


@pytest.mark.parametrize(
    ("novelty", "light", "words"),
    [
        (0.6, "good", "well known"),
        (1.5, "careful", "at its limits"),
        (9.0, "bad", "beyond its limits"),
    ],
    ids=["known", "limits", "beyond"],
)
async def test_the_novelty_meter_says_where_the_limits_are(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, novelty: float, light: str, words: str
) -> None:
    told = {"novelty": novelty, "rung": "generated", "subject.loading": ""}
    monkeypatch.setattr(PlayedShow, "readings", lambda _: told)
    async with on_stage(browser) as stage:
        page = await stage.open()
        meter = page.locator("#novelty")
        await expect(meter).to_have_attribute("data-light", light, timeout=PATIENCE_MS)
        await expect(page.locator("#novelty-words")).to_have_text(words)


async def test_the_top_line_has_the_figures_and_counts_the_recording(browser: Browser) -> None:
    async with on_stage(browser) as stage:
        page = await stage.open()
        await expect(page.locator("#fps")).to_have_text("25", timeout=PATIENCE_MS)
        await expect(page.locator("#delay")).to_have_text("66")
        await expect(page.locator("#viewers")).to_have_text("0")
        await expect(page.locator("#rung")).to_have_text("generated", timeout=PATIENCE_MS)
        await expect(page.locator("#recording-time")).to_have_text("off")
        await page.keyboard.press("Shift+R")
        await expect(page.locator("#recording-time")).to_have_text("00:02", timeout=PATIENCE_MS)
        late = await stage.open()  # the show tells it since when
        running = re.compile(r"00:\d\d")
        await expect(late.locator("#recording-time")).to_have_text(running, timeout=PATIENCE_MS)
        await expect(page.locator("#stages")).to_contain_text("22.5 · ")


async def test_events_are_listed_and_filtered(browser: Browser) -> None:
    async with on_stage(browser) as stage:
        events = stage.console.events
        events.add("warning", "the camera is slow")
        page = await stage.open()
        events.add("error", "the camera is gone")
        events.add("info", "<b>osc</b>: mirror on")
        lines = page.locator("#log li:visible")
        await expect(lines).to_have_count(3, timeout=PATIENCE_MS)
        await expect(lines.nth(2)).to_contain_text("<b>osc</b>: mirror on")
        await page.get_by_role("radio", name="warnings").click()
        await expect(lines).to_have_count(2)
        await page.locator("#log-words").fill("GONE")
        await expect(lines).to_have_count(1)
        await expect(lines).to_contain_text("the camera is gone")


async def test_no_more_than_the_newest_events_are_kept(browser: Browser) -> None:
    async with on_stage(browser) as stage:
        page = await stage.open(viewport=DESK)
        await page.evaluate(
            """() => import("./console/static/log.js").then(({ Log }) => {
              const log = new Log();
              const event = { at: "2026-01-01T20:00:00Z", level: "info" };
              for (let at = 0; at < 500; at += 1) log.take({ ...event, text: `n ${at}` });
            })"""
        )
        await expect(page.locator("#log li")).to_have_count(200)
        await expect(page.locator("#log li").last).to_contain_text("n 499")
