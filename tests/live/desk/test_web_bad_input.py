"""Consoles that send what makes no sense, too much, or too fast: the show goes on."""

from __future__ import annotations

from collections.abc import Iterator

import aiohttp
import pytest

from live.desk.web_console import PACE
from tests.live.desk.console_client import connected
from tests.live.desk.console_server import Console, serving


@pytest.fixture
def console() -> Iterator[Console]:
    with serving() as made:
        yield made


BAD = (
    ("{", "no JSON"),
    ("[" * 60_000, "no JSON"),
    ("[1]", "is a list"),
    ("null", "is a NoneType"),
    ("{}", "has one of"),
    ('{"set": {"mirror": true}, "do": "go"}', "has one of"),
    ('{"set": {"mirror": true}, "now": 1}', "no 'now'"),
    ('{"set": []}', "no table"),
    ('{"set": {}}', "no table"),
    ('{"set": {"nothing": 1}}', "no parameter 'nothing'"),
    ('{"set": {"master": 2}}', "master is 2"),
    ('{"set": {"master": NaN}}', "master is nan"),
    ('{"set": {"master": 1e999}}', "master is inf"),
    ('{"set": {"master": [1]}}', "master is list"),
    ('{"set": {"master": 1}, "fade": "long"}', "\"fade\" is 'long'"),
    ('{"set": {"master": 1}, "fade": -1}', "fade of -1"),
    ('{"set": {"master": 1}, "fade": 1' + "0" * 400 + "}", "out of every range"),
    ('{"set": {"fps": 1}}', "is read, not set"),
    ('{"toggle": {"a": 1}}', '"toggle" is dict'),
    ('{"toggle": "master"}', "no switch"),
    ('{"do": 5}', '"do" is 5'),
    ('{"do": "go", "with": 5}', '"with" is no list'),
    ('{"do": "go", "with": [[1]]}', '"with" holds'),
    ('{"do": "go", "with": [1, 2]}', "go takes nothing; it was given 2"),
    ('{"do": "person.follow", "with": [1]}', "it was given 1"),
    ('{"do": "normalize.calibrate", "id": "x"}', "id is a whole number"),
    ('{"acknowledge": "me"}', '"acknowledge" has'),
    ('{"acknowledge": {"subject": 1, "words": 2}}', "are texts"),
)


async def test_what_makes_no_sense_is_answered_and_the_show_goes_on(console: Console) -> None:
    async with connected(console.server.url) as client:
        for text, words in BAD:
            await client.socket.send_str(text)
            answer = await client.until(lambda one: "error" in one)
            assert words in answer["error"], text[:80]
            assert len(answer["error"]) < 400, text[:80]
        await client.socket.send_bytes(b"\x00" * 100)
        assert "no binary" in (await client.until(lambda one: "error" in one))["error"]
        assert await client.order(set={"mirror": True}) == ""


async def test_a_handler_that_breaks_is_said_and_breaks_nothing_else() -> None:
    def breaks(value: object) -> None:
        raise ZeroDivisionError

    with serving(more=lambda desk: desk.on_set("record", breaks)) as made:
        async with connected(made.server.url) as client:
            assert "ZeroDivisionError" in await client.order(set={"record": True})
            assert await client.order(set={"mirror": True}) == ""


async def test_a_message_that_is_huge_ends_its_console_alone(console: Console) -> None:
    async with connected(console.server.url) as other, connected(console.server.url) as client:
        await client.socket.send_str('{"set": {"background.colour": "' + "f" * 70_000 + '"}}')
        while not client.socket.closed:
            await client.socket.receive()
        assert client.socket.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
        assert await other.order(toggle="mirror") == ""


async def test_too_many_orders_are_refused_and_the_rest_counts(console: Console) -> None:
    async with connected(console.server.url) as client:
        for _ in range(3 * PACE.burst):
            await client.socket.send_str('{"toggle": "mirror"}')
        sentences = [(await client.until(lambda one: "error" in one))["error"]]
        assert "orders" in sentences[0]
        answered = 1
        while answered < 2 * PACE.burst:
            await client.until(lambda one: "error" in one or "ok" in one)
            answered += 1
