"""Publishing to a real SFU: Janus, with viewers of its own."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from av import VideoFrame
from numpy.typing import NDArray
from playwright.async_api import Browser

from live.stream.hub import Hub
from live.stream.whip import WhipPublisher
from live.stream.whip_settings import WhipSettings
from tests.interop.janus import H264_ROOM, VP8_ROOM, JanusApi, WhipFront, janus_service
from tests.interop.service import Service, free_tcp_port
from tests.interop.showing import PAGE, assert_they_show, shown
from tests.live.stream.pattern import Performance
from tests.live.stream.test_whep import until

TOKEN = "t0ken-of-ours"

Room = tuple[Service, str]


@pytest.fixture
def janus(tmp_path: Path, address: str) -> Iterator[Room]:
    service, url = janus_service(tmp_path, address)
    with service:
        yield service, url


class JanusViewer:
    """aiortc as a viewer of a room: Janus offers, it answers."""

    def __init__(self, api: JanusApi, room: int) -> None:
        self._api = api
        self._room = room
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))

    async def __aenter__(self) -> JanusViewer:
        handle, offer = await self._api.subscribe(self._room)
        await self._connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await self._connection.setLocalDescription(await self._connection.createAnswer())
        await self._api.begin(handle, self._connection.localDescription.sdp)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._connection.close()

    async def pictures(self, count: int) -> list[NDArray[np.uint8]]:
        """The next `count` pictures, RGB uint8 (H, W, 3)."""
        track = self._connection.getReceivers()[0].track
        got: list[NDArray[np.uint8]] = []
        async with asyncio.timeout(20):
            while len(got) < count:
                frame = await track.recv()
                assert isinstance(frame, VideoFrame)
                got.append(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8))
        return got


ANSWER = """async (sdp) => {
  const peer = window.peer = new RTCPeerConnection();
  peer.ontrack = ({ track }) => {
    document.getElementById("picture").srcObject = new MediaStream([track]);
  };
  await peer.setRemoteDescription({ type: "offer", sdp });
  await peer.setLocalDescription();
  await new Promise((done) => {
    const look = () => { if (peer.iceGatheringState === "complete") done(); };
    peer.onicegatheringstatechange = look;
    look();
  });
  return peer.localDescription.sdp;
}"""


@contextlib.asynccontextmanager
async def publishing(hub: Hub, url: str, **how: Any) -> AsyncIterator[WhipPublisher]:
    """Publishes from a thread of its own, as the show does; the front needs this one."""
    patience: dict[str, Any] = {"token": TOKEN, "first_wait_s": 0.2, "longest_wait_s": 0.5}
    publisher = WhipPublisher(hub, WhipSettings(url, **(patience | how)))
    publisher.start()
    try:
        yield publisher
    finally:
        await asyncio.to_thread(publisher.close)


@pytest_asyncio.fixture
async def api(janus: Room) -> AsyncIterator[JanusApi]:
    async with JanusApi(janus[1]) as made:
        yield made


@pytest_asyncio.fixture
async def front(api: JanusApi) -> AsyncIterator[WhipFront]:
    async with WhipFront(api, TOKEN) as made:
        yield made


@contextlib.asynccontextmanager
async def on_air(front: WhipFront) -> AsyncIterator[None]:
    """Waits until the show's pictures come to Janus."""
    await until(front.on_air)
    yield


async def test_three_viewers_see_the_show_through_janus(
    hub: Hub, api: JanusApi, front: WhipFront, browser: Browser, pictures: Path
) -> None:
    screenshot = pictures / "janus.png"
    with Performance(hub) as show:
        async with publishing(hub, f"{front.url}{H264_ROOM}"), on_air(front):
            async with JanusViewer(api, H264_ROOM) as one, JanusViewer(api, H264_ROOM) as two:
                for seen in await asyncio.gather(one.pictures(10), two.pictures(10)):
                    assert_they_show(seen, show)
                assert_they_show(await shown_in_chromium(api, browser, screenshot), show)
                assert_they_show(await one.pictures(3), show)
                assert hub.counts.viewers == 1, "one leg, whatever Janus' audience"
            assert len(await api.publishers(H264_ROOM)) == 1
        assert front.asked == [("POST", 201), ("DELETE", 200)]
        assert await api.publishers(H264_ROOM) == [], "Janus has seen the end"
        assert hub.counts.viewers == 0


async def shown_in_chromium(
    api: JanusApi, browser: Browser, screenshot: Path
) -> list[NDArray[np.uint8]]:
    """Three pictures off a page that watches the room."""
    page = await browser.new_page()
    await page.set_content(PAGE)
    handle, offer = await api.subscribe(H264_ROOM)
    await api.begin(handle, await page.evaluate(ANSWER, offer))
    seen = await shown(page, 3)
    await page.screenshot(path=screenshot)
    await page.close()
    return seen


async def test_janus_asks_for_a_key_frame_and_gets_one(
    hub: Hub, api: JanusApi, front: WhipFront
) -> None:
    room = f"{front.url}{H264_ROOM}"
    with Performance(hub):
        async with publishing(hub, room), on_air(front), JanusViewer(api, H264_ROOM) as first:
            await first.pictures(20)
            before = hub.counts.key_frames
            async with JanusViewer(api, H264_ROOM) as late:  # for whom Janus sends a PLI
                await until(lambda: hub.counts.key_frames > before, 5)  # 10 s by itself
                assert len(await late.pictures(3)) == 3


async def test_a_room_without_h264_gets_vp8(hub: Hub, api: JanusApi, front: WhipFront) -> None:
    room = f"{front.url}{VP8_ROOM}"
    with Performance(hub) as show:
        async with publishing(hub, room), on_air(front), JanusViewer(api, VP8_ROOM) as viewer:
            assert_they_show(await viewer.pictures(5), show)
    assert front.asked[-2:] == [("POST", 201), ("DELETE", 200)]


async def test_a_wrong_token_is_said(hub: Hub, api: JanusApi, front: WhipFront) -> None:
    async with publishing(hub, f"{front.url}{H264_ROOM}", token="another") as publisher:
        await until(lambda: "answered 401: the token is missing or wrong" in publisher.says)
        assert await api.publishers(H264_ROOM) == []


async def test_a_janus_that_dies_is_found_again(hub: Hub, janus: Room) -> None:
    service, url = janus
    port = free_tcp_port()
    room = f"http://127.0.0.1:{port}/whip/{H264_ROOM}"
    with Performance(hub) as show:
        async with publishing(hub, room, silence_s=2.5, answer_s=2.0) as publisher:
            async with JanusApi(url) as api, WhipFront(api, TOKEN, port) as front, on_air(front):
                service.stop(signal.SIGKILL)
            await until(lambda: "fell silent" in publisher.says or "reached" in publisher.says)
            service.start()
            async with JanusApi(url) as api, WhipFront(api, TOKEN, port) as front:
                await until(front.on_air)
                async with JanusViewer(api, H264_ROOM) as viewer:
                    assert_they_show(await viewer.pictures(3), show)
