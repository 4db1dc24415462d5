"""By which addresses the picture's packets leave: gathered as for a real viewer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from live.doctor.check import Plan
from live.doctor.finding import Finding, careful, right, wrong
from live.stream.network import NetworkSettings, open_connection

LIMIT_S = 7.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """One address that viewers are told (RFC 8839, section 5.1)."""

    address: str
    port: int  # UDP
    kind: str  # "host", "srflx" (as STUN sees us) or "relay" (TURN's)


def look_at_packets(plan: Plan) -> Finding:
    """UDP ports, interfaces, STUN and TURN, as the options have them."""
    network = plan.options.stream.server.network
    found = asyncio.run(gather(network))  # raises StreamError: no port, no interface, no relay
    kinds = {one.kind for one in found}
    hosts = list(dict.fromkeys(one.address for one in found if one.kind == "host"))
    stun = any(url.startswith("stun") for server in network.ice_servers for url in server.urls)
    if not found:
        return wrong(
            "this machine has no address but its own loopback, so no viewer gets a picture, not "
            "even the browser on it",
            "plug in a network cable or join a Wi-Fi; it need not lead to the internet",
        )
    said = f"the picture leaves by UDP from {', '.join(hosts) or 'the relay alone'}"
    if network.udp_ports is not None:
        said += f", ports {network.udp_ports[0]} to {network.udp_ports[1]}"
    if network.has_relay and "relay" not in kinds:
        return careful(
            f"{said}; the TURN server gave no relay",
            "check its address, name and password in the file of --ice-servers",
        )
    if stun and "srflx" not in kinds and not network.relay_only:
        return careful(
            f"{said}; the STUN server did not answer",
            "check its address in the file of --ice-servers; viewers in this network need none",
        )
    outside = [f"{one.kind} {one.address}" for one in found if one.kind != "host"]
    return right(said + (f"; beyond the router by {', '.join(outside)}" if outside else ""))


async def gather(network: NetworkSettings) -> list[Candidate]:
    """What a viewer would be told. Raises StreamError."""
    connection = open_connection(network)
    try:
        connection.addTransceiver("video", direction="sendonly")
        await connection.setLocalDescription(await connection.createOffer())
        return candidates(connection.localDescription.sdp)
    finally:
        await connection.close()


def candidates(sdp: str) -> list[Candidate]:
    """Those in a description."""
    found = []
    for line in sdp.splitlines():
        words = line.split()
        if line.startswith("a=candidate:") and len(words) >= 8:
            found.append(Candidate(words[4], int(words[5]), words[7]))
    return found
