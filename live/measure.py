"""What normalization reads off one pose: where the feet stand, how tall the body is, its middle.

All lengths are fractions of the frame's height; y runs down from the top edge, x from the frame's
centre line. A measure whose joints are not in sight is NaN.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from live.skeleton import INDEX

Array = NDArray[np.float64]

SEEN = 0.3
"""A joint counts as in sight from this score on."""

TOE, HEAD, TORSO, NECK_Y, SHOULDERS, ROOT_X = range(6)
"""Places in a vector of measures: the lower ankle's y; the topmost head joint's y; neck to mid-hip;
the neck's y; shoulder to shoulder; x of whatever tells best where the body is."""
MEASURES = 6

_ANKLES = (INDEX["right_ankle"], INDEX["left_ankle"])
_HEAD = tuple(INDEX[n] for n in ("nose", "right_eye", "left_eye", "right_ear", "left_ear"))
_NECK, _MID_HIP = INDEX["neck"], INDEX["mid_hip"]
_SHOULDERS = (INDEX["right_shoulder"], INDEX["left_shoulder"])
_HIPS = (INDEX["right_hip"], INDEX["left_hip"])


def measure_clip(
    points: NDArray[np.float32], scores: NDArray[np.float32], size: tuple[int, int]
) -> NDArray[np.float64]:
    """Measures of every frame of a clip.

    points: (T, J, 2), pixels of a frame of `size` (height, width); scores: (T, J) in [0, 1].
    Returns (T, MEASURES) float64.
    """
    clip = np.full((len(points), MEASURES), np.nan)
    for pose, score, measures in zip(points, scores, clip, strict=True):
        measure(pose, score, size[0], size[1], measures)
    return clip


@njit(nogil=True, cache=True)
def _is_seen(points: NDArray[np.float32], scores: NDArray[np.float32], joint: int) -> bool:
    seen = scores[joint] >= SEEN
    return seen and math.isfinite(points[joint, 0]) and math.isfinite(points[joint, 1])


@njit(nogil=True, cache=True)
def _middle(
    points: NDArray[np.float32], scores: NDArray[np.float32], joint: int, pair: tuple[int, int]
) -> tuple[float, float]:
    """(x, y) of `joint`, or halfway between `pair` where only those are seen; else NaN."""
    if _is_seen(points, scores, joint):
        return float(points[joint, 0]), float(points[joint, 1])
    if _is_seen(points, scores, pair[0]) and _is_seen(points, scores, pair[1]):
        x = (float(points[pair[0], 0]) + float(points[pair[1], 0])) / 2
        y = (float(points[pair[0], 1]) + float(points[pair[1], 1])) / 2
        return x, y
    return math.nan, math.nan


@njit(nogil=True, cache=True)
def measure(
    points: NDArray[np.float32],
    scores: NDArray[np.float32],
    height: int,
    width: int,
    measures: Array,
) -> None:
    """Fill `measures` (MEASURES,) float64 from one pose: points (J, 2) pixels, scores (J,)."""
    measures[:] = math.nan
    for ankle in _ANKLES:
        if _is_seen(points, scores, ankle) and not measures[TOE] >= points[ankle, 1] / height:
            measures[TOE] = points[ankle, 1] / height
    for joint in _HEAD:
        if _is_seen(points, scores, joint):
            if not measures[HEAD] <= points[joint, 1] / height:
                measures[HEAD] = points[joint, 1] / height
            measures[ROOT_X] = (points[joint, 0] - width / 2) / height
    neck_x, neck_y = _middle(points, scores, _NECK, _SHOULDERS)
    if math.isfinite(neck_y):
        measures[NECK_Y] = neck_y / height
        measures[ROOT_X] = (neck_x - width / 2) / height
    hip_x, hip_y = _middle(points, scores, _MID_HIP, _HIPS)
    if math.isfinite(hip_y):
        measures[ROOT_X] = (hip_x - width / 2) / height
    measures[TORSO] = math.hypot(neck_x - hip_x, neck_y - hip_y) / height
    right, left = _SHOULDERS
    if _is_seen(points, scores, right) and _is_seen(points, scores, left):
        across_x = float(points[right, 0]) - float(points[left, 0])
        across_y = float(points[right, 1]) - float(points[left, 1])
        measures[SHOULDERS] = math.hypot(across_x, across_y) / height
