"""OSC to other desks, by UDP."""

from __future__ import annotations

import logging
import socket
from collections.abc import Sequence
from typing import Any

from live.desk.osc_settings import OscTarget
from live.errors import SetupError

log = logging.getLogger(__name__)


class OscOut:
    """Sends datagrams to its targets; whether they arrive, nobody knows."""

    def __init__(self, targets: Sequence[OscTarget]) -> None:
        """Raises SetupError for a target that has no address."""
        self.sent = 0
        self.failed = 0
        self._targets = tuple(targets)
        self._places = [_resolved(target) for target in targets]
        self._sockets = {
            family: socket.socket(family, socket.SOCK_DGRAM)
            for family in {family for family, _ in self._places}
        }
        for one in self._sockets.values():
            one.setblocking(False)  # a full buffer costs a message, not the show
        self._troubled: set[int] = set()

    @property
    def hands(self) -> list[str]:
        """The address of each target's machine."""
        return [str(place[0]) for _, place in self._places]

    def reaches(self, place: Any) -> bool:
        """Whether a target is at this address."""
        return any(place == one for _, one in self._places)

    def send(self, number: int, data: bytes) -> None:
        """To the target of this number. Never raises: what fails is counted, and said once."""
        family, place = self._places[number]
        try:
            self._sockets[family].sendto(data, place)
            self.sent += 1
        except OSError as error:
            self.failed += 1
            if number not in self._troubled:
                self._troubled.add(number)
                log.warning("OSC to %s fails (%s)", self._targets[number], error.strerror or error)

    def send_all(self, data: bytes) -> None:
        """To all targets."""
        for number in range(len(self._places)):
            self.send(number, data)

    def close(self) -> None:
        """May be called twice."""
        for one in self._sockets.values():
            one.close()


def _resolved(target: OscTarget) -> tuple[socket.AddressFamily, Any]:
    """Asked once, before the show: a name server that hangs must not hold up a desk later."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        raise SetupError(
            f"--osc-to {target} has no address ({error}); give the desk's IP address"
        ) from error
    family, _, _, _, place = found[0]
    return family, place
