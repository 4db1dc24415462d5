"""The console's socket over real connections: state, orders, two at once, and a restart."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from live.desk.desk import Change, Desk
from live.desk.parameters import Kind
from live.desk.table import TABLE
from live.desk.web import FOLDER, policy
from live.desk.web_json import of_parameters
from live.errors import StreamError
from live.stream.access_tokens import Tokens
from tests.live.desk.console_client import connected
from tests.live.desk.console_server import BROKEN, CUES, NO_RECORD, Console, serving

EVERYTHING = {
    "parameters", "values", "offers", "version", "cues", "presets", "events", "subject", "links",
}  # fmt: skip


@pytest.fixture
def console() -> Iterator[Console]:
    with serving() as made:
        yield made


async def test_the_hello_holds_all_that_a_console_needs(console: Console) -> None:
    async with connected(console.server.url) as client:
        hello = client.hello
    assert set(hello) == EVERYTHING
    assert [one["name"] for one in hello["parameters"]] == [one.name for one in TABLE]
    assert set(hello["values"]) == {one.name for one in TABLE if one.kind is not Kind.ACTION}
    assert hello["offers"]["subject"] == ["demo", NO_RECORD, BROKEN]
    assert 0 < hello["version"] <= console.desk.version
    assert [one["name"] for one in hello["cues"]["cues"]] == [one["name"] for one in CUES]
    assert hello["presets"] == ["Rehearsal", "Act one"]
    assert hello["subject"]["acknowledged"] is True
    assert hello["subject"]["thumb"].startswith("data:image/jpeg;base64,")
    assert hello["links"] == {"viewers": "http://stage.local:8080/#key"}


async def test_an_action_that_this_show_cannot_do_is_marked(console: Console) -> None:
    parts = replace(console.parts, can=lambda name: name != "tap")
    assert [one["name"] for one in of_parameters(parts) if not one["can"]] == ["tap"]


async def test_an_order_is_carried_out_and_told(console: Console) -> None:
    async with connected(console.server.url) as client:
        await client.socket.send_json({"set": {"mirror": True, "figure.scale": 2}, "id": 7})
        told: dict[str, Any] = {}
        while not {"ok", "changed"} <= told.keys():  # in any order
            found = await client.until(lambda one: "ok" in one or "changed" in one)
            if found.get("changed", {}).get("by") != "show":
                told.update(found)
        assert told["ok"] == 7
        assert told["changed"]["values"] == {"mirror": True, "figure.scale": 2.0}
        assert await client.order(toggle="mirror") == ""
    assert console.desk.value("mirror") is False
    assert console.desk.value("figure.scale") == 2.0


async def test_what_glides_is_told_where_it_is(console: Console) -> None:
    async with connected(console.server.url) as client:
        assert await client.order(set={"figure.opacity": 0}, fade=60) == ""
        told = await client.until(lambda one: one.get("telemetry", {}).get("gliding"))
        assert 0 < told["telemetry"]["gliding"]["figure.opacity"] < 1
    async with connected(console.server.url) as late:
        assert late.hello["values"]["figure.opacity"] == 0.0


async def test_the_figures_come_by_themselves(console: Console) -> None:
    console.show.rate = 23.7
    async with connected(console.server.url) as client:
        told = await client.until(lambda one: one.get("telemetry", {}).get("fps") == 23.7)
    figures = told["telemetry"]
    assert set(figures) == {
        "fps", "delay_ms", "stages_ms", "dropped", "viewers", "cpu_percent", "memory_mb", "gpu",
        "novelty", "rung", "source", "restarts", "gliding", "health", "recording", "cue",
        "recording_s", "uptime_s", "beats",
    }  # fmt: skip
    assert figures["source"] == {"name": "camera 0", "fps": 30.0, "trouble": None}
    assert set(figures["stages_ms"]) == {"pose", "generate", "encode"}


async def test_two_consoles_see_one_state(console: Console) -> None:
    async with connected(console.server.url) as one, connected(console.server.url) as other:
        assert await one.order(set={"background": "green"}) == ""
        assert (await other.changed("console"))["values"] == {"background": "green"}
        assert await other.order(set={"background": "colour"}) == ""
        found = await one.until(
            lambda told: told.get("changed", {}).get("values") == {"background": "colour"}
        )
        assert found["changed"]["version"] > other.hello["version"]


async def test_what_other_desks_do_is_told_and_put_into_the_log(console: Console) -> None:
    async with connected(console.server.url) as client:
        console.desk.set("figure.scale", 1.5, "osc")
        assert (await client.changed("osc"))["values"] == {"figure.scale": 1.5}
        console.desk.do("go", by="midi")
        assert (await client.next("event"))["text"] == "midi: go"  # and none of the fader
        cues = await client.until(lambda one: one.get("cues", {}).get("last") == 1)
        assert cues["cues"]["next"] == 2
        console.desk.offer("background.picture", ["rain.png"])
        told = await client.until(lambda one: one.get("changed", {}).get("offers"))
        assert told["changed"]["offers"] == {"background.picture": ["rain.png"]}


async def test_a_storm_of_changes_costs_few_messages_and_loses_no_value(console: Console) -> None:
    async with connected(console.server.url) as client:
        for number in range(2001):
            console.desk.set("master", number / 2000, "osc")
        heard, value = 0, 0.0
        while value < 1:
            value = (await client.changed("osc"))["values"]["master"]
            heard += 1
    assert heard < 400


async def test_a_swap_that_fails_leaves_the_old_subject_and_says_why(console: Console) -> None:
    async with connected(console.server.url) as client:
        assert "does not load" in await client.order(set={"subject": BROKEN, "mirror": True})
        assert console.desk.value("subject") == "demo"
        assert console.desk.value("mirror") is True


async def test_consent_is_answered_for_on_the_console(
    console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNDERSTUDY_STATE", str(tmp_path))
    said = {"subject": NO_RECORD, "words": "Kim, 2026-01-02, signed for this show"}
    async with connected(console.server.url) as client:
        assert "no consent record" in await client.order(set={"subject": NO_RECORD})
        wrong = await client.order(acknowledge={**said, "words": "yes"})
        assert wrong.startswith("the consent 'yes': give")
        assert "has a consent record" in await client.order(acknowledge={**said, "subject": "demo"})
        assert "no subject" in await client.order(acknowledge={**said, "subject": "nobody"})
        assert await client.order(acknowledge=said) == ""
        assert await client.order(set={"subject": NO_RECORD}) == ""
        told = await client.until(lambda one: one.get("subject", {}).get("name") == NO_RECORD)
    assert told["subject"]["acknowledged"] is True
    assert "Kim, 2026-01-02, signed for this show" in told["subject"]["consent"]


async def test_panic_does_not_wait_for_what_takes_long() -> None:
    held, begun = threading.Event(), threading.Event()

    def read_long(value: object) -> None:
        begun.set()
        assert held.wait(20)

    with serving(more=lambda desk: desk.on_set("record", read_long)) as made:
        async with connected(made.server.url) as client:
            await client.socket.send_json({"set": {"record": True}, "id": 90})
            assert await asyncio.to_thread(begun.wait, 20)
            assert await client.order(set={"panic": True}) == ""
            assert made.desk.value("panic") is True
            assert made.desk.value("record") is False
            await client.next("telemetry")
            held.set()
            await client.until(lambda one: one.get("ok") == 90)


async def test_orders_of_one_console_keep_their_order(console: Console) -> None:
    async with connected(console.server.url) as client:
        for number in range(50):
            await client.socket.send_json({"set": {"figure.x": number / 50}, "id": 1000 + number})
        for number in range(50):
            told = await client.until(lambda one: "ok" in one)
            assert told["ok"] == 1000 + number
    assert console.desk.value("figure.x") == 49 / 50


async def test_a_console_left_open_over_a_restart_comes_back_with_its_token() -> None:
    tokens, first = Tokens(), 0
    for _ in range(2):
        with serving(first, tokens) as made:
            first = made.server.port
            async with connected(made.server.url, tokens.operator) as client:
                assert set(client.hello) == EVERYTHING
                await asyncio.to_thread(made.server.close)
                while (last := await client.socket.receive()).type is aiohttp.WSMsgType.TEXT:
                    pass
                assert (last.type, last.data) == (aiohttp.WSMsgType.CLOSE, 1001)  # it goes away


async def test_a_server_that_has_ended_leaves_no_thread_and_no_listener() -> None:
    desk = Desk({"subject": "demo"})
    before = set(threading.enumerate())
    with serving(desk=desk) as made:
        async with connected(made.server.url) as client:
            await client.order(toggle="mirror")
    for thread in set(threading.enumerate()) - before:
        if thread.name.startswith("console"):
            await asyncio.to_thread(thread.join, 5)
            assert not thread.is_alive()
    desk.set("mirror", False, "osc")


async def test_figures_that_cannot_be_had_leave_the_console_open(console: Console) -> None:
    async with connected(console.server.url) as client:
        await client.next("telemetry")
        console.show.told = None  # type: ignore[assignment]
        await client.until(lambda one: "figures were not gathered" in str(one.get("event")))
        await client.next("alive")
        assert await client.order(toggle="mirror") == ""


async def test_the_page_may_open_its_sockets_and_show_its_pictures(console: Console) -> None:
    async with aiohttp.ClientSession() as session:
        if (FOLDER / "index.html").exists():
            async with session.get(console.url) as got:
                assert got.status == 200
                rules = got.headers["Content-Security-Policy"]
            assert f"connect-src 'self' ws://127.0.0.1:{console.server.port}" in rules
            assert "img-src 'self' blob: data:" in rules
            assert "script-src 'self';" in rules
        for name in ("..%2fpages.py", "index.html", "nothing.js", "%2e%2e"):
            async with session.get(f"{console.url}/static/{name}") as got:
                assert got.status == 404


def test_a_strange_host_gets_no_say_in_the_policy() -> None:
    assert "ws://" not in policy("a; script-src *")
    assert "ws://[::1]:8080 wss://[::1]:8080;" in policy("[::1]:8080")


def test_the_port_is_free_again_at_the_end() -> None:
    with serving() as made:
        port = made.server.port
        with pytest.raises(StreamError, match="in use"), serving(port):
            pass
    with serving(port):
        pass


async def test_changes_that_are_told_out_of_order_end_with_what_is_set(console: Console) -> None:
    """Two threads set one value; the one that set it first is the last to tell."""
    first_told = threading.Event()

    def hold_up_the_first(change: Change) -> None:
        if change.by == "slow":
            assert first_told.wait(20)

    console.desk._listeners.insert(0, hold_up_the_first)  # before the console's
    async with connected(console.server.url) as client:
        slow = threading.Thread(target=lambda: console.desk.set("master", 0.2, "slow"))
        slow.start()
        while console.desk.value("master") != 0.2:
            await asyncio.sleep(0.01)
        console.desk.set("master", 0.7, "quick")
        await client.changed("quick")
        first_told.set()
        assert (await client.changed("slow"))["values"] == {"master": 0.7}
        slow.join()
