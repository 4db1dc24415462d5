"""The show's server: the viewer's page and the stream, on an event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.http import HttpProcessingError
from aiortc.exceptions import InvalidStateError

from live.errors import StreamError
from live.stream.access import ACCESS, Access, AccessSettings
from live.stream.access_connections import (
    HANDSHAKE_S,
    REQUEST_S,
    ConnectionLimits,
    Connections,
)
from live.stream.access_pass import add_passes
from live.stream.cors import CorsSettings
from live.stream.hub import Hub
from live.stream.network import NetworkSettings
from live.stream.pages import Status, add_pages, guard
from live.stream.sound_sender import Sound
from live.stream.tls import server_context
from live.stream.viewers import ViewerLimits, Viewers
from live.stream.whep import LONGEST_OFFER, add_whep

log = logging.getLogger(__name__)

START_S = 10.0
CLOSE_S = 3.0

AddRoutes = Callable[[web.Application], None]
"""Adds routes of its own; what it opens, it closes in the application's `on_shutdown`."""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where the show is served."""

    host: str = "127.0.0.1"  # "0.0.0.0" serves every network the machine is in
    port: int = 8080  # TCP; 0 takes any free one
    limits: ViewerLimits = field(default_factory=ViewerLimits)
    network: NetworkSettings = field(default_factory=NetworkSettings)
    cors: CorsSettings = field(default_factory=CorsSettings)
    certificate: Path | None = None  # PEM; None serves plain HTTP
    key: Path | None = None  # PEM; None: it is in the certificate's file
    access: AccessSettings | None = None  # None: whoever reaches the server may watch
    connections: ConnectionLimits = field(default_factory=ConnectionLimits)

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise StreamError(f"there is no port {self.port}; give --port 1 to 65535, such as 8080")

    @property
    def scheme(self) -> str:
        """Of its addresses: "http", with a certificate "https"."""
        return "http" if self.certificate is None else "https"


class ShowServer:
    """Serves one hub. `start` and `close` from any thread but its own."""

    def __init__(
        self,
        settings: ServerSettings,
        hub: Hub,
        status: Status,
        sound: Sound | None = None,
        more: Sequence[AddRoutes] = (),
    ) -> None:
        """`status` is asked by `GET /status`, on the server's thread: keep it quick.

        The hub's counters come with it in any case. The page reads `fps` (pictures per second)
        and `delay_ms` ({"p50"}, camera to encoded), where they are given. `more` adds routes
        behind the same guard. Raises `StreamError` for a certificate that cannot be used.
        """
        self._settings = settings
        self._hub = hub
        self._status = status
        self._sound = sound
        self._more = tuple(more)
        self._tls = (
            None
            if settings.certificate is None
            else server_context(settings.certificate, settings.key)
        )
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._failure: StreamError | None = None
        self._port = settings.port

    @property
    def port(self) -> int:
        """The TCP port in use."""
        return self._port

    @property
    def url(self) -> str:
        """Where a browser on this machine finds the page."""
        host = self._settings.host
        if host in ("0.0.0.0", "::", ""):
            host = "127.0.0.1"
        scheme = self._settings.scheme
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self._port}/"

    def start(self) -> None:
        """Serve; returns once connections are taken. Raises `StreamError` with the remedy."""
        assert self._thread is None, "a ShowServer starts once"
        self._thread = threading.Thread(target=self._run, name="server", daemon=True)
        self._thread.start()
        if not self._ready.wait(START_S):
            raise StreamError(f"the server did not start within {START_S:.0f} s; try again")
        if self._failure is not None:
            self._thread.join(CLOSE_S)
            raise self._failure

    def close(self) -> None:
        """End all viewers, then the server. May be called twice, and before `start`."""
        if self._thread is None or not self._thread.is_alive():
            return
        assert self._loop is not None
        assert self._stop is not None
        try:
            self._loop.call_soon_threadsafe(self._stop.set)
        except RuntimeError:  # it has ended meanwhile
            return
        self._thread.join(CLOSE_S)
        if self._thread.is_alive():
            log.warning("the server did not end within %.0f s; leaving it", CLOSE_S)

    def __enter__(self) -> ShowServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # a thread's top: say it, and let the show go on
            log.exception("the server stopped")
            self._failure = self._failure or StreamError(f"the server stopped: {error!r}")
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._loop.set_exception_handler(_on_lost_error)
        settings = self._settings
        viewers = Viewers(self._hub, settings.limits, settings.network, self._sound)
        runner = web.AppRunner(
            self._application(viewers),
            access_log=None,
            logger=_quiet_log(),
            shutdown_timeout=0.5,
            keepalive_timeout=REQUEST_S,  # of the first request's head, too
            auto_decompress=False,  # nothing that is asked of us comes packed
            lingering_time=REQUEST_S,  # for the rest of a body that nobody reads
        )
        await runner.setup()
        try:
            listening = await _listen(runner, settings, self._tls)
            self._port = int(listening.sockets[0].getsockname()[1])
            self._ready.set()
            try:
                await self._stop.wait()
            finally:
                listening.close()
        except StreamError as error:
            self._failure = error
        finally:
            await viewers.close()
            await runner.cleanup()

    def _application(self, viewers: Viewers) -> web.Application:
        settings = self._settings
        names = settings.access.names if settings.access is not None else ()
        app = web.Application(
            client_max_size=LONGEST_OFFER,
            middlewares=[guard(settings.host, settings.cors, names)],
        )
        if settings.access is not None:
            app[ACCESS] = Access(settings.access)
        add_passes(app)
        add_pages(app, self._tell)
        add_whep(app, viewers, settings.cors)
        for add_routes in self._more:
            add_routes(app)
        return app

    def _tell(self) -> dict[str, object]:
        return {**asdict(self._hub.counts), **self._status()}


