"""Who gets to the console: tokens, pages of other sites, places, and those who vanish."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator
from functools import partial

import aiohttp
import pytest

from live.desk import web_greet, web_outbox
from live.desk.web import add_console
from live.desk.web_greet import FULL, STRANGER
from live.desk.web_outbox import Outbox
from live.desk.web_room import MOST
from live.stream.access import WRONG_TOKENS
from live.stream.access_tokens import Tokens
from live.stream.hub import Hub
from live.stream.server import ServerSettings, ShowServer
from tests.live.desk.console_client import AFAR, connected, looking
from tests.live.desk.console_server import Console, serving

SOCKETS = ("console/socket", "console/pictures")


@pytest.fixture
def console() -> Iterator[Console]:
    with serving(tokens=Tokens()) as made:
        yield made


async def first_word(
    console: Console, path: str, message: str | bytes, headers: dict[str, str]
) -> tuple[str, int | None]:
    """What comes back, and the close code."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(console.server.url + path, headers=headers) as opened,
    ):
        if isinstance(message, str):
            await opened.send_str(message)
        else:
            await opened.send_bytes(message)
        answer = await opened.receive()
        closing = await opened.receive() if "refused" in str(answer.data) else None
        return str(answer.data), None if closing is None else closing.data


@pytest.mark.parametrize("path", SOCKETS)
async def test_an_operator_elsewhere_needs_the_operators_token(console: Console, path: str) -> None:
    good = await first_word(console, path, f'{{"token": "{console.tokens.operator}"}}', AFAR)
    assert "refused" not in good[0]
    for wrong in ("null", '"wrong"', f'"{console.tokens.viewer}"', f'"{console.tokens.camera}"'):
        words, code = await first_word(console, path, f'{{"token": {wrong}}}', AFAR)
        assert "key is missing or wrong" in words
        assert code == STRANGER


@pytest.mark.parametrize("path", SOCKETS)
@pytest.mark.parametrize(
    "message", ["{", "[]", "5", '{"token": 5}', b"\x00", '{"set": {"panic": true}}']
)
async def test_a_first_message_that_is_none_is_refused(
    console: Console, path: str, message: str | bytes
) -> None:
    words, code = await first_word(console, path, message, AFAR)
    assert "refused" in words
    assert code == STRANGER
    assert console.desk.value("panic") is False


async def test_this_machine_needs_the_token_too(console: Console) -> None:
    """A web server on it may send strangers in who look as if they sat here."""
    async with connected(console.server.url, console.tokens.operator) as client:
        assert client.hello["parameters"]
    for path in SOCKETS:
        words, code = await first_word(console, path, '{"token": null}', {})
        assert "key is missing or wrong" in words
        assert code == STRANGER


async def test_a_show_without_tokens_is_operated_from_its_own_machine(console: Console) -> None:
    hub = Hub()
    routes = partial(add_console, parts=console.parts)
    with ShowServer(ServerSettings(port=0), hub, dict, more=[routes]) as server:
        async with connected(server.url) as client:
            assert client.hello["parameters"]
        async with connected(server.url, console.tokens.operator, AFAR) as client:
            assert "only the machine that runs the show" in client.hello["refused"]
    hub.close()


async def test_guesses_are_limited_and_the_right_token_always_passes(console: Console) -> None:
    for _ in range(WRONG_TOKENS.burst):
        words, _ = await first_word(console, SOCKETS[0], '{"token": "guess"}', AFAR)
        assert "wrong" in words
    words, code = await first_word(console, SOCKETS[1], '{"token": "guess"}', AFAR)
    assert "too many wrong tokens" in words
    assert code == STRANGER
    async with connected(console.server.url, console.tokens.operator, AFAR) as client:
        assert client.hello["parameters"]


