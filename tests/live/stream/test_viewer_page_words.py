"""The viewer's page when there is nothing to see: it says in words what is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route, expect

from live.stream.hub import Hub
from tests.live.stream.conftest import Serve
from tests.live.stream.pattern import Performance
from tests.live.stream.viewing import PATIENCE_MS, Audience, says, state

CLOSED_PORTS = """
  const accept = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
    return accept.call(this, { type, sdp: sdp.replace(/(a=candidate:.* )\\d+( typ)/g, "$19$2") });
  };
"""
"""As a firewall does it: what goes to the server's UDP ports gets nowhere."""

OLD_CODECS = """
  const add = RTCPeerConnection.prototype.addTransceiver;
  RTCPeerConnection.prototype.addTransceiver = function (kind, how) {
    const made = add.call(this, kind, how);
    const { codecs } = RTCRtpReceiver.getCapabilities("video");
    if (kind === "video") {
      made.setCodecPreferences(codecs.filter((one) => /VP9|rtx/.test(one.mimeType)));
    }
    return made;
  };
"""


@pytest_asyncio.fixture
async def audience(browser: Browser) -> AsyncIterator[Audience]:
    made = Audience(browser)
    yield made
    assert made.troubles == []


async def test_a_browser_without_webrtc(serve: Serve, audience: Audience, pictures: Path) -> None:
    page = await audience.enter(serve().url, "delete window.RTCPeerConnection;")
    await says(page, "This browser cannot play the show")
    await expect(page.locator("#more")).to_contain_text("It has no WebRTC")
    await state(page, "stopped")
    await page.screenshot(path=pictures / "viewer-no-webrtc.png")


async def test_a_browser_without_our_codecs(
    serve: Serve, audience: Audience, pictures: Path
) -> None:
    page = await audience.enter(serve().url, OLD_CODECS, viewport={"width": 390, "height": 844})
    await says(page, "This browser cannot play the show")
    await expect(page.locator("#more")).to_contain_text("H.264 or VP8")
    await state(page, "stopped")
    await page.screenshot(path=pictures / "viewer-no-codec.png")


async def test_a_page_whose_script_does_not_run(
    serve: Serve, audience: Audience, pictures: Path
) -> None:
    """No JavaScript, or a browser too old for it."""
    page = await audience.enter(serve().url, java_script_enabled=False)
    stuck = page.locator("#stuck")
    await expect(stuck).to_have_css("opacity", "1", timeout=PATIENCE_MS)
    await page.screenshot(path=pictures / "viewer-no-script.png")
    page = await audience.enter(serve().url)
    await says(page, "The show stands still")  # nothing was published yet
    await expect(page.locator("#stuck")).to_be_hidden()


async def test_blocked_udp_ports(
    hub: Hub, serve: Serve, audience: Audience, pictures: Path
) -> None:
    with Performance(hub):
        page = await audience.enter(serve().url, CLOSED_PORTS)
        await says(page, "The show is on, but its picture cannot get here")
        await expect(page.locator("#more")).to_contain_text("UDP")
        await page.screenshot(path=pictures / "viewer-blocked.png")


async def test_a_full_house(hub: Hub, serve: Serve, audience: Audience, pictures: Path) -> None:
    url = serve(most=1).url
    with Performance(hub):
        first = await audience.enter(url)
        await state(first, "playing")
        second = await audience.enter(url)
        await says(second, "Every place is taken")
        await second.screenshot(path=pictures / "viewer-full.png")
        await first.close()  # which says goodbye
        await state(second, "playing")


async def test_a_show_that_has_ended(hub: Hub, serve: Serve, audience: Audience) -> None:
    server = serve()
    with Performance(hub):
        page = await audience.enter(server.url)
        await state(page, "playing")
    hub.close()
    await says(page, "The show has ended")
    await asyncio.to_thread(server.close)
    await page.wait_for_timeout(3000)  # nobody answers now, for the same reason
    await says(page, "The show has ended")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "This browser and the show do not understand each other"),
        (403, "The show does not know this address"),
        (404, "There is no show at this address"),
        (429, "Many are coming in from this network"),
        (500, "The show has a problem of its own"),
        (502, "The show is not running"),
        (504, "The show is not running"),
    ],
)
async def test_answers_that_our_server_does_not_give_a_browser(
    hub: Hub, serve: Serve, audience: Audience, status: int, words: str
) -> None:
    """A proxy's, for the most part; then the same page plays as soon as it gets through."""
    raw = "<html>nginx: upstream prematurely closed connection</html>"

    async def refuse(route: Route) -> None:
        await route.fulfill(status=status, body=raw)

    with Performance(hub):
        page = await audience.enter("about:blank")
        await page.context.route("**/whep", refuse)
        page = await audience.sit_down(page.context, serve().url)
        await says(page, words)
        assert "nginx" not in await page.locator("body").inner_text()
        await page.context.unroute("**/whep")
        await state(page, "playing")


async def test_an_answer_that_is_none(hub: Hub, serve: Serve, audience: Audience) -> None:
    async def babble(route: Route) -> None:
        await route.fulfill(status=201, content_type="application/sdp", body="v=0 or not")

    page = await audience.enter("about:blank")
    await page.context.route("**/whep", babble)
    page = await audience.sit_down(page.context, serve().url)
    await says(page, "The picture cannot be played")
    assert "rror" not in await page.locator("#notice").inner_text()


async def test_a_device_that_starts_no_video_by_itself(
    hub: Hub, serve: Serve, audience: Audience, pictures: Path
) -> None:
    """iPhones that save power refuse even muted ones until somebody taps."""
    saving = """
      const { play } = HTMLMediaElement.prototype;
      let tapped = false;
      addEventListener("pointerdown", () => { tapped = true; }, true);
      document.addEventListener("readystatechange", () =>
        document.getElementById("picture").removeAttribute("autoplay"));
      HTMLMediaElement.prototype.play = function () {
        return tapped ? play.call(this) : Promise.reject(new DOMException("", "NotAllowedError"));
      };
    """
    with Performance(hub):
        page = await audience.enter(serve().url, saving)
        await says(page, "Tap to begin")
        await page.screenshot(path=pictures / "viewer-tap.png")
        await page.mouse.click(300, 300)
        await state(page, "playing")
