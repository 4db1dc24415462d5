"""The show's own server on the port that was asked for: it starts, and its page is fetched."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request

from live.doctor.check import Plan
from live.doctor.finding import Finding, from_error, right, wrong
from live.errors import StreamError
from live.stream.access_caller import is_local
from live.stream.access_link import access_link
from live.stream.hub import Hub
from live.stream.server import ServerSettings, ShowServer

LIMIT_S = 8.0
FETCH_S = 2.0


def look_at_server(plan: Plan) -> Finding:
    """Whether a browser on this machine gets the page, and by the address that others use, too."""
    settings, hub = plan.options.stream.server, Hub(plan.options.stream.encoder)
    try:
        with ShowServer(settings, hub, status=dict) as server:
            return _fetched(server, settings)
    except StreamError as error:
        return _refused(settings, error)
    finally:
        hub.close()


def _fetched(server: ShowServer, settings: ServerSettings) -> Finding:
    urls = [server.url]
    outside = access_link(server.url, settings.host, None).url
    if not is_local(settings.host) and outside != server.url:
        urls.append(outside)
    for url in urls:
        try:
            fetch(url)
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            return wrong(
                f"the server runs, and its page does not come by {url} ({reason})",
                "a firewall or another program of this machine is in the way: let it through, or "
                "give another --port",
            )
    where = " and ".join(urls)
    return right(f"port {settings.port or server.port} is free, and the page comes by {where}")


def _refused(settings: ServerSettings, error: StreamError) -> Finding:
    """Where it is one of ours that has the port, that is said."""
    host = settings.host if settings.host not in ("0.0.0.0", "::", "") else "127.0.0.1"
    try:
        ours = fetch(f"{settings.scheme}://{host}:{settings.port}/") == "understudy"
    except (OSError, ValueError):
        ours = False
    if ours:
        return wrong(
            f"another show is on at port {settings.port} of this machine",
            f"end it (Ctrl-C where it runs), or give this one --port {settings.port + 1}",
        )
    return from_error(error)


def fetch(url: str) -> str:
    """What the server calls itself that gives the page at `url`. Raises OSError."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE  # it may be our own
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusting)
    )
    try:
        with opener.open(url, timeout=FETCH_S) as answer:
            answer.read()
            return str(answer.headers.get("Server", ""))
    except urllib.error.HTTPError as error:
        error.close()
        raise
