"""Who asks: the address of a request, and whether this machine asks for itself."""

from __future__ import annotations

import ipaddress
from typing import TypeAlias

from aiohttp import web

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_FORWARDED = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP")

NETWORK_BITS = 64
"""Of an IPv6 address name the network; in the rest its owner may choose anew at will."""


def caller(request: web.Request) -> str | None:
    """The address of who asks. A reverse proxy on this machine is believed about whom it serves.

    Of `X-Forwarded-For` only the last entry counts, which is the proxy's own word; one that is no
    address counts as the proxy's.
    """
    remote = request.remote
    if remote is None or not is_local(remote):
        return remote
    said = request.headers.getall("X-Forwarded-For", [])
    last = ",".join(said).rsplit(",", 1)[-1].strip()
    return remote if _read(last) is None else last


def one_caller(address: str | None) -> str:
    """What limits count by: the address, or the network of one in IPv6."""
    found = _read(address or "")
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, NETWORK_BITS), strict=False))
    return address or "" if found is None else str(found)


def from_here(request: web.Request) -> bool:
    """Whether this machine asks for itself: no name but its own, and no proxy in between.

    nginx may pass neither address nor name on, but then it speaks HTTP/1.0 to us.
    """
    passed_on = request.version < (1, 1) or any(one in request.headers for one in _FORWARDED)
    return is_local(request.remote) and is_local(host_name(request.host)) and not passed_on


def is_local(name: str | None) -> bool:
    """Whether a host name or address means this machine itself."""
    if name is None:
        return False
    if name.lower() == "localhost":
        return True
    found = _read(name)
    return found is not None and found.is_loopback


def host_name(netloc: str) -> str | None:
    """The name in "name", "name:port" or "[address]:port", in small letters; None: it is none."""
    name, colon, port = netloc.rpartition(":")
    if not colon or netloc.endswith("]"):
        name, port = netloc, ""
    if name.startswith("[") != name.endswith("]") or (port and not port.isdecimal()):
        return None
    bare = name.removeprefix("[").removesuffix("]").lower()
    if name.startswith("["):
        return bare if isinstance(_read(bare), ipaddress.IPv6Address) else None
    return None if not bare or any(one in bare for one in ":/@?#\\ ") else bare


def same_address(one: str, other: str) -> bool:
    """Whether both are addresses, and the same."""
    found = _read(one)
    return found is not None and found == _read(other)


def shown(text: str) -> str:
    """`text` from a stranger, for a sentence: no control characters, and not long."""
    return ascii(text[:100])[1:-1]


def _read(text: str) -> Address | None:
    """The address in `text`; an IPv4 address within IPv6 as itself, and without its interface."""
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found
