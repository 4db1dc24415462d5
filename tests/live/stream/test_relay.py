"""TURN without a TURN server; with a real one see tests/interop/test_coturn.py."""

from __future__ import annotations

import asyncio
import logging
import socket

import pytest

from live.errors import StreamError
from live.stream.network import IceServer, NetworkSettings, open_connection
from live.stream.relay import welcome
from tests.live.stream.test_network import candidates, described


def network(port: int, relay_only: bool = False) -> NetworkSettings:
    server = IceServer((f"turn:127.0.0.1:{port}?transport=tcp",), "me", "s3cret")
    return NetworkSettings((server,), relay_only=relay_only)


async def test_a_relay_that_is_not_there_leaves_our_own_addresses(
    caplog: pytest.LogCaptureFixture,
) -> None:
    connection = open_connection(network(closed_port()))
    assert {kind for _, _, kind in candidates(await described(connection))} == {"host"}
    assert "cannot be reached" in caplog.text
    assert "the show goes on without its relay" in caplog.text
    await connection.close()


async def test_a_relay_that_is_all_there_is_must_be_there() -> None:
    connection = open_connection(network(closed_port(), relay_only=True))
    with pytest.raises(StreamError, match=r"the TURN server 127.0.0.1:\d+ cannot be reached"):
        await described(connection)
    await connection.close()


async def test_a_server_that_is_none_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the connection and never says a word."""
    monkeypatch.setattr("live.stream.host_candidates._gather.__defaults__", (0.2,))

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    connection = open_connection(network(server.sockets[0].getsockname()[1], relay_only=True))
    with pytest.raises(StreamError, match="does not answer; see its address"):
        await described(connection)
    await connection.close()
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("address", [None, "", "unknown", "192.0.2.7", "2001:db8::7"])
async def test_without_a_relay_nobody_needs_a_welcome(
    address: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    connection = open_connection(NetworkSettings())
    await described(connection)
    with caplog.at_level(logging.DEBUG):
        welcome(connection, address)
    assert not caplog.records
    await connection.close()


def closed_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])
