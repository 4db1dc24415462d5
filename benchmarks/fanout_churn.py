"""Viewers that come and go, and what they leave behind in the server."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks.fanout_process import Process
from benchmarks.fanout_report import Middle, middle
from benchmarks.fanout_server import Held

STEP = 20
"""Joins between two looks at the server."""

GONE_S = 20.0
"""As long as it may take a server to let go of whoever only hung up."""


@dataclass(frozen=True, slots=True)
class Churn:
    """What `joins` comings and goings left behind, those of the warm-up not counted."""

    joins: int
    warm_up: int
    leaked_sockets: int  # open files
    leaked_tasks: int
    leaked_threads: int
    leaked_connections: int
    rss_mb: list[float]  # at every look after the warm-up
    rss_slope_kb_per_join: float  # a line through them
    time_to_first_picture_ms: Middle
    without_picture: int  # viewers who never got one


def measure_churn(server: Process, viewers: Process, joins: int, warm_up: int) -> Churn:
    """`warm_up` joins, then `joins` more."""
    took: list[float] = []
    for count in _steps(warm_up):
        viewers.ask("churn", count)
    looks = [_settled(server)]
    for count in _steps(joins):
        took += viewers.ask("churn", count)
        looks.append(_settled(server))
    return summarize(looks, took, joins, warm_up)


def _steps(joins: int) -> list[int]:
    return [min(STEP, joins - done) for done in range(0, joins, STEP)]


def summarize(looks: Sequence[Held], took_s: Sequence[float], joins: int, warm_up: int) -> Churn:
    """The first look is after the warm-up, the others evenly spread over the joins."""
    first, last = looks[0], looks[-1]
    at = np.linspace(0, joins, len(looks))
    slope = float(np.polyfit(at, [one.rss_mb for one in looks], 1)[0]) if len(looks) > 1 else 0.0
    return Churn(
        joins=joins,
        warm_up=warm_up,
        leaked_sockets=last.files - first.files,
        leaked_tasks=last.tasks - first.tasks,
        leaked_threads=last.threads - first.threads,
        leaked_connections=last.connections - first.connections,
        rss_mb=[one.rss_mb for one in looks],
        rss_slope_kb_per_join=round(slope * 1024, 2),
        time_to_first_picture_ms=middle(took_s),
        without_picture=sum(one == float("inf") for one in took_s),
    )


def _settled(server: Process) -> Held:
    """What the server holds once all its connections are gone, or it does not let go of them."""
    end_s = time.monotonic() + GONE_S
    while True:
        held: Held = server.ask("hold")
        if held.connections == 0 or time.monotonic() > end_s:
            return held
        time.sleep(0.2)


def churn_table(churn: Churn) -> str:
    """For people."""
    first = churn.time_to_first_picture_ms
    return (
        f"{churn.joins} joins and leaves after {churn.warm_up} to warm up: leaked "
        f"{churn.leaked_sockets} sockets, {churn.leaked_tasks} tasks, {churn.leaked_threads} "
        f"threads, {churn.leaked_connections} connections; memory {churn.rss_mb[0]:.1f} -> "
        f"{churn.rss_mb[-1]:.1f} MB, {churn.rss_slope_kb_per_join:.1f} KB a join; first picture "
        f"p50 {first.p50} ms, p95 {first.p95} ms, {churn.without_picture} without one"
    )


def churn_json(churn: Churn) -> dict[str, Any]:
    """Under the key "churn"."""
    return {"churn": asdict(churn)}
