"""A whole evening at the desk: the real show, the console in a real browser, OSC, cues, a crash."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest
from playwright.async_api import Browser, Page
from pythonosc.udp_client import SimpleUDPClient

from live.options import DEMO
from tests.rooms import marked_room
from tests.test_run_live import running
from tests.tiny_subject import write_tiny_subject

CUES = """\
[presets.dusk]
background = "colour"
"background.colour" = "#203040"

[[cues]]
name = "Dusk"
preset = "dusk"

[[cues]]
name = "Alone"
set = { "figure.opacity" = 0.0, background = "plate" }
fade_s = 0.5
"""


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def eventually(true: Callable[[], Awaitable[bool]], what: str, timeout_s: float = 40) -> None:
    """Until it is so; a busy machine takes its time."""
    for _ in range(round(timeout_s / 0.2)):
        if await true():
            return
        await asyncio.sleep(0.2)
    raise AssertionError(f"never came true: {what}")


class Api:
    """Another operator, who types JSON."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self.hello: dict[str, Any] = {}
        self._number = 0

    async def greet(self, key: str) -> None:
        await self._socket.send_json({"token": key})
        self.hello = (await self._socket.receive_json(timeout=20))["hello"]

    async def order(self, **order: object) -> str:
        """What the show answers: "ok", or its sentence."""
        self._number += 1
        await self._socket.send_json({**order, "id": self._number})
        while True:
            said = await self._socket.receive_json(timeout=20)
            if said.get("ok") == self._number:
                return "ok"
            if said.get("id") == self._number and "error" in said:
                return str(said["error"])


@dataclass(frozen=True)
class Doors:
    """Where a show is, as it printed it."""

    url: str
    key: str  # the operator's

    async def values(self, session: aiohttp.ClientSession) -> dict[str, Any]:
        """What is set, as one who has just come in is told."""
        async with session.ws_connect(self.url + "console/socket") as socket:
            api = Api(socket)
            await api.greet(self.key)
            return dict(api.hello["values"])


def doors(process: subprocess.Popen[str]) -> Doors:
    """Read from the operator's link, once the show runs."""
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if found := re.search(r"(http://[\d.]+:\d+/)console#(\S+)", line):
            return Doors(*found.groups())
    raise AssertionError(f"no link was printed, only:\n{seen}")


async def shown(session: aiohttp.ClientSession, url: str) -> np.ndarray:
    """What the audience sees: RGB of the preview's still."""
    import cv2

    async with session.get(url + "preview.jpg") as still:
        data = np.frombuffer(await still.read(), np.uint8)
    bgr = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert bgr is not None
    return bgr[:, :, ::-1].astype(np.float64)


def corner(picture: np.ndarray) -> np.ndarray:
    """Mean colour of the upper left corner, where nobody stands and no mark is."""
    return np.asarray(picture[:40, :40].reshape(-1, 3).mean(0))


async def watched(page: Page, errors: list[str], at: Doors) -> None:
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    await page.goto(f"{at.url}console#{at.key}")
    await page.locator("body[data-state=live]").wait_for(timeout=40_000)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
async def test_an_evening_at_the_desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, browser: Browser
) -> None:
    monkeypatch.setitem(os.environ, "UNDERSTUDY_STATE", str(tmp_path / "home"))
    cues = tmp_path / "show.toml"
    cues.write_text(CUES)
    subjects = tmp_path / "cast"
    subjects.mkdir()
    manifest = write_tiny_subject(subjects / "tiny") / "subject.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "consent": None}))
    osc, state = free_udp_port(), tmp_path / "state.json"
    how = (
        "--demo", "--no-open", "--cues", cues, "--subjects", subjects, "--osc", osc,
        "--state", state, "--takes", tmp_path / "takes", "--tokens", tmp_path / "tokens.json",
    )  # fmt: skip
    errors: list[str] = []
    async with aiohttp.ClientSession() as session:
        with running(*how, "--port", 0) as show:
            show_doors = await asyncio.to_thread(doors, show)
            url = show_doors.url
            port = int(url.rsplit(":", 1)[1].strip("/"))
            page = await browser.new_page(viewport={"width": 1920, "height": 1080})
            await watched(page, errors, show_doors)
            async with session.ws_connect(url + "console/socket") as socket:
                api = Api(socket)
                await api.greet(show_doors.key)
                await at_the_desk(api, page, session, show_doors, osc)
            assert await asyncio.to_thread(os.path.exists, state)
            await asyncio.sleep(1.5)  # what was set last is kept within a second
            show.send_signal(signal.SIGKILL)
            await asyncio.to_thread(show.wait)
        assert errors == []
        with running(*how, "--port", port) as show:  # the page is still open
            assert await asyncio.to_thread(doors, show) == show_doors
            await page.locator("body[data-state=live]").wait_for(timeout=60_000)
            found = await show_doors.values(session)
            assert found["mirror"] is True and found["cue"] == "2 Alone"
            assert found["figure.opacity"] == 0.0 and found["subject"] == "tiny"
            assert (await shown(session, url)).shape[:2] == (128, 128), "nobody else came first"
            show.send_signal(signal.SIGINT)
            output, _ = await asyncio.to_thread(show.communicate, timeout=60)
            assert show.returncode == 0, output
    await page.close()


async def at_the_desk(
    api: Api, page: Page, session: aiohttp.ClientSession, at: Doors, osc: int
) -> None:
    """Panic, cues, OSC, a take, a swap; each seen where the audience would see it."""
    url = at.url
    room = corner(marked_room().astype(np.float64))

    async def is_room() -> bool:
        return bool(np.abs(corner(await shown(session, url)) - room).max() < 12)

    async def is_dusk() -> bool:
        return bool(np.abs(corner(await shown(session, url)) - (0x20, 0x30, 0x40)).max() < 12)

    await eventually(is_room, "the room is shown")
    await page.keyboard.press("Space")  # GO
    await eventually(is_dusk, "the first cue's colour is shown")
    desk = SimpleUDPClient("127.0.0.1", osc)
    with desk:
        desk.send_message("/understudy/mirror", 1)

    async def mirrored() -> bool:
        return (await at.values(session))["mirror"] is True

    await eventually(mirrored, "OSC has set the mirror")
    await page.keyboard.press("Escape")  # panic
    assert (await at.values(session))["panic"] is True
    assert await api.order(do="resume", **{"with": []}) == "ok"
    assert await api.order(do="go", **{"with": []}) == "ok"
    await eventually(is_room, "the second cue's plate is shown")
    assert "give" in await api.order(set={"master": 7})
    assert await api.order(set={"record": True}) == "ok"

    async def recording() -> bool:
        return bool((await at.values(session))["recording"])

    await eventually(recording, "a take is written")
    assert await api.order(set={"record": False}) == "ok"
    refused = await api.order(set={"subject": "tiny"})
    assert "no consent record" in refused, refused
    assert (
        await api.order(
            acknowledge={"subject": "tiny", "words": "Nobody, 2026-01-01, made of noise for a test"}
        )
        == "ok"
    )
    assert await api.order(set={"subject": "tiny", "subject.fade": 0.2}) == "ok"

    async def swapped() -> bool:
        return (await shown(session, url)).shape[:2] == (128, 128)

    await eventually(swapped, "the other subject is on, at its own size")
    assert await api.order(set={"subject": "The understudy"}) == "ok"
    await eventually(is_room, "she is back")
    assert await api.order(set={"subject": "tiny"}) == "ok"
    await eventually(swapped, "the other subject is on again")
    assert json.dumps(await at.values(session))  # plain data, all of it
    assert (DEMO / "performer.json").exists()
