"""What the show says to systemd or its supervisor, over real sockets."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from live.notify import Notifier
from live.watchdog import Watchdog

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such sockets")


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as found:
        found.bind(str(tmp_path / "notify"))
        found.settimeout(10)
        yield found


def environment(heard: socket.socket, **more: str) -> dict[str, str]:
    return {"NOTIFY_SOCKET": heard.getsockname(), **more}


def test_says_lines_in_one_datagram(heard: socket.socket) -> None:
    notifier = Notifier.from_environment(environment(heard))
    notifier.say("READY=1", "STATUS=on")
    assert heard.recv(100) == b"READY=1\nSTATUS=on"
    assert notifier.watchdog_s is None
    notifier.close()
    notifier.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="abstract names are Linux's")
def test_systemds_abstract_names() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        name = f"understudy-{os.getpid()}"
        heard.bind("\0" + name)
        heard.settimeout(10)
        notifier = Notifier.from_environment({"NOTIFY_SOCKET": "@" + name})
        notifier.say("READY=1")
        assert heard.recv(100) == b"READY=1"
        notifier.close()


@pytest.mark.parametrize(
    ("pid", "usec", "expected_s"),
    [(None, "10000000", 10.0), ("7", "500000", 0.5), ("8", "500000", None), (None, "soon", None),
     (None, "0", None)],
)  # fmt: skip
def test_the_watchdogs_period_where_it_is_meant_for_us(
    heard: socket.socket, pid: str | None, usec: str, expected_s: float | None
) -> None:
    more = {"WATCHDOG_USEC": usec} | ({} if pid is None else {"WATCHDOG_PID": pid})
    found = Notifier.from_environment(environment(heard, **more), pid=7)
    assert found.watchdog_s == expected_s


def test_nobody_listens(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Notifier.from_environment({}).say("READY=1")
    gone = Notifier(str(tmp_path / "nobody"))
    for _ in range(3):
        gone.say("WATCHDOG=1")
    assert caplog.text.count("does not listen") == 1
    Notifier("x" * 300).say("READY=1")  # no such address can be


def test_the_watchdog_speaks_only_while_new_pictures_leave(
    heard: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    stale = [0.0]
    notifier = Notifier(heard.getsockname(), watchdog_s=0.03)
    watchdog = Watchdog(notifier, lambda: stale[0], lambda: "25 fps", patience_s=5.0)
    watchdog.start()
    assert heard.recv(100) == b"READY=1"
    for _ in range(3):
        assert heard.recv(100) == b"WATCHDOG=1\nSTATUS=25 fps"
    stale[0] = 6.0
    heard.settimeout(0.3)
    with pytest.raises(TimeoutError):
        list(iter(lambda: heard.recv(100), b""))
    assert caplog.text.count("no new picture for 6.0 s") == 1
    heard.settimeout(10)
    stale[0] = 0.1
    assert heard.recv(100).startswith(b"WATCHDOG=1")
    watchdog.close()
    watchdog.close()
    while (last := heard.recv(100)).startswith(b"WATCHDOG"):
        pass
    assert last == b"STOPPING=1"


def test_a_watchdog_that_never_started_closes(heard: socket.socket) -> None:
    Watchdog(Notifier(heard.getsockname()), lambda: 0.0).close()
    assert heard.recv(100) == b"STOPPING=1"
