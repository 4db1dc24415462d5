"""Another desk, as the tests have it: a real UDP socket at each end."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import build_msg

PATIENCE_S = 10.0


class OtherDesk:
    """Sends orders, and hears what it is told."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(PATIENCE_S)
        self.port: int = self._socket.getsockname()[1]
        self.heard: list[tuple[str, list[object]]] = []

    def send(self, port: int | None, address: str, *arguments: object) -> None:
        """One message."""
        self.send_bytes(port, build_msg(address, list(arguments)).dgram)

    def send_bytes(self, port: int | None, data: bytes) -> None:
        """Whatever it is."""
        assert port is not None
        self._socket.sendto(data, ("127.0.0.1", port))

    def hear(self, address: str) -> list[object]:
        """The arguments of the next message to `address`; those before it are in `heard`."""
        end_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < end_s:
            message = OscMessage(self._socket.recv(65_536))
            self.heard.append((message.address, message.params))
            if message.address == address:
                return message.params
        raise AssertionError(f"nothing came for {address}: {self.heard[-20:]}")

    def close(self) -> None:
        self._socket.close()


@contextmanager
def other_desk() -> Iterator[OtherDesk]:
    desk = OtherDesk()
    try:
        yield desk
    finally:
        desk.close()


def until(true: Callable[[], bool], what: str = "") -> None:
    """Wait for another thread."""
    end_s = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end_s, what or "it never came"
        time.sleep(0.002)
