"""What a page that is not ours shows in its `<video id="picture">`."""

from __future__ import annotations

import asyncio

import numpy as np
from numpy.typing import NDArray
from playwright.async_api import Page

from tests.live.stream.pattern import Performance, pattern, psnr_db, read_number
from tests.live.stream.viewing import grab

PAGE = '<video id="picture" autoplay muted playsinline></video>'

_PAINTED = """() => new Promise((done) => {
  document.getElementById("picture").requestVideoFrameCallback(done);
})"""


async def shown(page: Page, count: int, timeout_s: float = 20.0) -> list[NDArray[np.uint8]]:
    """`count` pictures of the pattern that differ, RGB uint8 (H, W, 3), in the order they came."""
    found: list[NDArray[np.uint8]] = []
    async with asyncio.timeout(timeout_s):
        while len(found) < count:
            await page.evaluate(_PAINTED)
            seen = await grab(page)
            if seen.max() < 8:  # a player that has just begun: nothing of ours is that black
                continue
            if not found or read_number(seen) != read_number(found[-1]):
                found.append(seen)
    return found


def assert_they_show(seen: list[NDArray[np.uint8]], show: Performance) -> None:
    """They are the show's pictures, each once, in order."""
    numbers = [read_number(picture) for picture in seen]
    assert numbers == sorted(set(numbers)), "each picture once, in order"
    assert numbers[-1] <= show.published
    for number, picture in zip(numbers, seen, strict=True):
        found_db = psnr_db(pattern(number), picture)
        assert found_db > 27, (number, found_db)
