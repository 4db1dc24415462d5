"""Which other program computes, as Linux tells in /proc (proc(5))."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Load:
    """What others use."""

    cores: float  # all of them together
    name: str  # of the one that uses most
    top_cores: float  # what that one uses


@dataclass(frozen=True, slots=True)
class _Used:
    """Processor time since the start, seconds."""

    busy_s: float
    by_process: dict[int, float]


def busiest(
    seconds: float, wait: Callable[[float], object], proc: Path = PROC, own: int | None = None
) -> Load | None:
    """What others use in so many seconds from now on; None where the system does not tell.

    In a container the processes outside are counted, and have no names.
    """
    own = os.getpid() if own is None else own
    try:
        before = _used(proc)
        wait(seconds)
        after = _used(proc)
    except (OSError, ValueError, IndexError, AttributeError):
        return None
    grown = {
        number: used_s - before.by_process.get(number, used_s)
        for number, used_s in after.by_process.items()
    }
    mine_s = grown.pop(own, 0.0)
    others_s = max(after.busy_s - before.busy_s - mine_s, 0.0)
    top = max(grown, key=grown.__getitem__, default=None)
    if top is None:
        return Load(others_s / seconds, "", 0.0)
    return Load(others_s / seconds, _name(proc, top), grown[top] / seconds)


def _used(proc: Path) -> _Used:
    tick_s = 1 / os.sysconf("SC_CLK_TCK")
    user, nice, system, _, _, irq, soft, *_ = (
        int(word) for word in (proc / "stat").read_text("ascii").split("\n")[0].split()[1:]
    )
    by_process = {}
    for folder in proc.iterdir():
        if folder.name.isdecimal() and (ticks := _ticks(folder)) is not None:
            by_process[int(folder.name)] = ticks * tick_s
    return _Used((user + nice + system + irq + soft) * tick_s, by_process)


def _ticks(folder: Path) -> int | None:
    """Of one process; it may have ended meanwhile."""
    try:
        # The name may hold spaces and brackets; what follows it does not.
        words = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return int(words[11]) + int(words[12])
    except (OSError, ValueError, IndexError):
        return None


def _name(proc: Path, number: int) -> str:
    try:
        name = (proc / str(number) / "comm").read_text("utf-8", "replace").strip()
    except OSError:
        return f"process {number}"
    return "".join(one if one.isprintable() else "?" for one in name)
