"""An operator in headless Chromium, at a console whose show is played."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from playwright.async_api import Browser, BrowserContext, Locator, Page, ViewportSize

from live.desk.desk import Change
from tests.live.desk.console_server import Console, serving

PATIENCE_MS = 20_000
"""For what takes a moment, on however busy a machine."""

DESK = {"width": 1920, "height": 1080}
TABLET = {"width": 1024, "height": 768}
UPRIGHT = {"width": 768, "height": 1024}


@dataclass
class Stage:
    """A console's server, the pages that are open at it, and what they do wrong."""

    console: Console
    browser: Browser
    changes: list[Change] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    expected: str = "\0"  # part of what the browser may say of a line that a test has cut

    @property
    def done(self) -> list[str]:
        """The actions so far."""
        return [one.done for one in self.changes if one.done]

    def allow(self, can: Callable[[str], bool]) -> None:
        """Which actions this show can do, from the next hello on."""
        object.__setattr__(self.console.parts, "can", can)

    async def open(
        self, url: str = "", viewport: dict[str, int] = DESK, touch: bool = False
    ) -> Page:
        """A page in a browser of its own, once it is live."""
        context = await self.browser.new_context(
            viewport=ViewportSize(width=viewport["width"], height=viewport["height"]),
            has_touch=touch,
        )
        page = await self.visit(context, url or self.console.url)
        await live(page)
        return page

    async def visit(self, context: BrowserContext, url: str) -> Page:
        """One more page, that may be refused."""
        page = await context.new_page()
        page.on("pageerror", lambda error: self.troubles.append(f"an error: {error}"))
        page.on("console", lambda line: self._hear(line.type, line.text))
        page.on("request", lambda one: self._see(one.url))
        await page.goto(url)
        return page

    def _hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and self.expected not in text:
            self.troubles.append(f"{kind}: {text}")

    def _see(self, asked: str) -> None:
        # From the machine itself, or by its address in the network.
        if f":{self.console.server.port}/" not in asked:
            self.troubles.append(f"a third party was asked: {asked}")


@contextlib.asynccontextmanager
async def on_stage(browser: Browser, **how: object) -> AsyncIterator[Stage]:
    """A console with nobody at it; in the end nothing may have gone wrong in its pages."""
    with serving(**how) as console:  # type: ignore[arg-type]
        stage = Stage(console, browser)
        console.desk.listen(stage.changes.append)
        yield stage
        assert stage.troubles == []


async def live(page: Page) -> None:
    """Wait until the page has the show's word."""
    await page.locator("body[data-state=live]").wait_for(timeout=PATIENCE_MS)


async def until(true: Callable[[], object], what: str = "") -> None:
    """Wait until something is true here."""
    for _ in range(PATIENCE_MS // 20):
        if true():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"never true: {what or true}")


async def until_it_is(console: Console, name: str, value: object) -> None:
    """Wait until the desk holds that."""
    with contextlib.suppress(AssertionError):
        await until(lambda: console.desk.kept().get(name, console.desk.value(name)) == value)
    assert console.desk.value(name) == value, name


async def until_it_is_not(console: Console, name: str, value: object) -> None:
    """Wait until the desk holds another value."""
    await until(lambda: console.desk.value(name) != value, name)


async def until_done(stage: Stage, name: str) -> None:
    """Wait until that action was done."""
    await until(lambda: name in stage.done, name)


def control(page: Page, name: str) -> Locator:
    """The control of that entry of the table."""
    return page.locator(f'[data-name="{name}"]')


async def drag(page: Page, what: Locator, right: float, down: float = 0.0) -> None:
    """From its middle, in steps, as a hand does."""
    box = await what.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    await page.mouse.move(x, y)
    await page.mouse.down()
    await page.mouse.move(x + right, y + down, steps=6)
    await page.mouse.up()
