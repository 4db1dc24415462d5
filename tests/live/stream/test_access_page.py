"""The audience's link in a real browser, from the network's side."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from live.stream.access import AccessSettings
from live.stream.access_link import access_link
from live.stream.access_tokens import Tokens
from live.stream.camera_link import interfaces, lan_address, outward_address
from live.stream.hub import Hub
from live.stream.server import ServerSettings, ShowServer
from tests.live.stream.pattern import Performance
from tests.live.stream.viewing import Audience, says, state

TOKENS = Tokens()


@pytest_asyncio.fixture
async def audience(browser: Browser, link: str) -> AsyncIterator[Audience]:
    made = Audience(browser)
    yield made
    # It takes what is not below the opened address for a stranger's, and that has a key here.
    assert [one for one in made.troubles if f"asked: {link}" not in one] == []


@pytest.fixture
def link(hub: Hub) -> Iterator[str]:
    """The audience's link, without its key."""
    if lan_address(interfaces(), outward_address()) is None:
        pytest.skip("this machine is in no network")
    settings = ServerSettings("0.0.0.0", 0, access=AccessSettings(TOKENS))
    with ShowServer(settings, hub, dict) as server:
        yield access_link(server.url, "0.0.0.0", None).url


async def test_the_link_plays_and_its_key_goes_nowhere(
    hub: Hub, link: str, audience: Audience, pictures: Path
) -> None:
    with Performance(hub):
        page = await audience.enter("about:blank")
        asked: list[str] = []
        page.context.on("request", lambda one: asked.append(one.url))
        page = await audience.sit_down(page.context, f"{link}#{TOKENS.viewer}")
        await state(page, "playing")
        assert hub.counts.viewers == 1
        await page.close()  # which says goodbye, with the key
    assert any(url.endswith("/whep") for url in asked)
    assert not any(TOKENS.viewer in url.partition("#")[0] for url in asked)


@pytest.mark.parametrize(
    ("fragment", "words", "name"),
    [
        ("", "This address lacks its key", "none"),
        ("#nonsense", "This link is not valid any more", "wrong"),
        (f"#{TOKENS.camera}", "This link is not valid any more", "camera"),
    ],
    ids=["none", "nonsense", "the camera's"],
)
async def test_without_the_right_key_the_page_says_what_to_do(
    hub: Hub,
    link: str,
    audience: Audience,
    pictures: Path,
    fragment: str,
    words: str,
    name: str,
) -> None:
    with Performance(hub):
        page = await audience.enter(link + fragment, viewport={"width": 390, "height": 844})
        await says(page, words)
        await state(page, "stopped")
        await expect(page.locator("#more")).to_contain_text("Scan the code")
        await page.screenshot(path=pictures / f"viewer-key-{name}.png")
        assert hub.counts.viewers == 0
        # The right link, opened in the same tab, is taken at once.
        await page.goto(f"{link}#{TOKENS.viewer}")
        await state(page, "playing")
