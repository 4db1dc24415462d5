"""How the show's packets find their way: STUN and TURN servers, UDP ports, network interfaces."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aiortc import RTCConfiguration, RTCIceServer, RTCIceTransportPolicy, RTCPeerConnection
from aiortc.rtcicetransport import parse_stun_turn_uri

from live.arguments import Arguments
from live.errors import SetupError, StreamError
from live.stream.host_candidates import bind_hosts

_SCHEMES = ("stun", "turn", "turns")
"""What aiortc 1.16 can use; it passes over `stuns` without a word."""

_FORM = (
    'the file holds a list such as [{"urls": "turn:turn.example.org:3478", "username": "me", '
    '"credential": "secret"}]'
)


@dataclass(frozen=True, slots=True)
class IceServer:
    """One STUN or TURN server, as W3C's RTCIceServer has it."""

    urls: tuple[str, ...]  # "stun:host[:port]", "turn:host[:port][?transport=udp|tcp]", "turns:..."
    username: str | None = None  # TURN only
    credential: str | None = field(default=None, repr=False)  # TURN only; a password

    def __post_init__(self) -> None:
        if not self.urls:
            raise StreamError("an ICE server without urls; give one such as stun:stun.example.org")
        for url in self.urls:
            _check_url(url)
        relays = [url for url in self.urls if url.startswith("turn")]
        if relays and not (self.username and self.credential):
            raise StreamError(f"the TURN server {relays[0]} needs a username and a credential")


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """Through what a connection's packets go. The default: any port, every interface, no server."""

    ice_servers: tuple[IceServer, ...] = ()  # of each kind the first is used (aiortc 1.16)
    udp_ports: tuple[int, int] | None = None  # (lowest, highest), both included; None: any
    interfaces: tuple[str, ...] = ()  # names ("eth0") or addresses; empty: all but loopback
    relay_only: bool = False  # all packets go by the TURN server, and no address of ours is told

    def __post_init__(self) -> None:
        if self.relay_only and not self.has_relay:
            raise StreamError("relay only, and no TURN server is named; give one in --ice-servers")
        if self.udp_ports is not None:
            low, high = self.udp_ports
            if not 1024 <= low <= high <= 65535:
                raise StreamError(
                    f"UDP ports {low}-{high} cannot be used; give LOW-HIGH from 1024 to 65535, "
                    "such as 50000-50099"
                )

    @property
    def has_relay(self) -> bool:
        """Whether a TURN server is named."""
        return any(url.startswith("turn") for one in self.ice_servers for url in one.urls)


def open_connection(network: NetworkSettings) -> RTCPeerConnection:
    """A connection that goes by `network`.

    When the UDP ports are used up, the interfaces are gone, or there is no relay and nothing else
    is wanted, its `setLocalDescription` raises `StreamError`. It asks no STUN server that is not
    named; aiortc's default asks Google's.
    """
    servers = [_for_aiortc(one) for one in network.ice_servers]
    policy = RTCIceTransportPolicy.RELAY if network.relay_only else RTCIceTransportPolicy.ALL
    connection = RTCPeerConnection(RTCConfiguration(servers, iceTransportPolicy=policy))
    if network.udp_ports is not None or network.interfaces or network.has_relay:
        bind_hosts(connection, network.udp_ports, network.interfaces)
    return connection


def _for_aiortc(server: IceServer) -> RTCIceServer:
    return RTCIceServer(list(server.urls), server.username, server.credential)


def _check_url(url: str) -> None:
    try:
        scheme = parse_stun_turn_uri(url)["scheme"]
    except ValueError as error:
        raise StreamError(
            f"{url!r} is no ICE server ({error}); write stun:HOST:PORT or turn:HOST:PORT"
        ) from error
    if scheme not in _SCHEMES:
        raise StreamError(f"{url!r} cannot be used; give it as stun:, turn: or turns:")


def add_network_arguments(parser: Arguments) -> None:
    """`--ice-servers`, `--udp-ports` and `--interfaces`."""
    parser.add_argument(
        "--ice-servers",
        type=Path,
        metavar="FILE",
        help="STUN and TURN servers with their credentials: JSON, as RTCIceServer has it",
    )
    parser.add_argument(
        "--udp-ports", metavar="LOW-HIGH", help="UDP ports for the picture, such as 50000-50099"
    )
    parser.add_argument(
        "--interfaces",
        metavar="NAMES",
        help="network interfaces or addresses to send from, with commas between: eth0,192.0.2.7",
    )


def network_settings(found: Namespace) -> NetworkSettings:
    """The settings from what `add_network_arguments` added. Raises `UnderstudyError`."""
    names = (found.interfaces or "").split(",")
    path: Path | None = found.ice_servers
    return NetworkSettings(
        () if path is None else read_ice_servers(path),
        None if found.udp_ports is None else _ports(found.udp_ports),
        tuple(name.strip() for name in names if name.strip()),
        path is not None and read_relay_only(path),
    )


def _ports(text: str) -> tuple[int, int]:
    low, _, high = text.partition("-")
    try:
        return int(low), int(high or low)
    except ValueError:
        raise SetupError(
            f"--udp-ports {text!r} is no range; give LOW-HIGH, such as 50000-50099"
        ) from None


def read_ice_servers(path: Path) -> tuple[IceServer, ...]:
    """The servers in a JSON file: a list of RTCIceServer, or {"iceServers": that list}.

    Raises `SetupError` that names the file, and never shows a credential.
    """
    found = _read(path)
    if isinstance(found, Mapping):
        found = found.get("iceServers")
    if not isinstance(found, list):
        raise SetupError(f"--ice-servers {path} holds no list; {_FORM}")
    try:
        return tuple(_server(one) for one in found)
    except StreamError as error:
        raise SetupError(f"--ice-servers {path}: {error}") from error


def read_relay_only(path: Path) -> bool:
    """Whether that file says {"iceTransportPolicy": "relay"}. Raises `SetupError`."""
    found = _read(path)
    policy = found.get("iceTransportPolicy", "all") if isinstance(found, Mapping) else "all"
    if policy not in ("all", "relay"):
        raise SetupError(f'--ice-servers {path}: iceTransportPolicy is "all" or "relay"')
    return bool(policy == "relay")


def _read(path: Path) -> object:
    try:
        return json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SetupError(f"--ice-servers {path} cannot be read ({error.strerror})") from error
    except ValueError:  # not "from": json's error carries the text, and with it the credentials
        raise SetupError(f"--ice-servers {path} is not JSON; {_FORM}") from None


def _server(found: object) -> IceServer:
    if not isinstance(found, Mapping):
        raise StreamError(f"a server is not an object; {_FORM}")
    urls = found.get("urls")
    urls = [urls] if isinstance(urls, str) else urls
    if not (isinstance(urls, list) and all(isinstance(url, str) for url in urls)):
        raise StreamError(f"a server's urls are not text; {_FORM}")
    username, credential = found.get("username"), found.get("credential")
    for text in (username, credential):
        if not (text is None or isinstance(text, str)):
            raise StreamError(f"a server's username and credential are text; {_FORM}")
    return IceServer(tuple(urls), username, credential)