def _on_lost_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What a task nobody waits for has raised: logged, as asyncio does it by itself.

    But for a viewer who is given up while he connects: aiortc's own task then finds its transport
    closed, and that is how it should be.
    """
    if isinstance(context.get("exception"), InvalidStateError):
        log.debug("a connection was closed before it was made: %s", context["exception"])
    else:
        loop.default_exception_handler(context)


def _quiet_log() -> logging.Logger:
    """aiohttp's log, without what strangers send that is no HTTP: theirs is the mistake.

    It would be written with a trace, as often as they like, and with the line, which may hold a
    key.
    """
    found = log.getChild("http")
    found.addFilter(_is_ours)
    return found


def _is_ours(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    # He may leave while aiohttp answers; and it fails to tell him his own bytes where they are no
    # UTF-8 (3.14.5, an unknown Expect), which he gets as a 500.
    return not isinstance(error, HttpProcessingError | ConnectionError | UnicodeEncodeError)


async def _listen(
    runner: web.AppRunner, settings: ServerSettings, tls: ssl.SSLContext | None
) -> asyncio.Server:
    """What takes connections now. Raises `StreamError`."""
    host, port = settings.host, settings.port
    assert runner.server is not None, "the runner is set up"
    try:
        return await asyncio.get_running_loop().create_server(
            Connections(settings.connections).door(runner.server),
            host,
            port,
            ssl=tls,
            ssl_handshake_timeout=None if tls is None else HANDSHAKE_S,
            backlog=128,
        )
    except OSError as error:
        raise StreamError(_remedy(error, host, port)) from error
    except ValueError as error:  # a name that is none, as one that is too long
        raise StreamError(f"{host!r} is no address ({error}); type --host 127.0.0.1") from error


def _remedy(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is in use by another program; type --port {port + 1}"
    if error.errno == errno.EACCES:
        return f"port {port} needs more rights than this user has; type --port 8080"
    # From Python 3.13 on asyncio says it without a number where no address was left to bind.
    if isinstance(error, socket.gaierror) or error.errno in (errno.EADDRNOTAVAIL, None):
        return (
            f"{host} is no address of this machine; --host 0.0.0.0 serves all of them, "
            "--host 127.0.0.1 this machine alone"
        )
    return f"cannot serve on {host} port {port} ({error}); type --host 127.0.0.1"
