"""From which addresses and UDP ports a connection's packets leave.

aioice binds any free port on every address. Here one connection at a time is told otherwise, by
its own ICE agents' `get_component_candidates`, and no other connection is touched. For aiortc 1.16
and aioice 0.13; where their inner names are gone, `bind_hosts` says so at once. The relay, where
there is one, is asked for in `live.stream.relay`.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import socket
from collections.abc import Iterator
from functools import partial

import ifaddr
from aioice import Candidate, Connection, TransportPolicy, ice
from aioice.candidate import candidate_foundation, candidate_priority
from aiortc import RTCPeerConnection, RTCSessionDescription

from live.errors import StreamError
from live.stream.relay import relayed

log = logging.getLogger(__name__)

_ANSWER_S = 5.0
"""Within which a STUN server answers, or is passed over. aioice's own figure."""

_RECEIVE_BUFFER_BYTES = 262_144
"""aioice's own figure."""

Ports = tuple[int, int]
"""(lowest, highest), both included."""


def bind_hosts(
    connection: RTCPeerConnection, ports: Ports | None, interfaces: tuple[str, ...]
) -> None:
    """Let `connection` bind `ports` (None: any) on `interfaces` (empty: all but loopback) only.

    Its `setLocalDescription`, which gathers candidates, raises `StreamError` when that fails.
    """
    plain = connection.setLocalDescription

    async def describe(description: RTCSessionDescription | None = None) -> None:
        agents = _agents(connection)
        for agent in agents:
            _check(agent)
            gather = partial(_gather, agent, ports, interfaces)
            setattr(agent, "get_component_candidates", gather)  # noqa: B010 (mypy refuses `=`)
        await plain(description)

    setattr(connection, "setLocalDescription", describe)  # noqa: B010 (mypy refuses `=`)


def _agents(connection: RTCPeerConnection) -> set[Connection]:
    """The ICE agents of `connection`, of which BUNDLE leaves one."""
    transports = {one.receiver.transport.transport for one in connection.getTransceivers()}
    if connection.sctp is not None:
        transports.add(connection.sctp.transport.transport)
    return {one.iceGatherer._connection for one in transports}


def _check(agent: Connection) -> None:
    wanted = (
        (agent, ("get_component_candidates", "_protocols")),
        (ice, ("StunProtocol", "server_reflexive_candidate", "relayed_candidate")),
    )
    missing = [name for where, names in wanted for name in names if not hasattr(where, name)]
    if missing:
        raise StreamError(
            f"this aioice has no {', '.join(missing)}, so --udp-ports, --interfaces and TURN "
            "servers cannot be used; pip install 'aioice~=0.13.0'"
        )


async def _gather(
    agent: Connection,
    ports: Ports | None,
    interfaces: tuple[str, ...],
    component: int,
    addresses: list[str],
    timeout: float = _ANSWER_S,
) -> list[Candidate]:
    """In place of aioice's `get_component_candidates`; `addresses` are those it would bind."""
    if agent._transport_policy is TransportPolicy.RELAY:
        return await relayed(agent, component, timeout)
    found = await _hosts(agent, component, _chosen(addresses, interfaces), ports)
    relay = asyncio.create_task(_relay_if_any(agent, component, timeout))
    return found + await _reflexive(agent, component, timeout) + await relay


async def _relay_if_any(agent: Connection, component: int, timeout_s: float) -> list[Candidate]:
    """Without the relay there are our own addresses still; the sentence is the log's."""
    try:
        return await relayed(agent, component, timeout_s)
    except StreamError as error:
        log.warning("%s; the show goes on without its relay", error)
        return []


def _chosen(addresses: list[str], interfaces: tuple[str, ...]) -> list[str]:
    """Those of this machine's addresses that `interfaces` name. Raises `StreamError` for none."""
    if not interfaces:
        return addresses
    named, here = {_canonical(one) for one in interfaces}, list(_here())
    found = [address for name, address in here if {name, address} & named]
    if not found:
        known = ", ".join(sorted({f"{name} ({address})" for name, address in here}))
        raise StreamError(
            f"this machine has no interface {', '.join(interfaces)}; give --interfaces some of "
            f"{known}"
        )
    return found


def _canonical(name: str) -> str:
    """An address as everybody writes it; an interface's name as it is."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name


def _here() -> Iterator[tuple[str, str]]:
    """(interface name, address) of all of this machine's, without IPv6 addresses of one link."""
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            if isinstance(ip.ip, str):
                yield adapter.nice_name, ip.ip
            elif ip.ip[2] == 0:  # its scope
                yield adapter.nice_name, ip.ip[0]


async def _hosts(
    agent: Connection, component: int, addresses: list[str], ports: Ports | None
) -> list[Candidate]:
    """One for each address that can be bound. Raises `StreamError` when none of them can."""
    found, refused = [], []
    for address in addresses:
        try:
            found.append(await _host(agent, component, address, ports))
        except StreamError as error:
            refused.append(error)
    if refused and not found:
        raise refused[0]
    for one in refused:
        log.warning("%s", one)
    return found


async def _host(agent: Connection, component: int, address: str, ports: Ports | None) -> Candidate:
    bound = _bound(address, ports)
    loop = asyncio.get_running_loop()
    try:
        _, protocol = await loop.create_datagram_endpoint(
            lambda: ice.StunProtocol(agent), sock=bound
        )
    except BaseException:
        bound.close()
        raise
    agent._protocols.append(protocol)  # from now on the agent closes it
    host, port = bound.getsockname()[:2]
    protocol.local_candidate = Candidate(
        foundation=candidate_foundation("host", "udp", host),
        component=component,
        transport="udp",
        priority=candidate_priority(component, "host"),
        host=host,
        port=port,
        type="host",
    )
    return protocol.local_candidate


def _bound(address: str, ports: Ports | None) -> socket.socket:
    """A UDP socket on the first free one of `ports`. Raises `StreamError` when none is free."""
    version = ipaddress.ip_address(address).version
    made = socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        _bind(made, address, ports or (0, 0))
    except BaseException:
        made.close()
        raise
    return made


def _bind(made: socket.socket, address: str, ports: Ports) -> None:
    low, high = ports
    for port in range(low, high + 1):
        try:
            made.bind((address, port))
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise StreamError(f"cannot send from {address} ({error})") from error
        else:
            return
    raise StreamError(
        f"all UDP ports {low}-{high} on {address} are taken, one for each viewer; "
        "give --udp-ports a wider range"
    )


async def _reflexive(agent: Connection, component: int, timeout_s: float) -> list[Candidate]:
    """How the STUN server sees our sockets: for IPv4 only, as in aioice."""
    server = agent.stun_server
    if server is None:
        return []
    asked = [
        asyncio.create_task(ice.server_reflexive_candidate(one, server))
        for one in agent._protocols
        if one.local_candidate.component == component and one.local_candidate.type == "host"
        and ipaddress.ip_address(one.local_candidate.host).version == 4
    ]  # fmt: skip
    if not asked:
        return []
    done, late = await asyncio.wait(asked, timeout=timeout_s)
    for task in late:
        task.cancel()
    return [task.result()[0] for task in done if task.exception() is None]
