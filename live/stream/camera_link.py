"""The link that makes a phone the camera: which address it has, its key, and what is said of it."""

from __future__ import annotations

import ipaddress
import re
import secrets
import socket
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from textwrap import wrap

import ifaddr

from live.stream.pages import is_local
from live.stream.qr import terminal_qr

ASKS = (
    "The phone will warn that this page's certificate is not known: it was made on this machine, "
    "so choose 'details' or 'advanced' and go on. Then it asks whether the page may use the "
    "camera: allow it."
)
"""What the phone will ask, in the order in which it does."""

_VIRTUAL = re.compile(r"(docker|br-|veth|virbr|vmnet|vboxnet|vnic|tun|tap|utun|wg|tailscale|zt)")
_PRIVATE = tuple(ipaddress.ip_network(n) for n in ("192.168.0.0/16", "10.0.0.0/8", "172.16.0.0/12"))


@dataclass(frozen=True, slots=True)
class Interface:
    """One IPv4 address of this machine."""

    name: str  # of its network interface
    address: str


def interfaces() -> Iterator[Interface]:
    """This machine's, without loopback."""
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            if isinstance(ip.ip, str) and not ipaddress.ip_address(ip.ip).is_loopback:
                yield Interface(adapter.nice_name, ip.ip)


def lan_address(found: Iterable[Interface], route: str | None) -> str | None:
    """The address at which a phone in the same network would find this machine.

    A real interface before a virtual one, then the one by which packets leave (`route`), then a
    private address; None where there is none at all.
    """

    def rank(one: Interface) -> tuple[bool, bool, bool, bool]:
        address = ipaddress.ip_address(one.address)
        return (
            address.is_link_local,  # nobody gave it one
            _VIRTUAL.match(one.name.lower()) is not None,
            one.address != route,
            not any(address in network for network in _PRIVATE),
        )

    return min(found, key=rank).address if (found := list(found)) else None


def outward_address() -> str | None:
    """The address by which this machine's packets leave. Sends none: a UDP socket only looks."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # a documentation address, RFC 5737
        except OSError:  # no way out
            return None
        return str(probe.getsockname()[0])


def new_key() -> str:
    """A key that nobody guesses: 128 random bits, fit for a link."""
    return secrets.token_urlsafe(16)


@dataclass(frozen=True, slots=True)
class CameraLink:
    """Where a phone finds the camera's page."""

    url: str  # whole, with the key in its fragment, which browsers keep to themselves
    trouble: str | None  # why a phone could not be the camera by it, and what to do


def camera_link(
    server_url: str,
    host: str,
    key: str,
    find: Callable[[], str | None] | None = None,
) -> CameraLink:
    """The link for a server that is at `server_url` here and serves `host`.

    A `host` that means every network is replaced by the address that a phone in this machine's
    network would use.
    """
    scheme, port = server_url.split("://")[0], server_url.rstrip("/").rsplit(":", 1)[1]
    address = host
    if host in ("0.0.0.0", "::", ""):
        address = (find or _found)() or "127.0.0.1"
    name = f"[{address}]" if ":" in address else address
    url = f"{scheme}://{name}:{port}/camera#{key}"
    return CameraLink(url, _trouble(scheme, address))


def _found() -> str | None:
    return lan_address(interfaces(), outward_address())


def _trouble(scheme: str, address: str) -> str | None:
    if is_local(address):
        return "A phone cannot reach this address; start the show with --host 0.0.0.0 --tls auto."
    if scheme != "https":
        return "Browsers give the camera to secure pages only; start the show with --tls auto."
    return None


def link_text(link: CameraLink) -> str:
    """What the terminal says: the code, the link, and what the phone will ask."""
    said = link.trouble or ASKS
    lines = ["Scan this with the phone that is the camera:", link.url, *wrap(said, 76)]
    return terminal_qr(link.url) + "\n" + "".join(f"  {line}\n" for line in lines)
