"""The command as a person types it: a real process, a real clip, the real tracker, a real port."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 90


def command(*arguments: object) -> list[str]:
    return [sys.executable, str(ROOT / "run_live.py"), *map(str, arguments)]


@contextmanager
def running(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command(*arguments),
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "DISPLAY": ""},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def address(process: subprocess.Popen[str]) -> str:
    """The viewer's address, as printed once the show runs."""
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        found = re.search(r"http://[\d.]+:\d+/", line)
        if found:
            return found.group()
    raise AssertionError(f"no address was printed, only:\n{seen}")


def refused(*arguments: object) -> str:
    """The one sentence that a command prints which cannot begin."""
    done = subprocess.run(
        command(*arguments),
        cwd=ROOT,
        text=True,
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    sentences = [line for line in done.stderr.splitlines() if line.startswith("understudy: ")]
    assert len(sentences) == 1, done.stderr
    return sentences[0]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_the_demo_runs_serves_and_ends_on_ctrl_c() -> None:
    with running("--demo", "--port", 0) as show:
        url = address(show)
        with urllib.request.urlopen(url, timeout=10) as page:
            assert b"<video" in page.read()
        time.sleep(3)
        with urllib.request.urlopen(url + "status", timeout=10) as status:
            assert b'"fps"' in status.read()
        show.send_signal(signal.SIGINT)
        told_s = time.monotonic()
        output, _ = show.communicate(timeout=20)
        print(f"ended {time.monotonic() - told_s:.2f} s after Ctrl-C")
        assert show.returncode == 0, output
    assert "Traceback" not in output
    assert "grab to encoded" in output and "fps" in output and "dropped" in output
    assert re.search(r"generated [1-9]", output), "the subject never danced"


@pytest.mark.slow
def test_real_people_drive_the_demo_subject(one_person_clip: Path, tmp_path: Path) -> None:
    kept = tmp_path / "me.json"
    with running(
        "--source", one_person_clip, "--calibrate", one_person_clip, "--performer", kept,
        "--port", 0, "--seconds", 5,
    ) as show:  # fmt: skip
        output, _ = show.communicate(timeout=PATIENCE_S)
    assert show.returncode == 0, output
    assert re.search(r"generated [1-9]", output), output
    assert kept.exists()
    with running("--source", one_person_clip, "--performer", kept, "--port", 0, "--once") as show:
        output, _ = show.communicate(timeout=PATIENCE_S)
    assert show.returncode == 0, output
    assert re.search(r"generated [1-9]", output), output


def test_two_shows_on_one_port() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refused("--demo", "--port", port)
    assert f"port {port}" in said and "--port" in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "name a source"),
        (["--source", "no/such/clip.mp4"], "no/such/clip.mp4"),
        (["--demo", "--subject", "live"], "no subject.json in it; --list-subjects live"),
        (["--source", "0"], "--camera 0"),
        (["--demo", "--subject", "no/such/subject"], "no/such/subject does not exist"),
        (["--demo", "--performer", "no/such/me.json"], "no/such/me.json"),
        (["--demo", "--calibrate", "0"], "--calibrate 0"),
        (["--demo", "--pose", "openpose"], "--pose-json"),
        (["--demo", "--weights", "no/such/weights"], "no/such/weights"),
        (["--demo", "--port", "99999"], "99999"),
        (["--camera", "63"], "camera 63"),
        (["--demo", "--subjects", "no/such/folder"], "--subjects no/such/folder"),
        (["--demo", "--backdrops", "no/such/folder"], "--backdrops no/such/folder"),
    ],
)
def test_what_cannot_begin_says_so_in_one_sentence(arguments: list[str], says: str) -> None:
    assert says in refused(*arguments)
