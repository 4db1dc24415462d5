"""Poses made up for the tests of what follows them."""

from __future__ import annotations

import numpy as np

from live.frames import Pose
from live.skeleton import INDEX, JOINTS

SIZE = (480, 640)


def person(x: float, y: float = 200, height: float = 200, at_s: float = 0.0) -> Pose:
    """An upright body, its torso's centre at (x, y), `height` pixels tall."""
    points = np.full((len(JOINTS), 2), (x, y), np.float32)
    scores = np.zeros(len(JOINTS), np.float32)
    offsets = {
        "nose": (0, -0.5), "left_ankle": (0.1, 0.5), "right_ankle": (-0.1, 0.5),
        "left_shoulder": (0.12, -0.25), "right_shoulder": (-0.12, -0.25),
        "left_hip": (0.08, 0.1), "right_hip": (-0.08, 0.1),
    }  # fmt: skip
    for name, offset in offsets.items():
        points[INDEX[name]] += np.float32(height) * np.array(offset, np.float32)
        scores[INDEX[name]] = 1
    return Pose(points, scores, at_s, SIZE)


def nobody(at_s: float = 0.0) -> Pose:
    """A pose without any seen joint."""
    joints = len(JOINTS)
    return Pose(np.zeros((joints, 2), np.float32), np.zeros(joints, np.float32), at_s, SIZE)
