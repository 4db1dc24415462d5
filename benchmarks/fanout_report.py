"""Rows of the fan-out benchmark: how they come from what was measured, as a table and as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks.fanout_server import Used
from benchmarks.fanout_viewers import Received
from live.timing import Spread

ENOUGH = 0.95
"""Share of the pictures that must arrive for a row to count: a server that leaves work undone
looks cheap."""

GOAL_PERCENT, GOAL_TIMES = 2.0, 10.0


@dataclass(frozen=True, slots=True)
class Middle:
    """Of the viewers that joined for one row; None where nobody got a picture."""

    p50: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class Row:
    """One server with one number of viewers."""

    name: str
    viewers: int
    core_percent: float  # the server's process, all threads; median of one-second windows
    core_percent_p95: float
    core_percent_per_viewer: float  # of a further one: (this row - first row) / viewers added
    core_percent_quotient: float  # core_percent / viewers, what the encoder takes included
    loop_lag_p50_ms: float
    loop_lag_p99_ms: float
    idle_lag_p99_ms: float  # of a process that did nothing meanwhile: what the machine adds
    frames_delivered_share: float  # whole pictures, of those due; mean over viewers, at most 1
    frames_delivered_share_min: float  # of the viewer who got least
    packets_lost_share: float
    kbit_s: float  # RTP, to each viewer
    time_to_first_picture_ms: Middle  # of those who joined since the row before
    memory_mb_per_viewer: float | None  # (this row - first row) / viewers added
    viewers_core_percent: float  # the receiving process, for the reader's trust

    @property
    def complete(self) -> bool:
        """Whether the server did all its work."""
        return self.frames_delivered_share >= ENOUGH


@dataclass(frozen=True, slots=True)
class Window:
    """What both sides measured with `viewers` there."""

    viewers: int
    used: Used
    received: Received
    idle_lag: Spread  # milliseconds
    first_pictures_s: list[float]  # of who joined since the window before


def to_row(name: str, window: Window, first: Window, fps: float) -> Row:
    """A row; `first` is the window with the fewest viewers."""
    used, got = window.used, window.received
    due = fps * got.seconds
    shares = [min(1.0, pictures / due) for pictures in got.pictures]
    core = float(np.median(used.core_percent))
    added = window.viewers - first.viewers
    more = core - float(np.median(first.used.core_percent))
    memory = (used.rss_mb - first.used.rss_mb) / added if added else None
    return Row(
        name=name,
        viewers=window.viewers,
        core_percent=round(core, 2),
        core_percent_p95=round(float(np.percentile(used.core_percent, 95)), 2),
        core_percent_per_viewer=round(more / added if added else core / window.viewers, 3),
        core_percent_quotient=round(core / window.viewers, 3),
        loop_lag_p50_ms=round(used.lag.p50, 2),
        loop_lag_p99_ms=round(used.lag.p99, 2),
        idle_lag_p99_ms=round(window.idle_lag.p99, 2),
        frames_delivered_share=round(float(np.mean(shares)), 4),
        frames_delivered_share_min=round(min(shares), 4),
        packets_lost_share=round(got.lost / max(1, got.packets + got.lost), 5),
        kbit_s=round(got.bytes * 8e-3 / got.seconds / window.viewers, 1),
        time_to_first_picture_ms=middle(window.first_pictures_s),
        memory_mb_per_viewer=None if memory is None else round(memory, 2),
        viewers_core_percent=round(got.core_percent, 1),
    )


def middle(seconds: Sequence[float]) -> Middle:
    """Median and p95 in milliseconds; None where that many never saw a picture."""
    if not seconds:
        return Middle(None, None)
    # "higher": no sum of finite and infinite
    p50, p95 = np.percentile(np.asarray(seconds) * 1e3, [50, 95], method="higher")
    return Middle(*(round(float(one), 1) if math.isfinite(one) else None for one in (p50, p95)))


def times_less(rows: Sequence[Row], name: str = "ours") -> dict[str, float]:
    """How many times cheaper a further viewer of `name` is than one of each of the others.

    Each at its largest number of viewers at which the pictures arrived; a server that bears no
    more than its first row counts with all that it takes for that one.
    """
    best: dict[str, Row] = {}
    for row in rows:
        if row.complete and row.core_percent_per_viewer > 0:
            best[row.name] = row
    if name not in best:
        return {}
    own = best[name].core_percent_per_viewer
    stock = {one: row for one, row in best.items() if one.startswith("stock")}
    return {one: round(row.core_percent_per_viewer / own, 1) for one, row in stock.items()}


def table(rows: Sequence[Row], stopped: Sequence[str]) -> str:
    """For people."""
    lines = [
        f"{'':<12}{'viewers':>8}{'core %':>9}{'p95':>7}{'% further':>11}{'% each':>8}"
        f"{'lag p50':>9}{'p99 ms':>8}{'idle p99':>10}{'pictures':>10}{'worst':>7}{'kbit/s':>8}"
        f"{'first p50':>11}{'p95 ms':>8}{'MB each':>9}"
    ]
    lines += [_line(row) for row in rows]
    lines += ["", *stopped] if stopped else []
    for name, times in times_less(rows).items():
        lines.append(f"a further viewer of ours takes {times} times less than one of {name}")
    return "\n".join(lines)


def _line(row: Row) -> str:
    first = row.time_to_first_picture_ms
    return (
        f"{row.name:<12}{row.viewers:>8}{row.core_percent:>9.1f}{row.core_percent_p95:>7.1f}"
        f"{row.core_percent_per_viewer:>11.2f}{row.core_percent_quotient:>8.2f}"
        f"{row.loop_lag_p50_ms:>9.2f}{row.loop_lag_p99_ms:>8.2f}"
        f"{row.idle_lag_p99_ms:>10.2f}"
        f"{row.frames_delivered_share:>10.1%}{row.frames_delivered_share_min:>7.0%}"
        f"{row.kbit_s:>8.0f}{_cell(first.p50, 0):>11}{_cell(first.p95, 0):>8}"
        f"{_cell(row.memory_mb_per_viewer, 2):>9}{'' if row.complete else '  overloaded'}"
    )


def _cell(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def to_json(rows: Sequence[Row], stopped: Sequence[str]) -> dict[str, Any]:
    """The keys of DESIGN, section 7, and more."""
    return {
        "rows": [asdict(row) for row in rows],
        "not_run": list(stopped),
        "times_less_than": times_less(rows),
        "goals": {"core_percent_per_viewer": GOAL_PERCENT, "times_less_than": GOAL_TIMES},
    }
