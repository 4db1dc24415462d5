"""Other people's servers: programs of Debian's, run in the foreground on ports of their own."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import ifaddr
import pytest

START_S = 20.0
STOP_S = 5.0


class Service:
    """One program. What it says goes into a file, which is shown when it does not start."""

    def __init__(self, command: list[str], folder: Path, address: tuple[str, int]) -> None:
        """`address` is the TCP address that it opens when it is ready."""
        self.log = folder / f"{Path(command[0]).name}.log"
        self._command = command
        self._folder = folder
        self._address = address
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it; returns when it takes connections."""
        with self.log.open("ab") as log:
            self._running = subprocess.Popen(
                self._command, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        end_s = time.monotonic() + START_S
        while not self._is_open():
            if self._running.poll() is not None or time.monotonic() > end_s:
                self.stop()
                pytest.fail(f"{self._command[0]} did not start:\n{self.said()}", pytrace=False)
            time.sleep(0.05)

    def _is_open(self) -> bool:
        try:
            socket.create_connection(self._address, 1.0).close()
        except OSError:
            return False
        return True

    def said(self) -> str:
        """What it has written so far."""
        return self.log.read_text("utf-8", "replace")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it. May be called twice."""
        running, self._running = self._running, None
        if running is None:
            return
        running.send_signal(how)
        try:
            running.wait(STOP_S)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()

    def __enter__(self) -> Service:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def program(name: str, package: str) -> str:
    """Where `name` is; the test is skipped where it is not installed."""
    found = shutil.which(name, path="/usr/local/bin:/usr/bin:/usr/local/sbin:/usr/sbin")
    if found is None:
        pytest.skip(f"{name} is absent; on Debian: sudo apt-get install {package}")
    return found


def free_tcp_port(host: str = "127.0.0.1") -> int:
    """A port that nobody has at the moment."""
    with socket.socket() as asked:
        asked.bind((host, 0))
        return int(asked.getsockname()[1])


def own_address() -> str:
    """An IPv4 address of this machine by which others could call it."""
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            if isinstance(ip.ip, str) and not ip.ip.startswith(("127.", "169.254.")):
                return ip.ip
    pytest.skip("this machine is in no network, and media servers take no part on the loopback")
