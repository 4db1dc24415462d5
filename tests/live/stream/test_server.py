from __future__ import annotations

import asyncio
import gc
import json
import math
import socket
import threading
import urllib.request

import pytest
from aiortc.exceptions import InvalidStateError

from live.errors import StreamError
from live.stream.hub import Hub
from live.stream.server import ServerSettings, ShowServer, _on_lost_error
from live.stream.viewers import ViewerLimits


def quiet() -> dict[str, object]:
    return {}


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url) as got:
        return bytes(got.read())


def test_a_port_in_use_is_named_with_what_to_type(hub: Hub) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = ShowServer(ServerSettings(port=port), hub, quiet)
        with pytest.raises(StreamError, match=rf"port {port} .* in use .* --port {port + 1}"):
            server.start()
        server.close()


def test_an_address_that_is_not_ours_is_named(hub: Hub) -> None:
    says = r"203\.0\.113\.7 is no address of this machine; --host 0\.0\.0\.0 .*--host 127\.0\.0\.1"
    with pytest.raises(StreamError, match=says):
        ShowServer(ServerSettings("203.0.113.7", 0), hub, quiet).start()


def test_a_name_that_nobody_has_is_no_address_either(hub: Hub) -> None:
    with pytest.raises(StreamError, match=r"no-such\.invalid is no address of this machine"):
        ShowServer(ServerSettings("no-such.invalid", 0), hub, quiet).start()


def test_start_and_close_leave_no_thread_and_free_the_port(hub: Hub) -> None:
    before = set(threading.enumerate())
    with ShowServer(ServerSettings(port=0), hub, quiet) as first:
        port = first.port
        assert first.url == f"http://127.0.0.1:{port}/"
    first.close()
    with ShowServer(ServerSettings(port=port), hub, quiet) as second:
        assert second.port == port
    assert set(threading.enumerate()) == before


def test_close_before_start_is_nothing(hub: Hub) -> None:
    ShowServer(ServerSettings(), hub, quiet).close()


def test_the_address_for_a_browser_is_one_it_can_open(hub: Hub) -> None:
    for host in ("0.0.0.0", "127.0.0.1"):
        with ShowServer(ServerSettings(host, 0), hub, quiet) as server:
            assert b"<title>Understudy</title>" in fetch(server.url)


def test_a_figure_that_is_not_a_number_is_null(hub: Hub) -> None:
    def odd() -> dict[str, object]:
        return {"fps": math.nan, "delay_ms": {"p50": math.inf}, "rungs": [1, math.nan]}

    with ShowServer(ServerSettings(port=0), hub, odd) as server:
        told = json.loads(fetch(server.url + "status"))
    assert told["fps"] is None
    assert told["delay_ms"] == {"p50": None}
    assert told["rungs"] == [1, None]


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(StreamError, match="no port 70000"):
        ServerSettings(port=70_000)
    with pytest.raises(StreamError, match="room for 0"):
        ViewerLimits(most=0)
    with pytest.raises(StreamError, match="more than 0"):
        ViewerLimits(silence_s=0)


def test_a_connection_given_up_while_it_is_made_is_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """aiortc's own task finds its transport closed; other lost errors are told as ever."""

    async def lose(error: Exception) -> None:
        asyncio.get_running_loop().set_exception_handler(_on_lost_error)

        async def fail() -> None:
            raise error

        task = asyncio.ensure_future(fail())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        del task
        gc.collect()

    asyncio.run(lose(InvalidStateError("RTCIceTransport is closed")))
    assert [one for one in caplog.records if one.levelname == "ERROR"] == []
    asyncio.run(lose(KeyError("a bug")))
    assert "a bug" in caplog.text
