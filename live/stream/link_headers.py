"""ICE servers that a WHIP endpoint names: Link headers (RFC 8288), as RFC 9725 section 4.4 has it.

Link: <turn:turn.example.org?transport=udp>; rel="ice-server";
      username="user"; credential="secret"; credential-type="password"
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator

from live.errors import StreamError
from live.stream.network import IceServer

log = logging.getLogger(__name__)

MOST_SERVERS = 16
"""Of what a stranger names, no more is read."""

_LINK = re.compile(r"""<([^<>]*)>((?:[^",]|"(?:[^"\\]|\\.)*")*)""")
_PARAMETER = re.compile(r""";\s*([\w!#$&+.^`|~-]+)\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^\s;,"]*))?""")


def ice_servers(headers: Iterable[str]) -> tuple[IceServer, ...]:
    """The servers in the values of a response's Link headers; those of no use are passed over."""
    found: list[IceServer] = []
    for header in headers:
        for url, parameters in _links(header):
            if "ice-server" not in parameters.get("rel", "").lower().split():
                continue
            server = _server(url, parameters)
            if server is not None and len(found) < MOST_SERVERS:
                found.append(server)
    return tuple(found)


def _server(url: str, parameters: dict[str, str]) -> IceServer | None:
    if parameters.get("credential-type", "password") != "password":
        log.info("the ICE server %s wants a credential that is no password; passed over", url)
        return None
    try:
        return IceServer((url,), parameters.get("username"), parameters.get("credential"))
    except StreamError as error:
        log.info("an ICE server from the endpoint is passed over: %s", error)
        return None


def _links(header: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Each link's target and parameters. Of a parameter that comes twice, the first counts."""
    for link in _LINK.finditer(header):
        parameters: dict[str, str] = {}
        for found in _PARAMETER.finditer(link[2]):
            parameters.setdefault(found[1].lower(), _unquoted(found[2] or ""))
        yield link[1].strip(), parameters


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text
    return re.sub(r"\\(.)", r"\1", text[1:-1])
