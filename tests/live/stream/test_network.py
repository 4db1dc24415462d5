from __future__ import annotations

import json
import re
import socket
from argparse import ArgumentParser
from pathlib import Path

import pytest
from aioice import Connection, ice
from aiortc import RTCPeerConnection, RTCSessionDescription

from live.errors import SetupError, StreamError
from live.stream.hub import Hub
from live.stream.network import (
    IceServer,
    NetworkSettings,
    add_network_arguments,
    network_settings,
    open_connection,
    read_ice_servers,
)
from live.stream.offer import read_offer
from live.stream.sender import send_video
from tests.live.stream.pattern import Performance
from tests.live.stream.watcher import Watcher

LOOPBACK = ("127.0.0.1",)


def free_ports(count: int) -> tuple[int, int]:
    """A range of UDP ports on 127.0.0.1 that nobody has at the moment."""
    for low in range(52_000, 60_000, count):
        sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
        try:
            for place, one in enumerate(sockets):
                one.bind(("127.0.0.1", low + place))
        except OSError:
            continue
        else:
            return low, low + count - 1
        finally:
            for one in sockets:
                one.close()
    raise AssertionError("no free UDP ports at all")


def candidates(sdp: str) -> list[tuple[str, int, str]]:
    """(address, port, type) of each candidate in `sdp`."""
    found = re.findall(r"^a=candidate:\S+ \d udp \d+ (\S+) (\d+) typ (\w+)", sdp, re.MULTILINE)
    return [(address, int(port), kind) for address, port, kind in found]


async def described(connection: RTCPeerConnection) -> str:
    connection.addTransceiver("video", direction="sendonly")
    await connection.setLocalDescription(await connection.createOffer())
    return connection.localDescription.sdp


async def test_candidates_keep_to_the_named_ports_and_addresses() -> None:
    ports = free_ports(2)
    network = NetworkSettings(udp_ports=ports, interfaces=LOOPBACK)
    first, second = open_connection(network), open_connection(network)
    found = [*candidates(await described(first)), *candidates(await described(second))]
    assert found == [("127.0.0.1", port, "host") for port in ports]
    await first.close()
    await second.close()


async def test_an_interface_can_be_named() -> None:
    name = socket.if_indextoname(1)
    connection = open_connection(NetworkSettings(interfaces=(name,)))
    found = {address for address, _, _ in candidates(await described(connection))}
    assert "127.0.0.1" in found, f"{name} is the loopback"
    assert found <= {"127.0.0.1", "::1"}
    await connection.close()


async def test_by_default_nothing_is_changed_and_nobody_is_asked() -> None:
    connection = open_connection(NetworkSettings())
    found = candidates(await described(connection))
    assert found, "this machine has no network but its loopback"
    assert {kind for _, _, kind in found} == {"host"}
    assert "127.0.0.1" not in {address for address, _, _ in found}
    await connection.close()


async def test_used_up_ports_are_said_and_come_free_again() -> None:
    ports = free_ports(1)
    network = NetworkSettings(udp_ports=ports, interfaces=LOOPBACK)
    first, second, third = (open_connection(network) for _ in range(3))
    await described(first)
    with pytest.raises(StreamError, match=rf"all UDP ports {ports[0]}-{ports[0]} on 127.0.0.1"):
        await described(second)
    await first.close()
    await second.close()
    assert candidates(await described(third)) == [("127.0.0.1", ports[0], "host")]
    await third.close()


async def test_one_address_that_is_full_leaves_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    low, _ = free_ports(1)
    taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    taken.bind(("127.0.0.1", low))
    settings = NetworkSettings(udp_ports=(low, low), interfaces=("127.0.0.1", "::1"))
    connection = open_connection(settings)
    assert candidates(await described(connection)) == [("::1", low, "host")]
    assert f"all UDP ports {low}-{low} on 127.0.0.1 are taken" in caplog.text
    await connection.close()
    taken.close()


async def test_an_interface_that_is_not_there_is_said() -> None:
    connection = open_connection(NetworkSettings(interfaces=("wlan77", "203.0.113.9")))
    with pytest.raises(StreamError, match=r"no interface wlan77, 203.0.113.9; give .* lo \(127"):
        await described(connection)
    await connection.close()


async def test_another_aioice_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Connection, "get_component_candidates")
    monkeypatch.delattr(ice, "server_reflexive_candidate")
    connection = open_connection(NetworkSettings(interfaces=LOOPBACK))
    words = "no get_component_candidates, server_reflexive_candidate"
    with pytest.raises(StreamError, match=words):
        await described(connection)
    await connection.close()


