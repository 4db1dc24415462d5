"""How far one tracker's joints are from another's, or from the exact ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.figure import arrays
from live.frames import Pose

SEEN = 0.5
"""A joint is compared where both sides score it above this."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Distances between two sets of joints, percent of the body's height."""

    median: float
    p90: float
    right: float  # median along x, so that a constant shift shows
    down: float
    unsteady: float  # median change of the distance from one frame to the next


def gap(poses: Sequence[Pose | None], others: Sequence[Pose | None]) -> Gap | None:
    """How far `poses` are from `others`, frame by frame, over the height of the latter's bodies."""
    both = [(a, b) for a, b in zip(poses, others, strict=True) if a is not None and b is not None]
    if not both:
        return None
    points, scores = arrays([pose for pose, _ in both])
    other_points, other_scores = arrays([other for _, other in both])
    seen = (scores > SEEN) & (other_scores > SEEN)
    heights = [np.ptp(p[s > SEEN, 1]) for p, s in zip(other_points, other_scores, strict=True)
               if (s > SEEN).any()]  # fmt: skip
    if not seen.any() or np.median(heights) <= 0:
        return None
    offsets = (points - other_points) / np.median(heights) * 100
    distances = np.hypot(*offsets[seen].T)
    steady = seen[1:] & seen[:-1]
    changes = np.hypot(*np.diff(offsets, axis=0)[steady].T)
    right, down = np.median(offsets[seen], axis=0)
    return Gap(
        median=round(float(np.median(distances)), 3),
        p90=round(float(np.percentile(distances, 90)), 3),
        right=round(float(right), 3),
        down=round(float(down), 3),
        unsteady=round(float(np.median(changes)), 3) if steady.any() else 0.0,
    )
