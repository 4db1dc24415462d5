"""One run of the glass benchmark: a server, a hub and a page of its own, watched for a while."""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
from playwright.async_api import Browser, Page, async_playwright
from playwright.async_api import Error as PageError

from benchmarks.glass_figures import Glass, glass, match, recoveries
from benchmarks.glass_source import Performance, Source
from benchmarks.lossy import Line, Weather, over
from benchmarks.stock_webrtc import Stock
from benchmarks.timecode import BITS, ROWS
from live.errors import SetupError, UnderstudyError
from live.stream.encoder import EncoderSettings
from live.stream.hub import Hub
from live.stream.server import ServerSettings, ShowServer
from tests.conftest import CHROMIUM_FLAGS

BLACKOUT_S = 1.0
BLACKOUT_GAP_S = 1.5
"""From one blackout's end to the next one's beginning, seconds."""

BLACKOUT_LEAST_S = 0.5 + BLACKOUT_S + 1.0
"""The shortest window that has one, with a second after it."""

DRAIN_S = 0.4
"""After the window: pictures that were handed over in it are still on their way."""

FIRST_PICTURE_S = 15.0

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Case:
    """What one run is about."""

    name: str  # "ours", "stock-vp8" or "stock-h264"
    fps: float
    size: tuple[int, int]  # (height, width), pixels
    weather: Weather
    blackout: bool = False

    @property
    def condition(self) -> str:
        """What is the same for all that are compared, in words."""
        weather = self.weather
        parts = [f"{self.size[1]}x{self.size[0]}@{self.fps:g}"]
        parts += [f"loss {weather.loss:.0%}"] if weather.loss else []
        parts += ["stalls"] if weather.stall_s else []
        parts += ["reorder"] if weather.reorder else []
        parts += ["blackout"] if self.blackout else []
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Options:
    """How each run goes."""

    seconds: float = 5.0  # measured, of each run
    warm_up_s: float = 1.5  # not measured: the encoder finds its rate, the browser its delay
    work_ms: float = 10.0  # from capture to frame ready
    by_display: bool = False  # look at each of the display's frames, not at each new picture

    def __post_init__(self) -> None:
        if not 1 <= self.seconds <= 3600:
            raise SetupError(f"--seconds is {self.seconds}; measure 1 to 3600, such as 10")
        if not 0 <= self.work_ms <= 15:
            raise SetupError(f"--work-ms is {self.work_ms}; give 0 to 15, so that 60 fps is kept")


@dataclass(frozen=True, slots=True)
class Run:
    """One run and what it showed."""

    case: Case
    glass: Glass
    before: Mapping[str, Any]  # getStats' inbound-rtp at the window's ends
    after: Mapping[str, Any]
    seconds: float
    recovery_s: tuple[float | None, ...]
    clock_error_ms: float  # half the shortest round trip of the calibration

    def gained(self, name: str) -> float:
        """How much a counter of getStats rose in the window."""
        return float(self.after.get(name, 0) - self.before.get(name, 0))


async def measure(todo: Sequence[Case], options: Options) -> list[Run]:
    """Each case in turn, in one browser. Raises `UnderstudyError`."""
    async with AsyncExitStack() as stack:
        playwright = await stack.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(
            executable_path=_chromium(), args=list(CHROMIUM_FLAGS)
        )
        stack.push_async_callback(browser.close)
        runs = []
        for case in todo:
            runs.append(await _run(browser, case, options))
            print(f"{len(runs)}/{len(todo)} {case.condition}: {case.name}", file=sys.stderr)
        return runs


def _chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise SetupError("there is no Chromium; on Debian: sudo apt-get install chromium")


async def _run(browser: Browser, case: Case, options: Options) -> Run:
    """One case, on a server, a hub and a page of its own."""
    source = Source(case.size, case.fps, options.work_ms / 1e3)
    line = Line(case.weather)
    with ExitStack() as stack:
        hub = Hub(EncoderSettings(fps=case.fps))
        stack.callback(hub.close)
        stack.enter_context(over(line))
        stock = Stock(source)
        server = ShowServer(ServerSettings(port=0), hub, dict, more=[stock.add, _add_page])
        stack.enter_context(server)
        if case.name == "ours":
            stack.enter_context(Performance(hub, source))
        page = await browser.new_page()
        try:
            await page.goto(f"{server.url}glass")
            return await _watch(page, case, options, source, line)
        finally:
            await page.close()


async def _watch(page: Page, case: Case, options: Options, source: Source, line: Line) -> Run:
    offset_s, error_s = await calibrate(page)
    look = "followDisplay" if options.by_display else "follow"
    await page.evaluate(f"{look}({BITS}, {ROWS / case.size[0]})")
    whose, _, codec = case.name.partition("-")
    call = "watchOurs()" if whose == "ours" else f"watchStock('{codec.upper()}')"
    await page.evaluate(call)
    try:
        await page.wait_for_function("shown.length > 0", timeout=FIRST_PICTURE_S * 1e3)
    except PageError as error:
        raise UnderstudyError(f"{case.name} showed no picture ({error})") from error
    await asyncio.sleep(options.warm_up_s)
    await page.evaluate("take()")
    before = await page.evaluate("statistics()")
    from_s = time.monotonic()
    ends_s = _black_out(line, from_s, options.seconds) if case.blackout else []
    await asyncio.sleep(options.seconds)
    until_s = time.monotonic()
    after = await page.evaluate("statistics()")
    await asyncio.sleep(DRAIN_S)
    noted = await page.evaluate("take()")
    shown, unread = match(noted, dict(source.moments), offset_s)
    seen = glass(shown, unread, dict(source.moments), (from_s, until_s))
    recovery_s = tuple(recoveries(shown, ends_s))
    return Run(case, seen, before, after, until_s - from_s, recovery_s, error_s * 1e3)


def _black_out(line: Line, from_s: float, seconds: float) -> list[float]:
    """Blackouts all through the window, the last with a second after it; their ends."""
    ends_s = []
    begin_s = from_s + 0.5
    while begin_s + BLACKOUT_S + 1.0 <= from_s + seconds:
        ends_s.append(begin_s + BLACKOUT_S)
        line.black_out(begin_s, ends_s[-1])
        begin_s = ends_s[-1] + BLACKOUT_GAP_S
    return ends_s


async def calibrate(page: Page, trips: int = 60) -> tuple[float, float]:
    """(this process's monotonic clock minus the page's, how wrong that may be), seconds.

    Of many round trips the shortest: the page looked at its clock somewhere within it.
    """
    best_s, offset_s = float("inf"), 0.0
    for _ in range(trips):
        sent_s = time.monotonic()
        page_s = await page.evaluate("performance.now()") / 1e3
        trip_s = time.monotonic() - sent_s
        if trip_s < best_s:
            best_s, offset_s = trip_s, sent_s + trip_s / 2 - page_s
    return offset_s, best_s / 2


def _add_page(app: web.Application) -> None:
    files = {"glass": "glass_page.html", "glass_page.js": "glass_page.js"}
    for route, name in files.items():
        app.router.add_get(f"/{route}", _serve(_HERE / name))


def _serve(path: Path) -> Handler:
    kind = "text/html" if path.suffix == ".html" else "text/javascript"

    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=path.read_bytes(), content_type=kind, charset="utf-8")

    return handler
