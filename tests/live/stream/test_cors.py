"""Players on other sites' pages, and what HTTP says to them (draft-ietf-wish-whep-04)."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
import pytest_asyncio

from live.errors import StreamError
from live.stream.cors import CorsSettings, add_cors_arguments, cors_settings
from live.stream.hub import Hub
from live.stream.server import ServerSettings, ShowServer
from tests.live.stream.watcher import SDP, Watcher

THEATRE, STRANGER = "https://theatre.example", "https://stranger.example"


@pytest.fixture
def url(hub: Hub) -> Iterator[str]:
    """A show that the theatre's pages may play."""
    settings = ServerSettings(port=0, cors=CorsSettings(frozenset({THEATRE})))
    with ShowServer(settings, hub, dict) as server:
        yield server.url


@pytest_asyncio.fixture
async def web() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as made:
        yield made


@pytest.mark.parametrize(
    ("path", "method", "allow"),
    [
        ("whep", "POST", "GET, HEAD, OPTIONS, POST"),
        ("whep/one", "DELETE", "DELETE, GET, HEAD, OPTIONS"),
    ],
)
async def test_a_browser_may_ask_before_it_asks(
    url: str, web: aiohttp.ClientSession, path: str, method: str, allow: str
) -> None:
    asked = {"Origin": THEATRE, "Access-Control-Request-Method": method}
    async with web.options(url + path, headers=asked) as got:
        assert got.status == 200
        assert got.headers["Allow"] == allow
        assert method in got.headers["Access-Control-Allow-Methods"]
        assert got.headers["Access-Control-Allow-Origin"] == THEATRE
        assert got.headers["Vary"] == "Origin"
        for header in ("Content-Type", "Authorization", "If-Match"):
            assert header in got.headers["Access-Control-Allow-Headers"]
        assert got.headers.get("Accept-Post") == ("application/sdp" if path == "whep" else None)


async def test_another_site_plays_and_leaves(
    url: str, hub: Hub, web: aiohttp.ClientSession
) -> None:
    viewer = Watcher("")
    headers = SDP | {"Origin": THEATRE}
    async with web.post(url + "whep", data=await viewer.offer(), headers=headers) as got:
        assert got.status == 201
        assert got.content_type == "application/sdp"
        assert got.headers["Access-Control-Allow-Origin"] == THEATRE
        assert "Location" in got.headers["Access-Control-Expose-Headers"]
        session = got.headers["Location"]
    assert session.startswith(url + "whep/"), "whole, for players that take it for their own site's"
    assert hub.counts.viewers == 1
    async with web.delete(session, headers={"Origin": THEATRE}) as got:
        assert got.status == 204
        assert got.headers["Access-Control-Allow-Origin"] == THEATRE
    assert hub.counts.viewers == 0
    await viewer.connection.close()


async def test_behind_a_proxy_the_address_is_relative(url: str, web: aiohttp.ClientSession) -> None:
    viewer = Watcher("")
    headers = SDP | {"Origin": THEATRE, "X-Forwarded-For": "192.0.2.7"}
    async with web.post(url + "whep", data=await viewer.offer(), headers=headers) as got:
        assert got.headers["Location"].startswith("whep/")
    await viewer.connection.close()


@pytest.mark.parametrize("method", ["OPTIONS", "POST", "GET"])
async def test_a_stranger_is_refused(url: str, web: aiohttp.ClientSession, method: str) -> None:
    headers = SDP | {"Origin": STRANGER}
    async with web.request(method, url + "whep", headers=headers) as got:
        assert got.status == 403
        assert "Access-Control-Allow-Origin" not in got.headers
        assert f"pages of {STRANGER} may not use this show" in await got.text()


async def test_a_refusal_can_be_read_by_the_page(url: str, web: aiohttp.ClientSession) -> None:
    origin = {"Origin": THEATRE}
    for method, path, status in (
        ("POST", "whep", 422),
        ("PATCH", "whep/one", 405),
        ("DELETE", "whep/one", 404),
    ):
        async with web.request(method, url + path, headers=SDP | origin) as got:
            assert got.status == status
            assert got.headers["Access-Control-Allow-Origin"] == THEATRE


@pytest.mark.parametrize("path", ["whep", "whep/one"])
async def test_there_is_nothing_to_get(url: str, web: aiohttp.ClientSession, path: str) -> None:
    for method in ("GET", "HEAD"):
        async with web.request(method, url + path) as got:
            assert (got.status, await got.read()) == (204, b"")
    async with web.put(url + path) as got:
        assert got.status == 405


async def test_by_default_no_other_site_may(hub: Hub, web: aiohttp.ClientSession) -> None:
    with ShowServer(ServerSettings(port=0), hub, dict) as server:
        async with web.options(server.url + "whep") as got:
            assert got.status == 200
            assert "Vary" not in got.headers
            assert not [name for name in got.headers if name.startswith("Access-Control")]
        async with web.options(server.url + "whep", headers={"Origin": THEATRE}) as got:
            assert got.status == 403


async def test_every_site_may_where_that_is_said(hub: Hub, web: aiohttp.ClientSession) -> None:
    settings = ServerSettings(port=0, cors=CorsSettings(frozenset({"*"})))
    with ShowServer(settings, hub, dict) as server:
        async with web.options(server.url + "whep", headers={"Origin": STRANGER}) as got:
            assert got.headers["Access-Control-Allow-Origin"] == STRANGER
        async with web.get(server.url, headers={"Host": "elsewhere.example"}) as got:
            assert got.status == 403, "* names no proxy, and rebinding is still refused"


@pytest.mark.parametrize(
    "origin",
    ["theatre.example", "https://theatre.example/", "HTTPS://theatre.example", "ftp://x", "null"],
)
def test_what_is_no_origin(origin: str) -> None:
    with pytest.raises(StreamError, match="is no origin; give https://HOST"):
        CorsSettings(frozenset({origin}))


def test_the_command_line() -> None:
    parser = ArgumentParser()
    add_cors_arguments(parser)
    line = ["--allow-origin", THEATRE, "--allow-origin", "http://localhost:3000"]
    found = cors_settings(parser.parse_args(line))
    assert found == CorsSettings(frozenset({THEATRE, "http://localhost:3000"}))
    assert cors_settings(parser.parse_args([])) == CorsSettings()
    assert found.names("Theatre.example")
    assert found.names("localhost:3000")
    assert not found.names("stranger.example")
