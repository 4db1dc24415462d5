"""An audience in headless Chromium: pages that note what they should not do, and what they show."""

from __future__ import annotations

import base64

import cv2
import numpy as np
from numpy.typing import NDArray
from playwright.async_api import Browser, BrowserContext, Page, expect

PATIENCE_MS = 20_000
"""For what takes a moment, on however busy a machine."""

GRAB = """async () => {
  const video = document.getElementById("picture");
  for (let turn = 0; turn < 1000 && video.readyState < video.HAVE_CURRENT_DATA; turn += 1) {
    await new Promise((done) => setTimeout(done, 20));
  }
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d").drawImage(video, 0, 0);
  return canvas.toDataURL("image/png");
}"""
"""What the page shows, off the very element that shows it."""


class Audience:
    """Opens pages, and collects in `troubles` what they do wrong. A fixture asserts it is empty."""

    def __init__(self, browser: Browser) -> None:
        self.troubles: list[str] = []
        self._browser = browser

    async def enter(self, url: str, script: str = "", **how: object) -> Page:
        """A page at `url`, of a browser of its own; `script` runs in it before its own do."""
        context = await self._browser.new_context(**how)  # type: ignore[arg-type]
        if script:
            await context.add_init_script(script)
        return await self.sit_down(context, url)

    async def sit_down(self, context: BrowserContext, url: str) -> Page:
        """One more page at `url`, in a browser that is open."""
        page = await context.new_page()
        page.on("pageerror", lambda error: self.troubles.append(f"an error: {error}"))
        page.on("console", lambda line: self.troubles.extend(_against_the_policy(line.text)))
        page.on("request", lambda one: self.troubles.extend(_not_ours(one.url, url)))
        await page.goto(url)
        return page


def _not_ours(asked: str, url: str) -> list[str]:
    return [] if asked.startswith((url, "data:")) else [f"a third party was asked: {asked}"]


def _against_the_policy(line: str) -> list[str]:
    return [line] if "Content Security Policy" in line else []


async def state(page: Page, wanted: str) -> None:
    """Wait until the page is "playing", "waiting" or "stopped"."""
    await page.locator(f"body[data-state={wanted}]").wait_for(timeout=PATIENCE_MS)


async def says(page: Page, words: str) -> None:
    """Wait until the page says so, and check that it shows it."""
    await expect(page.locator("#words")).to_have_text(words, timeout=PATIENCE_MS)
    await expect(page.locator("#notice")).to_have_css("opacity", "1", timeout=PATIENCE_MS)


async def until(page: Page, expression: str) -> None:
    """Wait until an expression is true. Playwright's own way needs eval, which pages forbid."""
    for _ in range(PATIENCE_MS // 50):
        if await page.evaluate(expression):
            return
        await page.wait_for_timeout(50)
    raise AssertionError(f"never true in the page: {expression}")


async def grab(page: Page) -> NDArray[np.uint8]:
    """The picture in the page, RGB uint8 (H, W, 3)."""
    address: str = await page.evaluate(GRAB)
    return _decoded(base64.b64decode(address.split(",")[1]))


async def screen(page: Page) -> NDArray[np.uint8]:
    """The whole page as it is seen, RGB uint8 (H, W, 3)."""
    return _decoded(await page.screenshot())


def _decoded(data: bytes) -> NDArray[np.uint8]:
    seen = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert seen is not None
    return np.asarray(cv2.cvtColor(seen, cv2.COLOR_BGR2RGB), np.uint8)
