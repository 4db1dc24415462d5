"""How far a pose is from known ones, by the book; slow, and without `live`'s kernels."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from live.body import BodyStats
from live.skeleton import INDEX

JOINTS = [
    INDEX[name]
    for name in (
        "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder",
        "left_elbow", "left_wrist", "mid_hip", "right_hip", "right_knee", "right_ankle",
        "left_hip", "left_knee", "left_ankle",
    )
]  # fmt: skip


def stance(
    points: NDArray, scores: NDArray, stage_px: int, body: BodyStats
) -> tuple[NDArray, NDArray]:
    """Places (15, 2) from the mid-hip in body heights, and weights (15,), of a pose whose ankles
    and mid-hip score 0.5 or more."""
    weights = np.clip((scores[JOINTS].astype(float) - 0.1) / 0.4, 0, 1)
    toe = max(points[INDEX[f"{side}_ankle"], 1] for side in ("left", "right")) / stage_px
    span = body.toe_near - body.toe_far
    depth = float(np.clip((toe - body.toe_far) / span if span > 1e-6 else 1.0, -1, 2))
    tall = body.height_far + (body.height_near - body.height_far) * depth
    tall = max(tall, body.height_far / 2) * stage_px
    return (points[JOINTS].astype(float) - points[INDEX["mid_hip"]]) / tall, weights


def distance(places: NDArray, weights: NDArray, known: NDArray, known_seen: NDArray) -> float:
    """To the nearest of known (K, 15, 2), where it shows more than half of what is seen."""
    best = math.inf
    for other, seen in zip(known, known_seen, strict=True):
        both = weights * seen
        if both.sum() <= weights.sum() / 2:
            continue
        squares = ((places - other) ** 2).sum(1)
        best = min(best, math.sqrt((both * squares).sum() / both.sum()))
    return best


def scale(known: NDArray, known_seen: NDArray) -> float:
    """The 95th percentile of the distances to the nearest other one that is not adjacent."""
    found = []
    for at in range(len(known)):
        others = [other for other in range(len(known)) if abs(other - at) > 1]
        found.append(distance(known[at], known_seen[at], known[others], known_seen[others]))
    return max(float(np.quantile(found, 0.95)), 0.02)
