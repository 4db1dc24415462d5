"""Packages that are missing, twice there, or of another version."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from live.doctor import packages
from live.doctor.finding import Verdict
from live.doctor.packages import ROOT, look_at_imports, look_at_packages, look_at_python


def pinned() -> dict[str, str]:
    """All that is asked for, as constraints.txt has it."""
    pins = packages._pins(ROOT)
    names = [*packages._required(ROOT), packages.OPENCV[0], packages.ONNX_RUNTIME[0]]
    return {name: pins[name] for name in names}


def test_this_very_environment() -> None:
    assert look_at_python().verdict is Verdict.RIGHT
    assert look_at_packages().verdict is not Verdict.WRONG
    assert look_at_imports().verdict is Verdict.RIGHT


def test_an_old_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "OLDEST", (9, 9))
    found = look_at_python()
    assert found.verdict is Verdict.WRONG and "needs 9.9 or newer" in found.what


def test_the_tested_ones_are_right() -> None:
    assert look_at_packages(installed=pinned()).verdict is Verdict.RIGHT


def test_one_is_missing() -> None:
    there = pinned()
    del there["aiortc"]
    found = look_at_packages(installed=there)
    assert found.verdict is Verdict.WRONG
    assert "aiortc is not installed" in found.what and "pip install" in found.remedy


@pytest.mark.parametrize(
    ("second", "says"),
    [("opencv-python", "2 of OpenCV"), ("onnxruntime-gpu", "2 of ONNX Runtime")],
)
def test_two_in_one_folder(second: str, says: str) -> None:
    found = look_at_packages(installed=pinned() | {second: "1"})
    assert found.verdict is Verdict.WRONG
    assert says in found.what and second in found.what and "uninstall" in found.remedy


def test_no_onnx_runtime() -> None:
    there = pinned()
    del there["onnxruntime"]
    assert "there is no ONNX Runtime" in look_at_packages(installed=there).what


def test_another_version() -> None:
    found = look_at_packages(installed=pinned() | {"aioice": "0.99"})
    assert found.verdict is Verdict.CAREFUL
    assert found.details == (f"aioice is 0.99, tested with {pinned()['aioice']}",)


def test_without_the_checkouts_files(tmp_path: Path) -> None:
    assert look_at_packages(tmp_path, pinned()).verdict is Verdict.RIGHT


def test_a_module_whose_library_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gl_user.py").write_text("raise ImportError('libGL.so.1: cannot open')")
    monkeypatch.syspath_prepend(tmp_path)
    found = look_at_imports(["gl_user"])
    assert found.verdict is Verdict.WRONG
    assert "libGL.so.1" in found.what and "apt-get install libgl1" in found.remedy
    assert "no_such_module" in look_at_imports(["no_such_module"]).what


@pytest.mark.parametrize(("without", "code"), [(["-S"], 2), ([], 0)])
def test_it_can_say_so_where_nothing_is_installed(without: list[str], code: int) -> None:
    done = subprocess.run(
        [sys.executable, *without, "-m", "live.doctor"],
        cwd=ROOT, text=True, capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert ("not installed" in done.stdout) is bool(code) and done.stderr == ""
