"""coturn, Debian's own: a TURN server with long-term credentials (RFC 8489 section 9.2)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tests.interop.service import Service, free_tcp_port, program

NAME, CREDENTIAL = "stage", "s3cret-of-the-house"

RELAYS = range(61_000, 61_100)
"""UDP ports of its relays: above those that the system gives out by itself."""

_CONFIGURATION = """
listening-ip={address}
relay-ip={address}
listening-port={port}
min-port={low}
max-port={high}
realm=understudy
lt-cred-mech
user={user}
fingerprint
no-tls
no-dtls
no-cli
log-file=stdout
simple-log
verbose
pidfile={folder}/turnserver.pid
userdb={folder}/turndb
"""


@dataclass(frozen=True)
class Turn:
    """A TURN server that runs."""

    service: Service
    url: str
    folder: Path

    def file(self, credential: str = CREDENTIAL, policy: str = "all", url: str = "") -> Path:
        """A file for --ice-servers."""
        server = {"urls": url or self.url, "username": NAME, "credential": credential}
        path = self.folder / "ice.json"
        path.write_text(json.dumps({"iceServers": [server], "iceTransportPolicy": policy}))
        return path


def turn_server(folder: Path, address: str) -> Turn:
    """coturn at `address`, not started yet."""
    binary, port = program("turnserver", "coturn"), free_tcp_port(address)
    configuration = folder / "turnserver.conf"
    configuration.write_text(
        _CONFIGURATION.format(
            address=address,
            port=port,
            low=RELAYS[0],
            high=RELAYS[-1],
            user=f"{NAME}:{CREDENTIAL}",
            folder=folder,
        )
    )
    service = Service([binary, "-c", str(configuration)], folder, (address, port))
    return Turn(service, f"turn:{address}:{port}", folder)
