"""`Notifier`: tells who started this process how it is, as systemd's sd_notify(3) does.

The protocol is a datagram of `NAME=value` lines to the Unix socket that `NOTIFY_SOCKET` names.
`live.supervise` listens to the same.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping

log = logging.getLogger(__name__)

SOCKET_VARIABLE = "NOTIFY_SOCKET"
PERIOD_VARIABLE = "WATCHDOG_USEC"
PID_VARIABLE = "WATCHDOG_PID"


class Notifier:
    """Says lines to `address`; to nobody where there is none. Never raises, never blocks."""

    def __init__(self, address: str | None, watchdog_s: float | None = None) -> None:
        """`watchdog_s`: who listens wants to hear WATCHDOG=1 at least so often, seconds."""
        self.watchdog_s = watchdog_s if address else None
        self._address = address
        self._socket: socket.socket | None = None
        self._silent = False

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] = os.environ, pid: int | None = None
    ) -> Notifier:
        """Who started this process, where it wants to be told."""
        address = environment.get(SOCKET_VARIABLE)
        if not address or not hasattr(socket, "AF_UNIX"):
            return cls(None)
        meant = environment.get(PID_VARIABLE)
        if meant is not None and meant != str(os.getpid() if pid is None else pid):
            return cls(address)  # the watchdog is another process's
        period = environment.get(PERIOD_VARIABLE, "")
        return cls(address, int(period) / 1e6 if period.isdecimal() and int(period) else None)

    def say(self, *lines: str) -> None:
        """One datagram: "READY=1", "WATCHDOG=1", "STATUS=...", "STOPPING=1"."""
        if self._address is None:
            return
        try:
            self._open(self._address).send("\n".join(lines).encode())
            self._silent = False
        except OSError as error:  # who listened is gone, or hears too much
            if not self._silent:
                log.warning("who started the show does not listen (%s)", error)
            self._silent = True
            self.close()

    def close(self) -> None:
        """May be called twice; `say` opens it again."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _open(self, address: str) -> socket.socket:
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._socket.setblocking(False)
            # Linux's abstract names begin with a zero byte, which the variable shows as @.
            self._socket.connect("\0" + address[1:] if address.startswith("@") else address)
        return self._socket
