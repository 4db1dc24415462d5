"""The machine: cores, memory, what else computes on it, its battery and its clock."""

from __future__ import annotations

import datetime
import os
import threading
import time
from pathlib import Path

from live.doctor.check import Plan
from live.doctor.finding import Finding, careful, right, wrong
from live.doctor.processes import busiest
from live.errors import SubjectError
from live.subject import load_manifest

FEWEST_CORES = 2
LEAST_MB, LITTLE_MB = 700.0, 1500.0  # the show takes about 540
SAMPLE_S = 0.5
BUSY_CORES = 0.5  # that others use
CPU_MAX = Path("/sys/fs/cgroup/cpu.max")
MEMINFO = Path("/proc/meminfo")
POWER = Path("/sys/class/power_supply")
A_DAY = datetime.timedelta(days=1)


def look_at_machine(plan: Plan) -> Finding:
    """Whether there is enough of it, and whether the show has it for itself."""
    cores, free_mb = cores_here(), memory_free_mb()
    load = busiest(SAMPLE_S, threading.Event().wait)
    said = f"{cores:g} core{'' if cores == 1 else 's'}" + (
        f", {free_mb / 1e3:.1f} GB of memory free" if free_mb else ""
    )
    if free_mb is not None and free_mb < LEAST_MB:
        return wrong(f"{said}; the show takes about 0.6 GB", "close other programs")
    if cores < FEWEST_CORES:
        return careful(said, "the show wants two: expect fewer pictures a second")
    if load is not None and load.cores > BUSY_CORES:
        who = f", above all {load.name} ({load.top_cores:.1f})" if load.top_cores > 0.2 else ""
        return careful(
            f"{said}; other programs use {load.cores:.1f} of the cores{who}",
            "close them before the show: pictures come late while others compute",
        )
    if on_battery():
        return careful(f"{said}; it runs on its battery", "plug it in: on batteries it is slower")
    if free_mb is not None and free_mb < LITTLE_MB:
        return careful(said, "close other programs, so that memory is left")
    return right(f"{said}, little else at work" if load is not None else said)


def cores_here() -> float:
    """Cores that this process may use, a container's limit included."""
    usable = getattr(os, "sched_getaffinity", None)
    count = float(len(usable(0)) if usable is not None else os.cpu_count() or 1)
    try:
        quota, period = CPU_MAX.read_text("ascii").split()
        return min(count, int(quota) / int(period))
    except (OSError, ValueError):  # no container, or "max"
        return count


def memory_free_mb() -> float | None:
    """What is to be had without taking it from others; None where the system does not say."""
    try:
        for line in MEMINFO.read_text("ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024 / 1e6
    except (OSError, ValueError, IndexError):
        pass
    return None


def on_battery() -> bool:
    """Whether Linux says so; other systems are not asked."""
    try:
        states = [path.read_text("ascii").strip() for path in POWER.glob("BAT*/status")]
    except (OSError, ValueError):
        return False
    return "Discharging" in states


def look_at_clock(plan: Plan) -> Finding:
    """Certificates, consents and watermarks bear a date: it must be today's."""
    now = datetime.datetime.now().astimezone()
    step_s = time.get_clock_info("monotonic").resolution
    said = f"{now:%Y-%m-%d %H:%M:%S}, {now.tzname()}"
    newest = latest_known(plan)
    if newest is not None and now + A_DAY < newest:
        return wrong(
            f"this machine says {said}, and it is {newest:%Y-%m-%d} at least",
            "set its clock: certificates, consents and signatures are refused otherwise",
        )
    if step_s > 0.005:
        return careful(
            f"{said}; its clock has steps of {step_s * 1e3:.0f} ms",
            "update Python, for delays cannot be measured so",
        )
    return right(said)


def latest_known(plan: Plan) -> datetime.datetime | None:
    """A moment that has passed for certain: this program and the subject's consent exist."""
    try:
        moments = [datetime.datetime.fromtimestamp(Path(__file__).stat().st_mtime, datetime.UTC)]
        consent = load_manifest(plan.options.subject)[0].consent
        if consent is not None:
            day = datetime.date.fromisoformat(consent.date[:10])
            moments.append(datetime.datetime(day.year, day.month, day.day, tzinfo=datetime.UTC))
        return max(moments)
    except (OSError, ValueError, SubjectError):
        return None
