"""What a soak found: slopes, leaks, gaps, and how each fault was borne."""

from __future__ import annotations

import os
import sys
import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Held:
    """What the process holds at a moment."""

    at_s: float
    rss_mb: float
    handles: int
    threads: int


@dataclass(frozen=True, slots=True)
class Borne:
    """One fault, and how the show bore it."""

    name: str
    at_s: float  # from the start of the measurement
    longest_gap_s: float  # of the picture, at any viewer, from the fault on
    recovered_s: float | None  # from the fault's end until somebody danced again; None: never
    noticed_s: float | None  # until it was told; None: it is none of the source's


def held(now_s: float) -> Held | None:
    """None where the system does not say."""
    if not sys.platform.startswith("linux"):
        return None
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    page_mb = os.sysconf("SC_PAGE_SIZE") / (1 << 20)
    return Held(now_s, pages * page_mb, len(os.listdir("/proc/self/fd")), threading.active_count())


def slope_per_h(points: Sequence[tuple[float, float]], most: int = 300) -> float:
    """Theil and Sen's slope of (seconds, value), per hour: the median over all pairs of points.

    Half of the points but a third may be outliers before it is fooled.
    """
    step = max(len(points) // most, 1)
    slopes = [
        (late - early) / (late_s - early_s)
        for (early_s, early), (late_s, late) in combinations(points[::step], 2)
        if late_s > early_s
    ]
    return 3600 * median(slopes) if slopes else 0.0


def by_fault(borne: Sequence[Borne]) -> list[dict[str, Any]]:
    """The worst of each kind."""
    kinds: dict[str, list[Borne]] = defaultdict(list)
    for one in borne:
        kinds[one.name].append(one)
    return [
        {
            "fault": name,
            "times": len(those),
            "longest_gap_s": round(max(one.longest_gap_s for one in those), 2),
            "recovered_s": _worst([one.recovered_s for one in those]),
            "noticed_s": _worst([one.noticed_s for one in those]),
        }
        for name, those in sorted(kinds.items())
    ]


def table(rows: Sequence[dict[str, Any]]) -> str:
    """A line for each kind of fault."""
    lines = [f"{'fault':<24}{'times':>6}{'longest gap':>13}{'noticed':>9}{'dances again':>14}  (s)"]
    lines += [
        f"{row['fault']:<24}{row['times']:>6}{row['longest_gap_s']:>13}"
        f"{_said(row['noticed_s']):>9}{_said(row['recovered_s']):>14}"
        for row in rows
    ]
    return "\n".join(lines)


def _worst(found: list[float | None]) -> float | None:
    known = [one for one in found if one is not None]
    return round(max(known), 2) if known and len(known) == len(found) else None


def _said(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
