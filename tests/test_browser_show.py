"""The main job, as the audience has it: the demo in a real browser."""

from __future__ import annotations

import asyncio
import base64
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.async_api import Browser, Page
from skimage.metrics import peak_signal_noise_ratio

from live.frames import Image
from live.options import DEMO
from live.sources.file import read_through
from tests.rooms import marked_room
from tests.test_run_live import address, running

PLAYING = "body[data-state=playing]"
READ_PICTURE = """() => {
    const video = document.querySelector('video');
    const canvas = document.createElement('canvas');
    canvas.width = video.videoWidth; canvas.height = video.videoHeight;
    canvas.getContext('2d').drawImage(video, 0, 0);
    return canvas.toDataURL('image/png');
}"""


async def shown(page: Page) -> Image:
    """The picture that the page shows now: RGB uint8 (H, W, 3)."""
    url = await page.evaluate(READ_PICTURE)
    data = np.frombuffer(base64.b64decode(url.split(",")[1]), np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert picture is not None
    return np.asarray(picture[:, :, ::-1], np.uint8)


def changed(a: Image, b: Image) -> float:
    """Share of the pixels that differ by more than a codec's noise."""
    return float((np.abs(a.astype(int) - b.astype(int)).max(axis=2) > 30).mean())


@pytest.mark.slow
async def test_the_demo_dances_in_a_browser(browser: Browser, pictures: Path) -> None:
    plate = marked_room()
    camera = next(read_through(DEMO / "performer.mp4")).image[:, :, ::-1]
    with running("--demo", "--port", 0) as show:
        page = await browser.new_page(viewport={"width": 900, "height": 700})
        await page.goto(await asyncio.to_thread(address, show))
        await page.wait_for_selector(PLAYING, timeout=30_000)
        seen: list[Image] = []
        for _ in range(12):
            seen.append(await shown(page))
            await asyncio.sleep(0.5)
        await page.screenshot(path=pictures / "demo-in-browser.png")
        frames = await page.evaluate("document.querySelector('video').getVideoPlaybackQuality()"
                                     ".totalVideoFrames")  # fmt: skip
        await page.close()
    assert frames > 30, "frames decode"
    assert seen[0].shape == plate.shape
    moved = [changed(a, b) for a, b in pairwise(seen)]
    assert max(moved) > 0.002, "the picture moves"
    border = np.ones(plate.shape[:2], bool)
    border[40:-40, 40:-40] = False  # the figure hardly ever gets there
    scaled = cv2.resize(np.ascontiguousarray(camera), plate.shape[1::-1])
    for picture in seen:
        room = float(peak_signal_noise_ratio(plate[border], picture[border]))
        leak = float(peak_signal_noise_ratio(scaled[border], picture[border]))
        assert room > 28, "it is the subject's room"
        assert leak < room - 6, "and not the performer's"
    figure = [changed(picture, plate) for picture in seen]
    assert min(figure) > 0.01, "somebody is in it, all the time"
