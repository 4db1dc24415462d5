"""Eases limbs back towards known stances, where they are far outside: the guard.

Bones are turned, never stretched, and turned slowly: what the guard adds has no jumps in time,
though the nearest known stance may change from one picture to the next.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from live.bones import TURNS, turn_bones
from live.frames import Pose
from live.known import KnownStances
from live.neighbours import limb_distance

Array = NDArray[np.float64]

FROM, FULL = 1.0, 2.5  # novelty of a limb at which it begins to be eased, and is eased wholly
_EASE_S = 0.15  # time constant with which bones turn,
_FASTEST = 6.0  # but by no more radians per second
_GAP_S = 1.0  # after this long, or when time runs back, nothing is remembered
_BAND = 1.5  # known limbs farther than the nearest by this many scales have no say
_ROUND = 1.25 * math.pi  # a bone goes on turning the way it turned, up to here
_NOTHING = 1e-3  # radians: too little to be seen


class Guard:
    """Turns one performer's bones, pose after pose in order of time."""

    def __init__(self, known: KnownStances) -> None:
        self._known = known
        self._near = np.empty(len(known.places))
        self._goals = np.zeros(len(TURNS))
        self._turned = np.zeros(len(TURNS))  # radians, what is added to each bone now
        self._last_s: float | None = None
        self._person = 0

    def reset(self) -> None:
        """Let every bone go at once."""
        self._turned[:] = 0
        self._last_s = None

    def apply(
        self, pose: Pose, places: Array, weights: Array, novelties: Array, strength: float,
        now_s: float,
    ) -> Pose:  # fmt: skip
        """`pose`, eased; the same object where nothing is turned.

        places, weights: its `live.stance`; novelties: (LIMBS,); strength: in [0, 1].
        """
        dt_s = self._elapsed_s(pose, now_s)
        shares = strength * smoothstep(novelties, FROM, FULL)
        self._goals[:] = 0
        if shares.any():
            _aim(
                places, weights, self._known.places, self._known.seen, self._known.limb_scales,
                shares, self._turned, self._near, self._goals,
            )  # fmt: skip
        steps = (self._goals - self._turned) * (1 - math.exp(-dt_s / _EASE_S))
        self._turned += np.clip(steps, -_FASTEST * dt_s, _FASTEST * dt_s)
        self._turned[(self._goals == 0) & (np.abs(self._turned) < _NOTHING)] = 0
        if not self._turned.any():
            return pose
        points = pose.points.copy()
        turn_bones(pose.points, pose.scores, weights, self._turned, points)
        return Pose(points, pose.scores, pose.captured_s, pose.size, pose.person)

    def _elapsed_s(self, pose: Pose, now_s: float) -> float:
        elapsed_s = math.inf if self._last_s is None else now_s - self._last_s
        if not -_GAP_S <= elapsed_s <= _GAP_S or pose.person != self._person:
            self.reset()
        self._last_s, self._person = now_s, pose.person
        return elapsed_s if 0 <= elapsed_s <= _GAP_S else 0.0


def smoothstep(value: Array | float, low: float, high: float) -> Array:
    """0 up to `low`, 1 from `high` on, smooth between."""
    share = np.clip((np.asarray(value) - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share))


@njit(nogil=True, cache=True)
def _aim(
    places: Array,
    weights: Array,
    known: NDArray[np.float32],
    known_seen: NDArray[np.float32],
    scales: Array,
    shares: Array,
    turned: Array,
    near: Array,
    goals: Array,
) -> None:
    """Fill `goals` (TURNS,), radians: how far each bone is to be turned.

    The way is the mean of the nearest known limbs, which matter less the farther they are and not
    at all from a distance on: so it changes without a jump. near: (K,), scratch.
    """
    limb_before = -1
    for turn in range(len(TURNS)):
        limb, start, end = TURNS[turn]
        if shares[limb] <= 0 or weights[start] <= 0 or weights[end] <= 0:
            continue
        if limb != limb_before:
            _weigh(limb, places, weights, known, known_seen, _BAND * scales[limb], near)
            limb_before = limb
        x, y, length = 0.0, 0.0, 0.0
        for entry in range(len(known)):
            if near[entry] > 0 and known_seen[entry, start] and known_seen[entry, end]:
                bone_x = known[entry, end, 0] - known[entry, start, 0]
                bone_y = known[entry, end, 1] - known[entry, start, 1]
                x += near[entry] * bone_x
                y += near[entry] * bone_y
                length += near[entry] * math.hypot(bone_x, bone_y)
        own_x = places[end, 0] - places[start, 0]
        own_y = places[end, 1] - places[start, 1]
        if length <= 0 or math.hypot(own_x, own_y) < 1e-6:
            continue
        angle = math.atan2(own_x * y - own_y * x, own_x * x + own_y * y)
        for other in (angle - 2 * math.pi, angle + 2 * math.pi):
            if abs(other) < _ROUND and abs(other - turned[turn]) < abs(angle - turned[turn]):
                angle = other
        # Where the neighbours point every way, none of their ways is better.
        goals[turn] = shares[limb] * angle * math.hypot(x, y) / length


@njit(nogil=True, cache=True)
def _weigh(
    limb: int,
    places: Array,
    weights: Array,
    known: NDArray[np.float32],
    known_seen: NDArray[np.float32],
    band: float,
    near: Array,
) -> None:
    """Fill `near` (K,): how much each known limb has to say, 1 for the nearest."""
    best = math.inf
    for entry in range(len(known)):
        near[entry] = math.sqrt(limb_distance(limb, places, weights, known, known_seen, entry))
        best = min(best, near[entry])
    for entry in range(len(known)):
        share = 1 - (near[entry] - best) / band if near[entry] < best + band else 0.0
        near[entry] = share * share
