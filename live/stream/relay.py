"""A connection's place at a TURN server (RFC 8656), and who may send to it there.

For aiortc 1.16 and aioice 0.13, which keeps to itself why a TURN server gave nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress

from aioice import Candidate, Connection, TransportPolicy, ice, stun
from aiortc import RTCPeerConnection

from live.errors import StreamError

_DISCARD = 9
"""A port where nobody listens (RFC 863). A TURN server lets through by address, not by port."""


async def relayed(agent: Connection, component: int, timeout_s: float) -> list[Candidate]:
    """Our address at the agent's TURN server; nothing without a server. Raises `StreamError`."""
    if agent.turn_server is None:
        return []
    try:
        async with asyncio.timeout(timeout_s):
            candidate, protocol = await ice.relayed_candidate(
                component=component,
                hide_related_address=agent._transport_policy is TransportPolicy.RELAY,
                protocol_factory=lambda: ice.StunProtocol(agent),
                turn_server=agent.turn_server,
                turn_username=agent.turn_username,
                turn_password=agent.turn_password,
                turn_ssl=agent.turn_ssl,
                turn_transport=agent.turn_transport,
            )
    except (TimeoutError, OSError, stun.TransactionError) as error:
        raise StreamError(_remedy(agent.turn_server, error)) from error
    agent._protocols.append(protocol)  # from now on the agent closes it
    return [candidate]


def _remedy(server: tuple[str, int], error: Exception) -> str:
    where = f"the TURN server {server[0]}:{server[1]}"
    code = error.response.error_code if isinstance(error, stun.TransactionFailed) else None
    if code == 401:
        return f"{where} refuses the username or credential in the file of --ice-servers"
    if code is not None:
        return f"{where} gives us no relay ({error}); see its own log"
    if isinstance(error, TimeoutError | stun.TransactionTimeout):
        return f"{where} does not answer; see its address in the file of --ice-servers"
    return f"{where} cannot be reached ({error}); see its address in the file of --ice-servers"


def welcome(connection: RTCPeerConnection, address: str | None) -> None:
    """Let packets from `address` reach `connection` through its relays, if it has any.

    A TURN server turns away whoever we have not sent anything to (RFC 8656 section 9), and a
    viewer calls before we know where from. Where it asked from by HTTP is the best guess, or that
    it has a place at the same TURN server: one empty packet goes to each. Call it when the
    candidates are gathered.
    """
    for protocol in _relays(connection):
        here = protocol.local_candidate.host
        for there in {here, address or here}:
            if _version(there) == _version(here):
                protocol.transport.sendto(b"", (there, _DISCARD))


def _version(address: str) -> int | None:
    """Of IP; None for what is no address, as a proxy may say."""
    try:
        return ipaddress.ip_address(address).version
    except ValueError:
        return None


def _relays(connection: RTCPeerConnection) -> list[ice.StunProtocol]:
    transports = {one.receiver.transport.transport for one in connection.getTransceivers()}
    agents = {one.iceGatherer._connection for one in transports}
    found = [protocol for agent in agents for protocol in agent._protocols]
    return [one for one in found if one.local_candidate.type == "relay"]
