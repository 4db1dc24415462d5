"""The sound in a real browser: it is heard, and the picture does not wait for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, Page

from live.stream.hub import Hub
from live.stream.server import ServerSettings, ShowServer
from live.stream.sound import Sound
from live.stream.sound_source import ScriptedSound
from tests.live.stream.pattern import Performance
from tests.live.stream.sounds import clicks

WATCH = """async (listen) => {
  const connection = new RTCPeerConnection();
  const kinds = listen ? ["video", "audio"] : ["video"];
  const receivers = kinds.map(
    (kind) => connection.addTransceiver(kind, { direction: "recvonly" }).receiver);
  const video = document.createElement("video");
  video.muted = !listen; // what is muted has no energy
  // As plain players do it: whoever comes last is shown.
  connection.ontrack = (event) => { video.srcObject = event.streams[0]; };
  document.body.append(video);
  await connection.setLocalDescription();
  const headers = { "Content-Type": "application/sdp" };
  const body = connection.localDescription.sdp;
  const got = await fetch("/whep", { method: "POST", headers, body });
  const answer = await got.text();
  if (!got.ok) throw new Error(answer);
  await connection.setRemoteDescription({ type: "answer", sdp: answer });
  video.play();
  const inbound = async (receiver) =>
    [...(await receiver.getStats()).values()].find((one) => one.type === "inbound-rtp");
  const after = async (receiver, count) => {
    for (;;) {
      const now = await inbound(receiver);
      if (now && now.jitterBufferEmittedCount >= count) return now;
      await new Promise((done) => setTimeout(done, 100));
    }
  };
  const held_ms = (one, other) => 1000 * (other.jitterBufferDelay - one.jitterBufferDelay)
    / (other.jitterBufferEmittedCount - one.jitterBufferEmittedCount);
  const measured = async (receiver, skip, count) => {
    const one = await after(receiver, skip);
    const other = await after(receiver, one.jitterBufferEmittedCount + count);
    return { held_ms: held_ms(one, other), energy: other.totalAudioEnergy,
             lost: other.packetsLost };
  };
  const [seen, heard] = await Promise.all([
    measured(receivers[0], 60, 90), listen ? measured(receivers[1], 96000, 144000) : null]);
  const shown = video.srcObject.getTracks().map((one) => one.kind).sort();
  connection.close();
  return { seen, heard, shown };
}"""


def empty_page(app: web.Application) -> None:
    async def page(request: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>A test</title>", content_type="text/html")

    app.router.add_get("/empty", page)


@pytest_asyncio.fixture
async def page(hub: Hub, browser: Browser) -> AsyncIterator[Page]:
    """A page of a show that clicks."""
    with (
        Sound(ScriptedSound(clicks), lambda: 0.1) as sound,
        ShowServer(ServerSettings(port=0), hub, dict, sound, [empty_page]) as server,
        Performance(hub),
    ):
        page = await browser.new_page()
        await page.goto(server.url + "empty")
        yield page
        await page.close()


async def watch(page: Page, listen: bool) -> dict[str, Any]:
    await page.mouse.click(5, 5)  # else no page may make a sound
    found: dict[str, Any] = await page.evaluate(WATCH, listen)
    print("with sound:" if listen else "without:", found)
    return found


async def test_chromium_hears_it_and_its_picture_does_not_wait(page: Page) -> None:
    without = await watch(page, listen=False)
    with_sound = await watch(page, listen=True)
    assert without["shown"] == ["video"]
    assert with_sound["shown"] == ["audio", "video"]
    assert with_sound["heard"]["energy"] > 0.01
    # Together, Chromium would hold the picture to meet the sound's jitter buffer.
    assert with_sound["seen"]["held_ms"] < with_sound["heard"]["held_ms"] / 2
