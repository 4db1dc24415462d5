"""Figures of a known height, placed on a stage of known perspective."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from live.body import BodyStats
from live.frames import Pose
from live.measure import HEAD, MEASURES, TOE, measure


def extent(pose: Pose) -> tuple[float, float]:
    """(top of the head, lower ankle) of `pose`, in heights of its picture."""
    measures = np.empty(MEASURES)
    measure(pose.points, pose.scores, *pose.size, measures)
    return float(measures[HEAD]), float(measures[TOE])


def placed(
    body: BodyStats,
    stage: tuple[int, int],
    pose: tuple[NDArray[np.float32], NDArray[np.float32]],
    depth: float,
    x: float,
) -> Pose:
    """`pose`, drawn in the middle of `stage`, as tall as `body` at `depth`, its feet there.

    depth: 0 far, 1 near; x: stage heights from the middle to the right.
    """
    points, scores = pose
    head, ankle = extent(Pose(points, scores, 0.0, stage))
    toe = body.toe_far + (body.toe_near - body.toe_far) * depth
    tall = body.height_far + (body.height_near - body.height_far) * depth
    foot = np.array([stage[1] / 2, ankle * stage[0]])
    place = np.array([stage[1] / 2 + x * stage[0], toe * stage[0]])
    moved = (points - foot) * (tall / (ankle - head)) + place
    return Pose(moved.astype(np.float32), scores, 0.0, stage)
