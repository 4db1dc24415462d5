"""The nearest of many known stances: of the whole body, and of each limb by itself."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from live.skeleton import INDEX
from live.stance import STANCE

Array = NDArray[np.float64]
Known = NDArray[np.float32]

LIMBS = ("left arm", "right arm", "left leg", "right leg", "torso", "head")
LIMB_ROOTS = np.array(
    [
        INDEX[name]
        for name in ("left_shoulder", "right_shoulder", "left_hip", "right_hip", "mid_hip", "neck")
    ]
)
LIMB_JOINTS = np.array(
    [
        [INDEX[name] for name in names]
        for names in (
            ("left_elbow", "left_wrist"),
            ("right_elbow", "right_wrist"),
            ("left_knee", "left_ankle"),
            ("right_knee", "right_ankle"),
            ("neck", "neck"),
            ("nose", "nose"),
        )
    ]
)
"""(LIMBS, 2): the joints of each limb, counted from its root."""

_FAR_FIRST = np.array(
    [
        INDEX[name]
        for name in (
            "left_wrist", "right_wrist", "left_ankle", "right_ankle", "left_elbow", "right_elbow",
            "left_knee", "right_knee", "nose", "neck", "left_shoulder", "right_shoulder",
            "left_hip", "right_hip", "mid_hip",
        )
    ]
)  # fmt: skip
"""Joints in the order in which they tell stances apart: a comparison is soon given up."""
_SHARE = 0.5  # a known stance that lacks more than this of the joints seen tells nothing


@njit(nogil=True, cache=True)
def nearest(
    places: Array,
    weights: Array,
    known: Known,
    known_seen: Known,
    first: int,
    without: int,
    around: int,
) -> tuple[float, int]:
    """(distance, number) of the nearest known stance; (inf, -1) where none tells anything.

    The distance is the root of the mean square over the joints that both show, body heights.
    places: (STANCE, 2); weights: (STANCE,); known: (K, STANCE, 2); known_seen: (K, STANCE), 0 or 1.
    first: where to begin, best at the last answer. Entries from `without - around` to
    `without + around` are left out.
    """
    seen = weights.sum()
    best, number = math.inf, -1
    for step in range(len(known)):
        entry = (first + step) % len(known)
        if abs(entry - without) <= around:
            continue
        total, shared = 0.0, 0.0
        for joint in _FAR_FIRST:
            weight = weights[joint] * known_seen[entry, joint]
            x = places[joint, 0] - known[entry, joint, 0]
            y = places[joint, 1] - known[entry, joint, 1]
            total += weight * (x * x + y * y)
            shared += weight
            if total > best * seen:  # `shared` will not be above `seen`
                break
        else:
            if shared > _SHARE * seen and total < best * shared:
                best, number = total / shared, entry
    return math.sqrt(best), number


@njit(nogil=True, cache=True)
def limb_distance(
    limb: int, places: Array, weights: Array, known: Known, known_seen: Known, entry: int
) -> float:
    """The mean square distance of one limb from that of a known stance, square body heights.

    Joints are counted from the limb's root. Infinite where the known one lacks what is seen.
    """
    root = LIMB_ROOTS[limb]
    from_x = places[root, 0] - known[entry, root, 0]
    from_y = places[root, 1] - known[entry, root, 1]
    total, shared, seen = 0.0, 0.0, 0.0
    for joint in LIMB_JOINTS[limb]:
        weight = weights[joint] * weights[root]
        both = weight * known_seen[entry, joint] * known_seen[entry, root]
        x = places[joint, 0] - known[entry, joint, 0] - from_x
        y = places[joint, 1] - known[entry, joint, 1] - from_y
        total += both * (x * x + y * y)
        shared += both
        seen += weight
    return total / shared if shared > _SHARE * seen else math.inf


@njit(nogil=True, cache=True)
def nearest_limbs(
    places: Array,
    weights: Array,
    known: Known,
    known_seen: Known,
    without: int,
    around: int,
    distances: Array,
) -> None:
    """Fill `distances` (LIMBS,): from each limb to the nearest known one, body heights.

    NaN where the limb is not seen; infinite where none tells anything.
    """
    for limb in range(len(LIMB_ROOTS)):
        distances[limb] = math.nan
        if not weights[LIMB_ROOTS[limb]] * weights[LIMB_JOINTS[limb]].sum() > 0:
            continue
        best = math.inf
        for entry in range(len(known)):
            if abs(entry - without) <= around:
                continue
            best = min(best, limb_distance(limb, places, weights, known, known_seen, entry))
        distances[limb] = math.sqrt(best)


@njit(nogil=True, cache=True)
def own_distances(
    known: Known, known_seen: Known, numbers: NDArray[np.int64], around: int, distances: Array
) -> None:
    """Fill `distances` (len(numbers), 1 + LIMBS): from known stances to the nearest other one.

    First the whole body, then each limb; body heights.
    """
    places = np.empty((STANCE, 2))
    weights = np.empty(STANCE)
    for row in range(len(numbers)):
        at = numbers[row]
        places[:] = known[at]
        weights[:] = known_seen[at]
        distances[row, 0] = nearest(places, weights, known, known_seen, at, at, around)[0]
        nearest_limbs(places, weights, known, known_seen, at, around, distances[row, 1:])