@pytest.mark.parametrize("path", SOCKETS)
async def test_a_page_of_another_site_opens_no_socket(console: Console, path: str) -> None:
    async with aiohttp.ClientSession() as session:
        for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(console.server.url + path, headers=headers)
            assert refused.value.status == 403
        own = console.server.url.rstrip("/")
        async with session.ws_connect(console.server.url + path, origin=own) as opened:
            await opened.send_str(f'{{"token": "{console.tokens.operator}"}}')
            assert "refused" not in str((await opened.receive()).data)
        async with session.get(console.server.url + path) as plain:  # no WebSocket at all
            assert plain.status == 400


async def test_who_says_nothing_is_shown_out(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_greet, "GREET_S", 0.05)
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(console.server.url + SOCKETS[0]) as opened,
    ):
        assert "no message came" in (await opened.receive()).data
        assert (await opened.receive()).data == STRANGER


async def test_places_are_counted_and_free_again(console: Console) -> None:
    async with contextlib.AsyncExitStack() as opened:
        for _ in range(MOST):
            await opened.enter_async_context(connected(console.server.url, console.tokens.operator))
        async with connected(console.server.url, console.tokens.operator) as late:
            assert "places are taken" in late.hello["refused"]
            assert (await late.socket.receive()).data == FULL
    for _ in range(100):  # the others' farewells are on their way
        async with connected(console.server.url, console.tokens.operator) as client:
            if "parameters" in client.hello:
                return
        await asyncio.sleep(0.05)
    pytest.fail("no place became free")


async def test_who_looks_is_counted_too(console: Console) -> None:
    async with contextlib.AsyncExitStack() as opened:
        for _ in range(MOST):
            looked = await opened.enter_async_context(
                looking(console.server.url, console.tokens.operator)
            )
            assert (await looked.receive()).type is aiohttp.WSMsgType.BINARY
        async with looking(console.server.url, console.tokens.operator) as late:
            assert "consoles look already" in (await late.receive()).data
            assert (await late.receive()).data == FULL


def raw(console: Console, path: str) -> socket.socket:
    """A WebSocket that is greeted, and then never reads nor answers."""
    made = socket.create_connection(("127.0.0.1", console.server.port))
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.sendall(
        f"GET /{path} HTTP/1.1\r\nHost: 127.0.0.1:{console.server.port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    text = f'{{"token": "{console.tokens.operator}"}}'.encode()
    mask = b"\x00" * 4
    made.sendall(bytes([0x81, 0x80 | len(text)]) + mask + text)
    return made


async def until_cut(made: socket.socket) -> None:
    """Until the other side has cut the line."""

    def read() -> None:
        made.settimeout(20)
        with contextlib.suppress(ConnectionError):
            while made.recv(1 << 16):
                pass

    await asyncio.to_thread(read)


@pytest.mark.parametrize("path", SOCKETS)
async def test_a_tablet_that_vanished_frees_its_place(
    console: Console, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_greet, "HEARTBEAT_S", 0.2)
    with raw(console, path) as gone:
        await until_cut(gone)  # it reads, but gives no sign of life


async def test_a_console_that_does_not_read_is_dropped_and_holds_up_nobody(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_outbox, "SEND_S", 0.2)
    dropped = asyncio.Event()
    loop, drop = asyncio.get_running_loop(), Outbox.drop

    def noted(outbox: Outbox) -> None:
        drop(outbox)
        loop.call_soon_threadsafe(dropped.set)

    monkeypatch.setattr(Outbox, "drop", noted)
    with raw(console, SOCKETS[0]):
        async with connected(console.server.url, console.tokens.operator) as client:
            number = 0
            async with asyncio.timeout(30):
                while not dropped.is_set():  # 400 choices fill whatever the system puts in between
                    number += 1
                    names = [f"picture number {one} of round {number}" for one in range(400)]
                    console.desk.offer("background.picture", names)
                    await client.next("changed")
            assert await client.order(toggle="mirror") == ""


async def test_no_key_gets_into_the_log_of_events(console: Console) -> None:
    logging.getLogger("live.somewhere").warning(
        "open http://stage.local:8080/console#%s now (%s)", "abc", console.tokens.viewer
    )
    told = console.events.newest()[-1].text
    assert told == "open http://stage.local:8080/console#... now (...)"
