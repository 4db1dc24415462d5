"""The supervisor as a real process over real processes, which die in every way there is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from live.supervise import kept_port, python

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and sockets are POSIX's")

SHOW = """
import json, os, signal, sys, time
from pathlib import Path
sys.path.insert(0, {root!r})
from live.notify import Notifier
notes, acts = Path(sys.argv[1]), sys.argv[2].split(",")
runs = notes.read_text().splitlines() if notes.exists() else []
with notes.open("a") as file:
    file.write(json.dumps({{"pid": os.getpid(), "port": sys.argv[3:]}}) + chr(10))
act = acts[min(len(runs), len(acts) - 1)]
told = Notifier.from_environment()
def end(number, frame):
    with notes.open("a") as file:
        file.write(json.dumps({{"signal": number}}) + chr(10))
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGINT, end)
if act.startswith("exit"):
    sys.exit(int(act[4:]))
told.say("READY=1")
if act == "die":
    os.kill(os.getpid(), signal.SIGKILL)
if act == "ready-exit2":
    sys.exit(2)
while True:
    if act != "mute":
        told.say("WATCHDOG=1")
    time.sleep(0.05)
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "show.py"
    path.write_text(SHOW.format(root=str(ROOT)))
    return path


def notes(tmp_path: Path) -> list[dict[str, object]]:
    path = tmp_path / "notes"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@contextmanager
def supervised(
    script: Path, acts: str, *more: str, watchdog_s: float = 10.0
) -> Iterator[subprocess.Popen[str]]:
    command = [
        sys.executable, "-m", "live.supervise", "--watchdog", str(watchdog_s), "--", str(script),
        str(script.parent / "notes"), acts, *more,
    ]  # fmt: skip
    process = subprocess.Popen(
        command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
        for note in notes(script.parent):  # its own session: nothing else ends it
            if "pid" in note:
                with suppress(ProcessLookupError):
                    os.kill(int(str(note["pid"])), signal.SIGKILL)


def until(what: object) -> None:
    deadline_s = time.monotonic() + 30
    while not what():  # type: ignore[operator]
        assert time.monotonic() < deadline_s
        threading.Event().wait(0.02)


@pytest.mark.parametrize(("acts", "runs", "code"), [
    ("exit0", 1, 0),
    ("exit2", 1, 2),
    ("die,exit1,exit0", 3, 0),
    ("ready-exit2,exit2,exit0", 3, 0),
    ("exit1", 5, 1),
])  # fmt: skip
def test_starts_again_until_it_ends_for_good(script: Path, acts: str, runs: int, code: int) -> None:
    with supervised(script, acts) as process:
        said, _ = process.communicate(timeout=60)
    assert process.returncode == code, said
    assert len(notes(script.parent)) == runs
    assert said.count("started again") == runs - 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_handed_on_once_and_end_it(script: Path, number: signal.Signals) -> None:
    with supervised(script, "run") as process:
        until(lambda: notes(script.parent))
        threading.Event().wait(0.3)
        process.send_signal(number)
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert notes(script.parent)[1:] == [{"signal": number}]


def test_a_killed_show_comes_back_on_the_same_port(script: Path) -> None:
    with supervised(script, "run", "--port", "0") as process:
        until(lambda: len(notes(script.parent)) == 1)
        os.kill(int(str(notes(script.parent)[0]["pid"])), signal.SIGKILL)
        until(lambda: len(notes(script.parent)) == 2)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=30)
    first, second = (note["port"] for note in notes(script.parent)[:2])
    assert first == second != ["--port", "0"]
    assert "was killed by SIGKILL" in said


def test_a_show_that_says_no_more_that_pictures_leave_is_killed(script: Path) -> None:
    with supervised(script, "mute,exit0", watchdog_s=1.0) as process:
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert "no picture leaves the show any more" in said
    assert len(notes(script.parent)) == 2


def test_what_cannot_be_run_is_said_in_one_sentence() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "live.supervise", "--", "no/such/program"],
        cwd=ROOT, text=True, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "no/such/program" in done.stderr and "Traceback" not in done.stderr


def test_a_script_is_run_by_this_python_and_a_named_port_stays() -> None:
    assert python(["run_live.py", "--demo"]) == [sys.executable, "run_live.py", "--demo"]
    assert python(["/usr/bin/env"]) == ["/usr/bin/env"]
    assert kept_port(["x", "--port", "8081"]) == ["x", "--port", "8081"]
    assert kept_port(["x", "--port=0"])[1].removeprefix("--port=").isdecimal()


def test_the_unit_names_what_there_is() -> None:
    """As far as it can be told without systemd: the keys that make it a watchdog's."""
    unit = (ROOT / "docs" / "understudy.service").read_text(encoding="utf-8")
    for line in ("Type=notify", "WatchdogSec=10", "Restart=on-failure",
                 "RestartPreventExitStatus=2", "KillSignal=SIGINT"):  # fmt: skip
        assert f"\n{line}\n" in unit
