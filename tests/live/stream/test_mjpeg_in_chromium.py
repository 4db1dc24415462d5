"""The preview as a browser shows it: headless Chromium."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Browser

from live.frames import Image
from live.stream.preview_settings import PreviewSettings
from tests.live.stream.pattern import pattern, psnr_db, read_number
from tests.live.stream.preview_stage import decoded, staged, until

SIZE = "document.getElementById('picture').naturalWidth"


async def test_chromium_shows_it_and_it_moves(browser: Browser, pictures: Path) -> None:
    def draw(number: int) -> Image:
        return pattern(number, (360, 640))

    async with staged(PreviewSettings()) as stage, stage.playing(fps=30, draw=draw):
        page = await browser.new_page(viewport={"width": 640, "height": 360})
        await page.goto(stage.url + "wall", wait_until="commit")
        await page.wait_for_function(f"{SIZE} === 640")
        shots = []
        for index in range(2):
            shots.append(await page.screenshot(path=pictures / f"preview-{index}.png"))
            await page.wait_for_timeout(300)
        first, second = (decoded(shot) for shot in shots)
        assert read_number(first) != read_number(second)
        assert psnr_db(draw(read_number(second)), second) > 25
        await page.close()
        await until(lambda: len(stage.preview) == 0)


async def test_chromium_shows_a_picture_that_no_other_follows(browser: Browser) -> None:
    async with staged() as stage:
        page = await browser.new_page(viewport={"width": 256, "height": 256})
        stage.show()
        await page.goto(stage.url + "wall", wait_until="commit")
        await page.wait_for_function(f"{SIZE} === 256")
        stage.show()
        await page.wait_for_timeout(500)
        assert read_number(decoded(await page.screenshot())) == 1, "no picture behind"
        stage.pictures.close()
        await until(lambda: len(stage.preview) == 0)
        await page.wait_for_timeout(300)
        assert read_number(decoded(await page.screenshot())) == 1, "the last picture stays"


async def test_chromium_shows_the_stream_as_a_page_of_its_own(browser: Browser) -> None:
    async with staged() as stage, stage.playing(fps=30):
        page = await browser.new_page(viewport={"width": 256, "height": 256})
        await page.goto(stage.url + "preview.mjpg", wait_until="commit")
        await page.wait_for_function("document.images[0]?.naturalWidth === 256")
        await page.wait_for_timeout(300)
        assert read_number(decoded(await page.screenshot())) > 0
        await page.close()
