"""The header extensions in force in a real browser: ours beside stock aiortc in one run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiortc import RTCPeerConnection, RTCSessionDescription, VideoStreamTrack
from av import VideoFrame
from playwright.async_api import Browser, Page

from live.frames import Picture
from live.stream.hub import Hub
from live.stream.hub_counts import Published
from live.stream.rtp_extensions import ABS_CAPTURE_TIME, PLAYOUT_DELAY
from live.stream.viewers import ViewerLimits, Viewers
from live.stream.whep import add_whep
from tests.live.stream.pattern import Performance, pattern

WATCH = """async (path) => {
  const connection = new RTCPeerConnection();
  const transceiver = connection.addTransceiver("video", { direction: "recvonly" });
  const { receiver } = transceiver;
  // Chromium knows abs-capture-time, and offers it where the page asks for it.
  const extensions = transceiver.getHeaderExtensionsToNegotiate();
  for (const one of extensions) {
    if (one.uri.endsWith("/abs-capture-time")) one.direction = "sendrecv";
  }
  transceiver.setHeaderExtensionsToNegotiate(extensions);
  const video = document.createElement("video");
  video.muted = true;
  video.srcObject = new MediaStream([receiver.track]);
  document.body.append(video);
  video.play();
  await connection.setLocalDescription();
  const headers = { "Content-Type": "application/sdp" };
  const body = connection.localDescription.sdp;
  const got = await fetch(path, { method: "POST", headers, body });
  const answer = await got.text();
  if (!got.ok) throw new Error(answer);
  await connection.setRemoteDescription({ type: "answer", sdp: answer });
  const emitted = async (count) => {
    for (;;) {
      for (const one of (await receiver.getStats()).values()) {
        if (one.type === "inbound-rtp" && one.jitterBufferEmittedCount >= count) return one;
      }
      await new Promise((done) => setTimeout(done, 100));
    }
  };
  const before = await emitted(30);
  const after = await emitted(before.jitterBufferEmittedCount + 60);
  const frames = after.jitterBufferEmittedCount - before.jitterBufferEmittedCount;
  const [source] = receiver.getSynchronizationSources();
  const found = {
    answer,
    delay_ms: 1000 * (after.jitterBufferDelay - before.jitterBufferDelay) / frames,
    captured_ms: source.captureTimestamp ?? null, // since 1900
    shown_ms: source.timestamp, // since 1970
  };
  connection.close();
  return found;
}"""


class Stock(VideoStreamTrack):
    """The same pictures as aiortc's own track would send them."""

    async def recv(self) -> VideoFrame:
        ticks, time_base = await self.next_timestamp()
        frame = VideoFrame.from_ndarray(pattern(ticks // 3000), format="rgb24")
        frame.pts, frame.time_base = ticks, time_base
        return frame


LATE_S = 0.5
SECONDS_1900_TO_1970 = 2_208_988_800


class Late:
    """A hub whose pictures were captured half a second before they are published."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def publish(self, picture: Picture) -> Published:
        return self._hub.publish(replace(picture, captured_s=picture.captured_s - LATE_S))


@dataclass(frozen=True, slots=True)
class House:
    """Ours under /whep, stock aiortc under /stock, and an empty page."""

    url: str


@pytest_asyncio.fixture
async def house(hub: Hub) -> AsyncIterator[House]:
    app = web.Application()
    viewers = Viewers(hub, ViewerLimits())
    connections: list[RTCPeerConnection] = []

    async def stock(request: web.Request) -> web.Response:
        connection = RTCPeerConnection()
        connections.append(connection)
        connection.addTrack(Stock())
        offer = RTCSessionDescription(await request.text(), "offer")
        await connection.setRemoteDescription(offer)
        await connection.setLocalDescription()
        return web.Response(text=connection.localDescription.sdp)

    async def page(request: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>A test</title>", content_type="text/html")

    app.router.add_get("/", page)
    app.router.add_post("/stock", stock)
    add_whep(app, viewers)
    async with TestServer(app) as server:
        yield House(str(server.make_url("/")))
        await viewers.close()
        for connection in connections:
            await connection.close()


async def watch(page: Page, path: str) -> dict[str, Any]:
    found: dict[str, Any] = await page.evaluate(WATCH, path)
    print(path, {name: value for name, value in found.items() if name != "answer"})
    return found


async def test_the_browser_holds_our_pictures_back_less_than_half_as_long(
    hub: Hub, house: House, browser: Browser
) -> None:
    page = await browser.new_page()
    await page.goto(house.url)
    with Performance(hub):
        ours = await watch(page, "/whep")
    stock = await watch(page, "/stock")
    assert PLAYOUT_DELAY in ours["answer"]
    assert PLAYOUT_DELAY not in stock["answer"]
    assert ours["delay_ms"] <= stock["delay_ms"] / 2


async def test_the_page_learns_when_the_camera_took_the_picture(
    hub: Hub, house: House, browser: Browser
) -> None:
    page = await browser.new_page()
    await page.goto(house.url)
    with Performance(cast(Hub, Late(hub))):
        ours = await watch(page, "/whep")
    assert ABS_CAPTURE_TIME in ours["answer"]
    age_ms = ours["shown_ms"] - (ours["captured_ms"] - SECONDS_1900_TO_1970 * 1000)
    # Not a matter of speed: it was captured so long before it was even published.
    assert age_ms >= LATE_S * 1000
    assert age_ms < 60_000, "and on the same clock as the page's"
