"""Where somebody is in a frame, and how large."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from live.frames import Pose
from live.skeleton import INDEX

SCORE_SEEN = 0.1
"""Joints that score no more don't count."""

_TORSO = [
    INDEX[name] for name in ("right_shoulder", "left_shoulder", "right_hip", "left_hip", "neck")
]


@dataclass(frozen=True, slots=True)
class Body:
    """Where a pose stands and how large it is, pixels."""

    x: float  # centre of the torso
    y: float
    size: float  # diagonal of the seen joints' box
    area: float  # of the box of the seen joints
    box: tuple[float, float, float, float]  # left, top, right, bottom

    def away(self, x: float, y: float) -> float:
        """From a point to the box, pixels; 0 inside, less than 0 the nearer it is to the middle."""
        left, top, right, bottom = self.box
        outside = math.hypot(max(left - x, 0, x - right), max(top - y, 0, y - bottom))
        if outside > 0:
            return outside
        return math.hypot(x - (left + right) / 2, y - (top + bottom) / 2) / self.size - 1


def measure_body(pose: Pose, score_seen: float) -> Body | None:
    """The body that `pose` shows; None where no joint is seen."""
    box = seen_box(pose, score_seen)
    if box is None:
        return None
    left, top, right, bottom = map(float, box)
    torso = [joint for joint in _TORSO if pose.scores[joint] > score_seen]
    x, y = pose.points[torso].mean(0) if torso else ((left + right) / 2, (top + bottom) / 2)
    width, height = max(right - left, 1.0), max(bottom - top, 1.0)
    size = math.hypot(width, height)
    return Body(float(x), float(y), size, width * height, (left, top, right, bottom))


def seen_box(pose: Pose, score_seen: float) -> NDArray[np.float32] | None:
    """Box of the joints that score above `score_seen`: left, top, right, bottom; float32, pixels.

    None where there is none.
    """
    seen = pose.points[pose.scores > score_seen]
    if not len(seen):
        return None
    return np.concatenate([seen.min(0), seen.max(0)])


def middle(pose: Pose) -> tuple[float, float] | None:
    """The middle of who is seen, shares of the picture; None where nothing is."""
    box = seen_box(pose, SCORE_SEEN)
    if box is None or not np.isfinite(box).all():
        return None
    x, y = (float(box[0]) + float(box[2])) / 2, (float(box[1]) + float(box[3])) / 2
    return x / pose.size[1], y / pose.size[0]
