"""Cores, memory, what else computes, battery, clock and disk: as the system would tell them."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from live.doctor import machine
from live.doctor.check import Plan
from live.doctor.disk import existing, look_at_disk
from live.doctor.finding import Verdict
from live.doctor.machine import look_at_clock, look_at_machine
from live.doctor.processes import Load, busiest
from live.stream.takes import TakesSettings
from live.subject import Consent, write_subject
from tests.live.doctor.plans import looked, plan_of
from tests.tiny_subject import tiny_files, tiny_manifest

TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


def test_this_very_machine(subject: Path) -> None:
    assert "cores" in looked(look_at_machine, plan_of(subject)).what
    assert looked(look_at_clock, plan_of(subject)).verdict is Verdict.RIGHT


@pytest.fixture
def calm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Eight cores, 16 GB, nothing else at work; the folder that this is read from."""
    (tmp_path / "cpu.max").write_text("800000 100000\n")
    (tmp_path / "meminfo").write_text("MemTotal: 32000000 kB\nMemAvailable: 16000000 kB\n")
    (tmp_path / "power").mkdir()
    monkeypatch.setattr(machine, "CPU_MAX", tmp_path / "cpu.max")
    monkeypatch.setattr(machine, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(machine, "POWER", tmp_path / "power")
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: range(8), raising=False)
    monkeypatch.setattr(machine, "busiest", lambda seconds, wait: Load(0.1, "editor", 0.1))
    return tmp_path


def test_a_good_machine(subject: Path, calm: Path) -> None:
    found = looked(look_at_machine, plan_of(subject))
    assert found.verdict is Verdict.RIGHT and "8 cores, 16.4 GB" in found.what


def test_a_container_with_one_core(subject: Path, calm: Path) -> None:
    (calm / "cpu.max").write_text("100000 100000\n")
    found = looked(look_at_machine, plan_of(subject))
    assert found.verdict is Verdict.CAREFUL and "1 core," in found.what


@pytest.mark.parametrize(
    ("free_kb", "verdict"), [(1_000_000, Verdict.CAREFUL), (400_000, Verdict.WRONG)]
)
def test_little_memory(subject: Path, calm: Path, free_kb: int, verdict: Verdict) -> None:
    (calm / "meminfo").write_text(f"MemAvailable: {free_kb} kB\n")
    found = looked(look_at_machine, plan_of(subject))
    assert found.verdict is verdict and "close other programs" in found.remedy


def test_another_program_at_work(
    subject: Path, calm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "busiest", lambda seconds, wait: Load(2.5, "blender", 2.3))
    found = looked(look_at_machine, plan_of(subject))
    assert found.verdict is Verdict.CAREFUL and "above all blender (2.3)" in found.what


def test_on_its_battery(subject: Path, calm: Path) -> None:
    (calm / "power" / "BAT0").mkdir()
    status = calm / "power" / "BAT0" / "status"
    status.write_text("Charging\n")
    assert looked(look_at_machine, plan_of(subject)).verdict is Verdict.RIGHT
    status.write_text("Discharging\n")
    assert "plug it in" in looked(look_at_machine, plan_of(subject)).remedy


def test_a_system_that_tells_nothing(
    subject: Path, calm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("cpu.max", "meminfo"):
        (calm / name).unlink()
    monkeypatch.setattr(machine, "busiest", lambda seconds, wait: None)
    found = looked(look_at_machine, plan_of(subject))
    assert found.verdict is Verdict.RIGHT and found.what == "8 cores"


def write_proc(proc: Path, busy: int, **ticks: int) -> None:
    """`busy` in all, and of each process by its name; ticks."""
    proc.mkdir(exist_ok=True)
    (proc / "stat").write_text(f"cpu  {busy} 0 0 9999 5 0 0 0 0 0\ncpu0 1 1\n")
    for number, (name, used) in enumerate(ticks.items(), start=100):
        folder = proc / str(number)
        folder.mkdir(exist_ok=True)
        (folder / "comm").write_text(name + "\n")
        words = ["S", *["0"] * 10, str(used), "0", "0"]
        (folder / "stat").write_text(f"{number} (odd ) name) {' '.join(words)}")


@pytest.mark.skipif(not hasattr(os, "sysconf"), reason="/proc is Linux's")
def test_who_computes(tmp_path: Path) -> None:
    proc = tmp_path / "proc"
    write_proc(proc, 1000, ours=50, obs=10, editor=5)
    (proc / "self").mkdir()

    def later(seconds: float) -> None:
        write_proc(proc, 1000 + 3 * TICKS, ours=50 + TICKS, obs=10 + TICKS, editor=5, new=TICKS)

    found = busiest(1.0, later, proc, own=100)
    assert found == Load(2.0, "obs", 1.0)
    assert busiest(1.0, later, tmp_path / "none") is None


def consented(folder: Path, date: str) -> Path:
    size, stage = (64, 64), (128, 128)
    consent = Consent("nobody", "synthetic", "tests", date)
    manifest = dataclasses.replace(tiny_manifest(size, stage), consent=consent)
    write_subject(folder, manifest, tiny_files(size, stage))
    return folder


def test_a_clock_that_is_behind(tmp_path: Path) -> None:
    """It says a day at which the consent had not been given yet."""
    found = looked(look_at_clock, plan_of(consented(tmp_path / "late", "2999-01-01")))
    assert found.verdict is Verdict.WRONG and "set its clock" in found.remedy
    odd = plan_of(consented(tmp_path / "odd", "last summer"))
    assert looked(look_at_clock, odd).verdict is Verdict.RIGHT


Usage = namedtuple("Usage", "total used free")


@pytest.mark.parametrize(
    ("free_mb", "recorded", "unasked"),
    [
        (90_000, Verdict.RIGHT, Verdict.RIGHT),
        (1_000, Verdict.CAREFUL, Verdict.CAREFUL),
        (5, Verdict.WRONG, Verdict.CAREFUL),
    ],
)
def test_disks(
    subject: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    free_mb: int,
    recorded: Verdict,
    unasked: Verdict,
) -> None:
    """A full disk is the one thing here that is not real."""
    free = Usage(10**12, 0, free_mb * 10**6)
    plan = plan_of(subject, "--record", tmp_path / "show.mp4")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: free)
    found = looked(look_at_disk, plan)
    assert found.verdict is recorded and str(tmp_path) in found.what
    assert looked(look_at_disk, plan_of(subject)).verdict is unasked


def taking(subject: Path, folder: Path) -> Plan:
    """A show whose takes go to a folder that nobody named: it is not made before the first one."""
    plan = plan_of(subject)
    stream = dataclasses.replace(plan.options.stream, takes=TakesSettings(folder))
    return dataclasses.replace(plan, options=dataclasses.replace(plan.options, stream=stream))


def test_a_folder_that_is_yet_to_be_made(subject: Path, tmp_path: Path) -> None:
    folder = tmp_path / "takes" / "today"
    assert existing(folder) == tmp_path
    found = looked(look_at_disk, taking(subject, folder))
    assert str(folder) in found.what and "hours at 3000 kbit/s" in found.what
    assert list(tmp_path.iterdir()) == [subject], "looking makes nothing"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_a_folder_that_may_not_be_written(subject: Path, tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    found = looked(look_at_disk, taking(subject, folder))
    assert found.verdict is Verdict.WRONG and "cannot be written" in found.what
