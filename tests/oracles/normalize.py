"""Global pose normalization by the book; slow, and written without `live`'s kernels."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from live.body import BodyStats
from live.skeleton import INDEX, MIRROR

SEEN = 0.3


def foot_line(points: NDArray, scores: NDArray, size: tuple[int, int]) -> float:
    """The lower of the ankles in sight, in frame heights; NaN where none is."""
    ankles = [INDEX["left_ankle"], INDEX["right_ankle"]]
    seen = [points[a, 1] for a in ankles if scores[a] >= SEEN and np.isfinite(points[a]).all()]
    return max(seen) / size[0] if seen else math.nan


def body_height(points: NDArray, scores: NDArray, size: tuple[int, int]) -> float:
    """From the highest head joint in sight to the lower ankle, in frame heights."""
    head = [INDEX[n] for n in ("nose", "left_eye", "right_eye", "left_ear", "right_ear")]
    seen = [points[j, 1] for j in head if scores[j] >= SEEN and np.isfinite(points[j]).all()]
    return foot_line(points, scores, size) - min(seen) / size[0] if seen else math.nan


def normalize(
    points: NDArray,
    scores: NDArray,
    size: tuple[int, int],
    label: tuple[int, int],
    target: BodyStats,
    performer: BodyStats,
    mirror: bool = False,
) -> tuple[NDArray, NDArray]:
    """Points (J, 2) and scores (J,) in the label, of a pose whose ankles and mid-hip are in sight.

    The performer's picture is turned over first, then treated like any other.
    """
    height, width = size
    points = points.astype(np.float64)
    if mirror:
        points, scores = points.copy()[list(MIRROR)], scores[list(MIRROR)]
        points[:, 0] = width - points[:, 0]
    toe = foot_line(points, scores, size)
    scale, foot = depth(toe, target, performer)
    hip = (points[INDEX["mid_hip"], 0] - width / 2) / height
    root = aside(hip, scale, width / height, target)
    out = np.empty_like(points)
    x = (points[:, 0] - width / 2) / height
    out[:, 0] = label[1] / 2 + (root + (x - hip) * scale) * label[1] / target.aspect
    out[:, 1] = (foot + (points[:, 1] / height - toe) * scale) * label[0]
    return out, scores


def depth(toe: float, target: BodyStats, performer: BodyStats) -> tuple[float, float]:
    """(scale, foot line) for a foot line of the performer's."""
    ratio = target.height_near / performer.height_near
    span, given = target.toe_near - target.toe_far, performer.toe_near - performer.toe_far
    if given <= 1e-6:
        return ratio, target.toe_near + (toe - performer.toe_near) * ratio
    far_height, far = target.height_far, target.toe_far
    if given * ratio < span:  # not stretched: only the near part of the target's depth is used
        share = given * ratio / span
        far = target.toe_near - given * ratio
        far_height = (1 - share) * target.height_near + share * target.height_far
    p = (toe - performer.toe_far) / given
    far_ratio = far_height / performer.height_far
    q = float(np.clip(p, -1, 2))
    scale = max((1 - q) * far_ratio + q * ratio, min(far_ratio, ratio) / 2)
    return scale, (1 - p) * far + p * target.toe_near


def aside(offset: float, scale: float, aspect: float, target: BodyStats) -> float:
    """The root's place from the picture's centre; the outer half takes what would fall out."""
    side = 1 if offset >= 0 else -1
    reach, room = aspect / 2 * scale, target.aspect / 2
    wanted = abs(offset * scale)
    if reach > room > 0:
        wanted = float(np.interp(wanted, [0, room / 2, reach], [0, room / 2, room]))
    return side * wanted
