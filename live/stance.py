"""How a body is held, wherever it stands: joints from the middle of the hips, in body heights.

Near and far, left and right compare: what is left is the pose alone.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from live.refine import HEIGHT_FAR, HEIGHT_NEAR, TOE_FAR, TOE_NEAR, TORSO_FRACTION
from live.skeleton import INDEX

Array = NDArray[np.float64]

STANCE = 15
"""So many joints, the first of the skeleton: nose, trunk and limbs, without feet and face."""

_HIDDEN, _FULL = 0.1, 0.5  # scores between which a joint comes to count; as labels are drawn
_FARTHEST_PX = 1e6  # a coordinate beyond this is no place at all
_NECK, _MID_HIP = INDEX["neck"], INDEX["mid_hip"]
_HIPS = (INDEX["right_hip"], INDEX["left_hip"])
_ANKLES = (INDEX["right_ankle"], INDEX["left_ankle"])


@njit(nogil=True, cache=True)
def stance(
    points: NDArray[np.float32],
    scores: NDArray[np.float32],
    stage_px: float,
    body: Array,
    places: Array,
    weights: Array,
) -> float:
    """Fill `places` (STANCE, 2) and `weights` (STANCE,) in [0, 1], both float64, from one pose.

    points: (J, 2) pixels of a stage `stage_px` high; scores: (J,); body: `BodyStats` as numbers.
    A joint that is not seen, or nowhere, has weight 0. Returns the body's height in pixels.
    """
    for joint in range(STANCE):
        x, y, score = points[joint, 0], points[joint, 1], scores[joint]
        places[joint, 0] = places[joint, 1] = weights[joint] = 0.0
        if score > _HIDDEN and abs(x) < _FARTHEST_PX and abs(y) < _FARTHEST_PX:
            places[joint, 0], places[joint, 1] = x, y
            weights[joint] = min((score - _HIDDEN) / (_FULL - _HIDDEN), 1.0)
    height = _height(places, weights, stage_px, body)
    root_x, root_y = _root(places, weights, height * body[TORSO_FRACTION])
    for joint in range(STANCE):
        places[joint, 0] = (places[joint, 0] - root_x) / height
        places[joint, 1] = (places[joint, 1] - root_y) / height
    return height


@njit(nogil=True, cache=True)
def _height(places: Array, weights: Array, stage_px: float, body: Array) -> float:
    """Of the body, pixels: by how deep on the stage the feet stand, else by the torso."""
    certain, toe = 0.0, -math.inf
    for ankle in _ANKLES:
        if weights[ankle] > 0:
            certain, toe = max(certain, weights[ankle]), max(toe, places[ankle, 1] / stage_px)
    other = (body[HEIGHT_NEAR] + body[HEIGHT_FAR]) / 2
    if weights[_NECK] > 0 and weights[_MID_HIP] > 0:
        x = places[_NECK, 0] - places[_MID_HIP, 0]
        y = places[_NECK, 1] - places[_MID_HIP, 1]
        # A torso that leans towards the camera is short, and the body is not.
        other = max(math.hypot(x, y) / stage_px / body[TORSO_FRACTION], body[HEIGHT_FAR] / 2)
    if certain > 0:
        other += (_height_at(toe, body) - other) * certain
    return float(other * stage_px)


@njit(nogil=True, cache=True)
def _height_at(toe: float, body: Array) -> float:
    """Of the body whose feet stand at `toe`; both in stage heights."""
    span = body[TOE_NEAR] - body[TOE_FAR]
    depth = (toe - body[TOE_FAR]) / span if span > 1e-6 else 1.0
    depth = min(max(depth, -1.0), 2.0)  # as in `live.normalize`
    height = body[HEIGHT_FAR] + (body[HEIGHT_NEAR] - body[HEIGHT_FAR]) * depth
    return float(max(height, 0.5 * body[HEIGHT_FAR]))


@njit(nogil=True, cache=True)
def _root(places: Array, weights: Array, torso_px: float) -> tuple[float, float]:
    """The middle of the hips, or where it must be."""
    if weights[_MID_HIP] > 0:
        return places[_MID_HIP, 0], places[_MID_HIP, 1]
    right, left = _HIPS
    if weights[right] > 0 and weights[left] > 0:
        return (
            (places[right, 0] + places[left, 0]) / 2,
            (places[right, 1] + places[left, 1]) / 2,
        )
    return places[_NECK, 0], places[_NECK, 1] + torso_px
