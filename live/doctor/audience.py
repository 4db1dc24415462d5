"""Who can reach the show: this machine's addresses, its Wi-Fi, its firewall, its certificate."""

from __future__ import annotations

import datetime
import ipaddress
import shutil
import sys
from pathlib import Path

from cryptography import x509

from live.doctor.check import Plan
from live.doctor.finding import Finding, careful, right, wrong
from live.stream.access_caller import is_local
from live.stream.access_link import access_link
from live.stream.camera_link import Interface, interfaces
from live.stream.server import ServerSettings

SOON = datetime.timedelta(days=14)
NET = Path("/sys/class/net")
UFW = Path("/etc/ufw/ufw.conf")


def look_at_audience(plan: Plan) -> Finding:
    """Which address a phone would use, and what may be in its way."""
    server = plan.options.stream.server
    if is_local(server.host):
        return right(
            "this machine alone can watch; --host 0.0.0.0 lets the network in, by a link with a key"
        )
    here = list(interfaces())
    link = access_link(f"{server.scheme}://127.0.0.1:{server.port}/", server.host, None)
    if not link.reaches:
        return wrong(
            "--host serves the network, and this machine is in none",
            "plug in a cable or join a Wi-Fi",
        )
    address = link.url.split("://")[1].rpartition(":")[0].strip("[]")
    said = f"phones in this network open {link.url} with the key that the show prints"
    details = [*_firewall(server), *_others(here, address)]
    if _is_nobodys(address):
        return careful(
            f"{address} is an address that this machine gave itself: there is no router",
            "plug it into a router, or give it and the viewers addresses of one network", details,
        )  # fmt: skip
    if _is_wireless(address, here):
        return careful(
            f"{said}; this machine is on Wi-Fi", "use a cable from here to the router: pictures "
            "that stutter on a stage are Wi-Fi's, nearly always", details,
        )  # fmt: skip
    return right(said, details)


def look_at_certificate(plan: Plan) -> Finding | None:
    """How long the certificate of --tls is good for, and what browsers will say of it."""
    path = plan.options.stream.server.certificate
    if path is None:
        return None
    try:
        found = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        return wrong(f"{path} holds no certificate ({error})", "give --tls auto, or one in PEM")
    now = datetime.datetime.now(datetime.UTC)
    ends = found.not_valid_after_utc
    if not found.not_valid_before_utc <= now < ends:
        return wrong(
            f"{path} is good from {found.not_valid_before_utc:%Y-%m-%d} to {ends:%Y-%m-%d}, and "
            f"today is {now:%Y-%m-%d}",
            "renew it, give --tls auto, or set the clock of this machine",
        )
    own = found.issuer == found.subject
    said = f"good until {ends:%Y-%m-%d}" + (", made here: browsers warn once" if own else "")
    if ends - now < SOON:
        return careful(said, "renew it before the show")
    return right(said)


def _firewall(server: ServerSettings) -> list[str]:
    ports = server.network.udp_ports
    udp = f"{ports[0]}:{ports[1]}" if ports else "1024:65535"
    if sys.platform == "win32":
        return ["Windows asks at the first start whether Python may use networks: allow private "
                "ones; and let the venue's network be a private one, in its settings"]  # fmt: skip
    if sys.platform == "darwin":
        return ["macOS asks at the first start whether Python may take connections: allow it"]
    if _ufw_is_on():
        return [f"a firewall (ufw) is on: sudo ufw allow {server.port}/tcp; "
                f"sudo ufw allow {udp}/udp"]  # fmt: skip
    if shutil.which("firewall-cmd"):
        port = udp.replace(":", "-")
        return [f"if firewalld runs: sudo firewall-cmd --add-port={server.port}/tcp "
                f"--add-port={port}/udp"]  # fmt: skip
    return []


def _ufw_is_on() -> bool:
    try:
        return "ENABLED=yes" in UFW.read_text("utf-8")
    except (OSError, ValueError):
        return False


def _others(here: list[Interface], address: str) -> list[str]:
    others = [f"{one.address} ({one.name})" for one in here if one.address != address]
    return [f"other addresses of this machine: {', '.join(others)}"] if others else []


def _is_nobodys(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_link_local
    except ValueError:  # a name
        return False


def _is_wireless(address: str, here: list[Interface]) -> bool:
    """Where Linux tells; other systems do not in so few words."""
    names = [one.name for one in here if one.address == address]
    return any((NET / name / "wireless").exists() for name in names)
