"""The audience's link: its address, the key behind it, and what the terminal says of both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from textwrap import wrap

from live.stream.access import AccessSettings
from live.stream.access_caller import is_local
from live.stream.camera_link import interfaces, lan_address, outward_address
from live.stream.qr import terminal_qr


@dataclass(frozen=True, slots=True)
class AccessLink:
    """Where a page of the show is found from another machine."""

    url: str  # whole; the token in its fragment, where one is asked for
    reaches: bool  # another machine can open it


def access_link(
    server_url: str,
    host: str,
    token: str | None,
    page: str = "",
    find: Callable[[], str | None] | None = None,
) -> AccessLink:
    """The link to `page` of a server that is at `server_url` here and serves `host`.

    A `host` that means every network is replaced by the address that a phone in this machine's
    network would use; with a name of its own in `--name`, that is better.
    """
    scheme, port = server_url.split("://")[0], server_url.rstrip("/").rsplit(":", 1)[1]
    address = host
    if host in ("0.0.0.0", "::", ""):
        address = (find or _found)() or "127.0.0.1"
    name = f"[{address}]" if ":" in address else address
    fragment = "" if token is None else f"#{token}"
    return AccessLink(f"{scheme}://{name}:{port}/{page}{fragment}", not is_local(address))


def viewers_say(server_url: str, host: str, access: AccessSettings) -> str:
    """Lines for the person at the desk: how the audience gets in. Empty where nobody else can."""
    link = access_link(server_url, host, None if access.anybody else access.tokens.viewer)
    if not link.reaches:
        return ""
    whoever = "Anybody in this network may watch." if access.anybody else (
        "Whoever has this link may watch, also after a restart. For the audience only: the camera "
        "and the operator have links of their own."
    )  # fmt: skip
    lines = ["The audience scans this to watch:", link.url, *wrap(whoever, 76)]
    return terminal_qr(link.url) + "\n" + "".join(f"  {line}\n" for line in lines)


def console_says(server_url: str, host: str, access: AccessSettings | None) -> str:
    """Lines for the person at the desk: where the console is."""
    if access is None:
        return f"  The operator's console: {server_url}console\n"
    here = f"  The operator's console: {server_url}console#{access.tokens.operator}\n"
    link = access_link(server_url, host, access.tokens.operator, "console")
    if not link.reaches:
        return here
    whoever = (
        "Whoever has that link runs the show: it is for the operator's own tablet, and nobody else."
    )
    return f"{here}  On another machine: {link.url}\n" + "".join(
        f"  {line}\n" for line in wrap(whoever, 76)
    )


def proxied_say(access: AccessSettings) -> str:
    """What a web server in front of the show means for links, as one line; empty where nothing."""
    if access.anybody:
        return ""
    return (
        "  Behind a web server viewers need the key too: its address of the page, and then\n"
        f"  #{access.tokens.viewer}\n"
    )


def _found() -> str | None:
    return lan_address(interfaces(), outward_address())
