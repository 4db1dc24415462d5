"""The show is killed under its supervisor, and the page that watches shows it again by itself."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from tests.live.stream.viewing import Audience, state

ROOT = Path(__file__).resolve().parent.parent

WATCH = """
  window.shown = [];
  addEventListener("DOMContentLoaded", () => {
    const video = document.getElementById("picture");
    const note = () => {
      window.shown.push([Date.now(), video.srcObject?.id]);
      video.requestVideoFrameCallback(note);
    };
    video.requestVideoFrameCallback(note);
  });
"""
"""Notes when the page showed each picture, Unix milliseconds, and of which stream."""


@contextmanager
def supervised(log: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [
        sys.executable, "-m", "live.supervise", "--", "run_live.py", "--demo", "--no-open",
        "--port", "0",
    ]  # fmt: skip
    with open(log, "wb") as written:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=written, stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "DISPLAY": ""},
        )  # fmt: skip
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


async def found(log: Path, pattern: str, times: int = 1) -> list[str]:
    """What `pattern` found in the log, once it is there so often."""
    for _ in range(600):
        matches = re.findall(pattern, log.read_text(encoding="utf-8", errors="replace"))
        if len(matches) >= times:
            return matches
        await asyncio.sleep(0.1)
    raise AssertionError(log.read_text(encoding="utf-8", errors="replace"))


def child_of(pid: int) -> int:
    """The one process that `pid` started."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        if fields[1] == str(pid) and fields[0] != "Z":
            return int(folder.name)
    raise AssertionError(f"{pid} has started nothing")


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for the process in /proc")
async def test_a_killed_show_is_back_in_the_same_page(browser: Browser, tmp_path: Path) -> None:
    log = tmp_path / "log"
    audience = Audience(browser)
    with supervised(log) as supervisor:
        [url] = await found(log, r"Open (http://[\d.]+:\d+/\S*)")
        page = await audience.enter(url, WATCH)
        await state(page, "playing")
        await page.wait_for_timeout(2000)
        for kill in (1, 2):
            watched = await page.evaluate("document.getElementById('picture').srcObject.id")
            killed_ms = time.time() * 1e3
            await page.evaluate("window.shown.length = 0")
            os.kill(child_of(supervisor.pid), signal.SIGKILL)
            await found(log, r"Open http", times=kill + 1)
            ready_ms = time.time() * 1e3
            back_ms = await first_of_another(page, watched)
            print(
                f"\nkilled at 0; the show is on after {(ready_ms - killed_ms) / 1e3:.1f} s, "
                f"a new picture in the page after {(back_ms - killed_ms) / 1e3:.1f} s"
            )
            await state(page, "playing")
            await page.wait_for_timeout(1000)
    assert audience.troubles == []
    assert "was killed by SIGKILL" in log.read_text(encoding="utf-8", errors="replace")


async def first_of_another(page: Page, stream: str) -> float:
    """When the page first showed a picture of another stream than `stream`; 20 s from now at
    the latest."""
    for _ in range(400):
        shown: float | None = await page.evaluate(
            "(old) => window.shown.find(([, id]) => id && id !== old)?.[0] ?? null", stream
        )
        if shown is not None:
            return shown
        await page.wait_for_timeout(50)
    raise AssertionError("no new picture within 20 s")
