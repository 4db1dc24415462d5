"""The UDP port that OSC orders come in at, and the thread that waits there."""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import threading
from collections.abc import Callable
from typing import Any

from live.desk.osc_packets import LARGEST_BYTES
from live.desk.osc_settings import OscSettings
from live.errors import SetupError

log = logging.getLogger(__name__)

CLOSE_S = 2.0

Receive = Callable[[bytes, Any], None]
"""Takes a datagram and the address that it came from."""
Tend = Callable[[], float | None]
"""Does what is due, and says in how many seconds the next is; None: nothing waits."""


class OscIn:
    """Hands every datagram to `receive`, and calls `tend` between them, all in one thread."""

    def __init__(self, settings: OscSettings, receive: Receive, tend: Tend) -> None:
        """Raises SetupError for a port that cannot be had."""
        self._receive = receive
        self._tend = tend
        self._socket = _opened(settings)
        self._bell, self._ring = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="osc in", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._socket.getsockname()[1])

    def start(self) -> None:
        """Begin. Once only."""
        self._thread.start()

    def answer(self, data: bytes, to: Any) -> None:
        """Send to whom an order came from. Never raises."""
        with contextlib.suppress(OSError):
            self._socket.sendto(data, to)

    def close(self) -> None:
        """Take no more. May be called twice, and before `start`."""
        with contextlib.suppress(OSError):  # the second time
            self._ring.send(b"x")
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(CLOSE_S)
        for one in (self._socket, self._bell, self._ring):
            one.close()

    def _run(self) -> None:
        try:
            with selectors.DefaultSelector() as ready:
                ready.register(self._socket, selectors.EVENT_READ)
                ready.register(self._bell, selectors.EVENT_READ)
                while all(key.fileobj is not self._bell for key, _ in ready.select(self._tend())):
                    self._take()
        except Exception:  # the thread's top; the show goes on without
            log.exception("OSC failed; no more orders are taken")

    def _take(self) -> None:
        try:
            # One byte more than is allowed, so that what is too long is seen to be.
            data, sender = self._socket.recvfrom(LARGEST_BYTES + 1)
        except (BlockingIOError, ConnectionError):  # Windows: an answer found nobody
            return
        except OSError as error:
            if getattr(error, "winerror", None) != 10040:  # Windows: it is longer
                raise
            return
        self._receive(data, sender)


def _opened(settings: OscSettings) -> socket.socket:
    port = settings.port or 0
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            settings.host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise SetupError(f"--osc-host {settings.host!r} is no address of this machine") from error
    opened = socket.socket(family, kind, protocol)
    try:
        opened.bind(place)
    except OSError as error:
        opened.close()
        raise SetupError(
            f"UDP port {port} at {settings.host} cannot be had ({error.strerror}): end the "
            "program that has it (another show?), or give --osc another port and --osc-host an "
            "address of this machine"
        ) from error
    opened.setblocking(False)
    return opened
