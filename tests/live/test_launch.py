"""A Python that cannot run the show is told so in a sentence."""

from __future__ import annotations

import subprocess
import sys

import pytest

from live import launch
from live.doctor import packages
from live.doctor.packages import ROOT, missing_packages
from live.launch import missing_says, require_packages


def test_this_very_environment_may_go_on() -> None:
    assert missing_packages() == []
    require_packages()


def test_a_python_without_our_packages() -> None:
    """A real one: `-S` leaves out what was installed for this one."""
    program = "from live.launch import require_packages as go; go(); print('went on')"
    command = [sys.executable, "-S", "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("understudy: aiohttp, ") and " more are not installed for " in line
    assert "make demo" in line and "-m live.doctor" in line


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        (["av"], "av is not installed for /usr/bin/python3; run it by .venv/bin/python (`make "),
        (["av", "numba"], "av, numba are not installed for "),
        (["av", "numba", "tqdm", "yarl"], "av, numba, tqdm and 1 more are not installed for "),
    ],
)
def test_what_is_missing_is_named(missing: list[str], says: str) -> None:
    assert missing_says(missing, "/usr/bin/python3", "linux").startswith(says)


def test_windows_has_its_own_place_for_it() -> None:
    assert r".venv\Scripts\python " in missing_says(["av"], "python", "win32")


def test_an_old_python_is_told_its_age_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(packages, "OLDEST", (9, 9))
    monkeypatch.setattr(launch, "missing_packages", lambda: ["av"])
    with pytest.raises(SystemExit) as caught:
        require_packages()
    said = capsys.readouterr().err
    assert caught.value.code == 2 and "needs 9.9 or newer" in said and "av" not in said
