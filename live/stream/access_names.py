"""By which names this machine may be asked, so that a stranger's name that leads here is refused.

That is how DNS rebinding comes: a page of attacker.example makes its own name lead to this machine
and asks as if it were one of ours. An address cannot be made to lead elsewhere, but only those at
which the request really arrived are taken, so that what a router passes on has to be named.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection

from aiohttp import web

from live.errors import SetupError
from live.stream.access_caller import host_name, is_local, same_address
from live.stream.cors import CorsSettings


def checked_names(given: Collection[str]) -> frozenset[str]:
    """What `--name` gave, in small letters. Raises `SetupError`."""
    for name in given:
        if host_name(name) is None or "*" in name or ":" in name:
            raise SetupError(f"--name {name!r} is no host's name; give one such as show.example")
    return frozenset(name.lower() for name in given)


def own_names() -> frozenset[str]:
    """What this machine is called in its network. Asks nobody."""
    machine = socket.gethostname().rstrip(".").lower()
    short = machine.split(".")[0]
    return frozenset(one for one in (machine, short, f"{short}.local") if one)


def known_hosts(
    host: str, names: Collection[str], friends: CorsSettings
) -> Callable[[web.Request], bool]:
    """Whether a request's Host is one of ours, for a server that serves `host`.

    Only ourselves, while that is loopback: a proxy's name must be given, by `names` or as one of
    the `friends`.
    """
    local = is_local(host)
    ours = frozenset(names) if local else own_names() | {host.lower()} | frozenset(names)

    def known(request: web.Request) -> bool:
        name = host_name(request.host)
        if name is None:
            return False
        if is_local(name) or name in ours or friends.names(request.host):
            return True
        return not local and same_address(name, _arrived_at(request))

    return known


def _arrived_at(request: web.Request) -> str:
    """The address of this machine at which the request arrived."""
    transport = request.transport
    here = transport.get_extra_info("sockname") if transport is not None else None
    return str(here[0]) if here else ""
