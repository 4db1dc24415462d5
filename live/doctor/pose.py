"""The pose backend that was asked for, on pictures of a person: how fast it is, whether it sees."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from itertools import islice

from live.doctor import weights
from live.doctor.check import Plan
from live.doctor.finding import Finding, Verdict, careful, right, wrong
from live.errors import WeightsError
from live.frames import Frame
from live.options import DEMO
from live.pose.base import PoseEstimator
from live.sources import ScriptedSource
from live.sources.file import read_through

LIMIT_S = 10.0
PICTURES = 25
WARM = 5  # of them are not counted: the first one searches, and some code is compiled
SLOW_MS = 25.0  # of the 33 that a picture has, which others want, too


def look_at_pose(plan: Plan) -> Finding | None:
    """Build it as the show does, and let it find the demo's performer."""
    options = plan.options
    if not _has_weights(plan):
        return None  # said there; here they would be fetched
    estimator = plan.build_estimator(options, ScriptedSource(()))
    try:
        if options.pose == "openpose":
            return right(f"OpenPose's files in {options.pose_json}")
        frames = list(islice(read_through(DEMO / "performer.mp4"), PICTURES))
        times_ms, seen = timed(estimator, frames)
    finally:
        estimator.close()
    return _judged(options.pose, times_ms[WARM:], seen)


def _has_weights(plan: Plan) -> bool:
    try:
        found = weights.look_at_weights(plan)
    except WeightsError:
        return False
    return found is None or found.verdict is Verdict.RIGHT


def _judged(name: str, times_ms: Sequence[float], seen: int) -> Finding:
    if seen < PICTURES - WARM:
        return wrong(
            f"{name} sees the demo's performer in {seen} of {PICTURES} pictures",
            "fetch the weights again: delete the folder pose in the cache, then "
            f"{weights.FETCH}; or give another --pose-engine",
        )
    ms = statistics.median(times_ms)
    said = f"{name}, {ms:.1f} ms a picture (p95 {sorted(times_ms)[-2]:.0f})"
    if ms > SLOW_MS:
        return careful(
            said,
            f"alone it would make {1e3 / ms:.0f} pictures a second at most: close other programs, "
            "plug the machine in, or try --pose-engine auto on a machine with a GPU",
        )
    return right(said)


def timed(estimator: PoseEstimator, frames: Sequence[Frame]) -> tuple[list[float], int]:
    """Milliseconds for each frame, and in how many somebody was seen."""
    times_ms, seen = [], 0
    for frame in frames:
        began_s = time.perf_counter()
        pose = estimator.estimate(frame)
        times_ms.append(1e3 * (time.perf_counter() - began_s))
        seen += pose is not None
    return times_ms, seen