async def test_a_viewer_watches_through_the_named_port(hub: Hub) -> None:
    ports = free_ports(1)
    network = NetworkSettings(udp_ports=ports, interfaces=LOOPBACK)
    viewer, connection = Watcher(""), open_connection(network)
    offer = read_offer(await viewer.offer())
    subscription = hub.subscribe(offer.codec)
    send_video(connection, subscription, offer.preferences)
    await connection.setRemoteDescription(RTCSessionDescription(offer.sdp, "offer"))
    await connection.setLocalDescription(await connection.createAnswer())
    with Performance(hub):
        await viewer.accept(connection.localDescription.sdp)
        seen = await viewer.pictures(3)
    assert len(seen) == 3
    assert candidates(viewer.answer) == [("127.0.0.1", ports[0], "host")]
    await connection.close()
    await viewer.connection.close()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: NetworkSettings(udp_ports=(60_000, 50_000)), "60000-50000"),
        (lambda: NetworkSettings(udp_ports=(80, 90)), "from 1024 to 65535"),
        (lambda: IceServer(()), "without urls"),
        (lambda: IceServer(("http://x",)), "'http://x' is no ICE server"),
        (lambda: IceServer(("stun:",)), "is no ICE server"),
        (lambda: IceServer(("stuns:x",)), "stun:, turn: or turns:"),
        (lambda: IceServer(("turn:x",), "me"), "needs a username and a credential"),
    ],
)
def test_settings_that_cannot_work(make: object, words: str) -> None:
    assert callable(make)
    with pytest.raises(StreamError, match=words):
        make()


def test_a_credential_is_never_shown() -> None:
    server = IceServer(("turn:x",), "me", "s3cret")
    assert "s3cret" not in repr(NetworkSettings(ice_servers=(server,)))


def test_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "ice.json"
    servers = [
        {"urls": "stun:stun.example.org"},
        {"urls": ["turn:turn.example.org:443?transport=tcp"], "username": "u", "credential": "c"},
    ]
    for written in (servers, {"iceServers": servers}):
        file.write_text(json.dumps(written))
        line = f"--ice-servers {file} --udp-ports 50000-50099 --interfaces eth0,192.0.2.7"
        assert parsed(line) == NetworkSettings(
            (
                IceServer(("stun:stun.example.org",)),
                IceServer(("turn:turn.example.org:443?transport=tcp",), "u", "c"),
            ),
            (50_000, 50_099),
            ("eth0", "192.0.2.7"),
        )
    assert parsed("") == NetworkSettings()
    assert parsed("--udp-ports 50000").udp_ports == (50_000, 50_000)
    with pytest.raises(SetupError, match="'many' is no range"):
        parsed("--udp-ports many")


def test_relays_only_where_the_file_says_so(tmp_path: Path) -> None:
    file, server = tmp_path / "ice.json", {"urls": "turn:x", "username": "u", "credential": "c"}
    for written, wanted in (
        ([server], False),
        ({"iceServers": [server]}, False),
        ({"iceServers": [server], "iceTransportPolicy": "all"}, False),
        ({"iceServers": [server], "iceTransportPolicy": "relay"}, True),
    ):
        file.write_text(json.dumps(written))
        assert parsed(f"--ice-servers {file}").relay_only == wanted
    file.write_text(json.dumps({"iceServers": [server], "iceTransportPolicy": "none"}))
    with pytest.raises(SetupError, match='iceTransportPolicy is "all" or "relay"'):
        parsed(f"--ice-servers {file}")
    stun = {"iceServers": [{"urls": "stun:x"}], "iceTransportPolicy": "relay"}
    file.write_text(json.dumps(stun))
    with pytest.raises(StreamError, match="relay only, and no TURN server is named"):
        parsed(f"--ice-servers {file}")


def parsed(line: str) -> NetworkSettings:
    parser = ArgumentParser()
    add_network_arguments(parser)
    return network_settings(parser.parse_args(line.split()))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[{"urls": "turn:x", "credential": "s3cret"', "is not JSON"),
        ('"s3cret"', "holds no list"),
        ('{"urls": "stun:x"}', "holds no list"),
        ('["s3cret"]', "not an object"),
        ('[{"urls": 7, "credential": "s3cret"}]', "urls are not text"),
        ('[{"urls": "turn:x", "username": "u", "credential": 7}]', "are text"),
        ('[{"urls": "turn:x", "credential": "s3cret"}]', "needs a username and a credential"),
    ],
)
def test_a_file_of_ice_servers_that_cannot_be_used(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "ice.json"
    path.write_text(text)
    with pytest.raises(SetupError, match=words) as caught:
        read_ice_servers(path)
    assert str(path) in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"none.json cannot be read \(No such file"):
        read_ice_servers(tmp_path / "none.json")
