"""The viewer's page and the show's sound: asked for always, heard after a tap."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiortc import AudioStreamTrack, MediaStreamTrack
from playwright.async_api import Browser, Page, expect

from live.stream.hub import Hub
from live.stream.server import ServerSettings, ShowServer
from tests.live.stream.conftest import Serve
from tests.live.stream.pattern import Performance
from tests.live.stream.viewing import PATIENCE_MS, Audience, state, until

PLAYED = """async () => {
  const [audio] = document.getElementById("picture").srcObject.getAudioTracks();
  return audio?.readyState === "live";
}"""


class Silence:
    """A show's sound: aiortc's own silent track."""

    def track(self) -> MediaStreamTrack:
        return AudioStreamTrack()


@pytest_asyncio.fixture
async def audience(browser: Browser) -> AsyncIterator[Audience]:
    made = Audience(browser)
    yield made
    assert made.troubles == []


@pytest.fixture
def with_sound(hub: Hub) -> Iterator[Callable[[int], ShowServer]]:
    """Starts servers whose show has sound, and stops them."""
    started: list[ShowServer] = []

    def start(port: int = 0) -> ShowServer:
        settings = ServerSettings("127.0.0.1", port)
        started.append(ShowServer(settings, hub, dict, sound=Silence()))
        started[-1].start()
        return started[-1]

    yield start
    for server in started:
        server.close()


async def muted(page: Page) -> bool:
    return bool(await page.evaluate("document.getElementById('picture').muted"))


async def test_sound_is_offered_and_comes_with_a_tap(
    hub: Hub, with_sound: Callable[[int], ShowServer], audience: Audience, pictures: Path
) -> None:
    with Performance(hub, (360, 640)):
        phone = {"width": 390, "height": 844}
        page = await audience.enter(
            with_sound(0).url, viewport=phone, has_touch=True, is_mobile=True
        )
        await state(page, "playing")
        assert await page.evaluate(PLAYED)
        assert await muted(page), "else no browser would have begun"
        button = page.get_by_role("button", name="Tap for sound")
        await expect(button).to_have_attribute("aria-pressed", "false")
        await expect(page.locator("body.idle")).to_have_count(1, timeout=PATIENCE_MS)
        await expect(button).to_have_css("opacity", "1")  # an invitation does not hide
        await page.screenshot(path=pictures / "viewer-sound-offered.png")
        box = await button.bounding_box()
        assert box is not None
        await page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        await until(page, "!document.getElementById('picture').muted")
        sound = page.get_by_role("button", name="Sound", exact=True)
        await expect(sound).to_have_attribute("aria-pressed", "true")
        await state(page, "playing")
        await page.screenshot(path=pictures / "viewer-sound-on.png")


async def test_m_turns_the_sound_on_and_off_and_it_outlives_a_restart(
    hub: Hub, with_sound: Callable[[int], ShowServer], audience: Audience
) -> None:
    with Performance(hub):
        server = with_sound(0)
        page = await audience.enter(server.url)
        await state(page, "playing")
        await page.keyboard.press("m")
        assert not await muted(page)
        await page.keyboard.press("m")
        assert await muted(page)
        await page.keyboard.press("m")
        server.close()
        await state(page, "waiting")
        with_sound(server.port)
        await state(page, "playing")
        assert await page.evaluate(PLAYED)
        assert not await muted(page), "who wanted sound need not ask again"
        await expect(page.locator("#sound")).not_to_have_class("inviting")


async def test_an_invitation_that_nobody_takes_goes(
    hub: Hub, with_sound: Callable[[int], ShowServer], audience: Audience
) -> None:
    with Performance(hub):
        page = await audience.enter(with_sound(0).url)
        await state(page, "playing")
        await expect(page.locator("#sound")).to_have_css("opacity", "0", timeout=PATIENCE_MS)


async def test_a_show_without_sound_says_nothing_of_it(
    hub: Hub, serve: Serve, audience: Audience
) -> None:
    with Performance(hub):
        page = await audience.enter(serve().url)
        await state(page, "playing")
        await expect(page.locator("#sound")).to_be_hidden()
        await page.keyboard.press("m")
        assert await muted(page)
        tracks = "document.getElementById('picture').srcObject.getTracks().length"
        assert await page.evaluate(tracks) == 1


async def test_the_browser_is_asked_to_hold_nothing_back(
    hub: Hub, with_sound: Callable[[int], ShowServer], audience: Audience
) -> None:
    keep = """
      window.peers = [];
      window.RTCPeerConnection = class extends RTCPeerConnection {
        constructor(...how) { super(...how); peers.push(this); }
      };
    """
    with Performance(hub):
        page = await audience.enter(with_sound(0).url, keep)
        await state(page, "playing")
        targets = "peers[0].getReceivers().map((one) => [one.track.kind, one.jitterBufferTarget])"
        assert await page.evaluate(targets) == [["video", 0], ["audio", 0]]
