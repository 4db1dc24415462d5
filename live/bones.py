"""Bones that are turned, and what hangs on them: no length changes."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from live.skeleton import GROUPS, HAND, INDEX, JOINTS
from live.stance import STANCE

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]

_EYES = ("eye", "ear")

TURNS = tuple(
    (limb, INDEX[start], INDEX[end])
    for limb, start, end in (
        (0, "left_shoulder", "left_elbow"), (0, "left_elbow", "left_wrist"),
        (1, "right_shoulder", "right_elbow"), (1, "right_elbow", "right_wrist"),
        (2, "left_hip", "left_knee"), (2, "left_knee", "left_ankle"),
        (3, "right_hip", "right_knee"), (3, "right_knee", "right_ankle"),
        (4, "mid_hip", "neck"), (5, "neck", "nose"),
    )
)  # fmt: skip
"""Bones that the guard turns: (limb, start, end)."""
_TORSO, _HEAD = 8, 9  # places in it

_TREE = (
    (INDEX["mid_hip"], INDEX["neck"], _TORSO),
    (INDEX["neck"], INDEX["left_shoulder"], _TORSO),
    (INDEX["neck"], INDEX["right_shoulder"], _TORSO),
    (INDEX["neck"], INDEX["nose"], _HEAD),
    *((start, end, turn) for turn, (_, start, end) in enumerate(TURNS[:_TORSO])),
)
"""Every bone that may move, from the middle outwards: (start, end, turn)."""


def _followers() -> Numbers:
    """(J, 2): what each joint is carried along by, beyond the stance: (joint, turn); else -1."""
    table = np.full((len(JOINTS), 2), -1)
    head = (INDEX["nose"], _HEAD)
    for joint in (*GROUPS["face"], *(INDEX[f"{s}_{n}"] for s in ("left", "right") for n in _EYES)):
        table[joint] = head
    for side, arm, leg in (("left", 1, 5), ("right", 3, 7)):
        for name in ("big_toe", "small_toe", "heel"):
            table[INDEX[f"{side}_{name}"]] = (INDEX[f"{side}_ankle"], leg)
        for name in HAND:
            table[INDEX[f"{side}_{name}"]] = (INDEX[f"{side}_wrist"], arm)
    return table


_FOLLOWERS = _followers()


@njit(nogil=True, cache=True)
def turn_bones(
    points: NDArray[np.float32],
    scores: NDArray[np.float32],
    weights: Array,
    turned: Array,
    out: NDArray[np.float32],
) -> None:
    """Turn the bones of `points` (J, 2) and carry along what hangs on them, into `out` (J, 2)."""
    moved = np.zeros((STANCE, 2))
    for start, end, turn in _TREE:
        moved[end] = moved[start]
        if weights[start] > 0 and weights[end] > 0:
            x, y = _turned_by(points, start, end, turned[turn])
            moved[end, 0] += x
            moved[end, 1] += y
    for joint in range(len(points)):
        anchor, turn = _FOLLOWERS[joint, 0], _FOLLOWERS[joint, 1]
        x, y = 0.0, 0.0
        if anchor >= 0:
            if weights[anchor] > 0 and scores[joint] > 0:
                x, y = _turned_by(points, anchor, joint, turned[turn])
            x, y = x + moved[anchor, 0], y + moved[anchor, 1]
        elif joint < STANCE:
            x, y = moved[joint, 0], moved[joint, 1]
        out[joint, 0] = points[joint, 0] + x
        out[joint, 1] = points[joint, 1] + y


@njit(nogil=True, cache=True)
def _turned_by(
    points: NDArray[np.float32], start: int, end: int, angle: float
) -> tuple[float, float]:
    """How far `end` moves when it turns about `start` by `angle`, radians."""
    x = float(points[end, 0]) - float(points[start, 0])
    y = float(points[end, 1]) - float(points[start, 1])
    cos, sin = math.cos(angle) - 1, math.sin(angle)
    return cos * x - sin * y, sin * x + cos * y
