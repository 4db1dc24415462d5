"""From the performer's scale and place to the target's: EDN's global pose normalization, live.

Chan, Ginosar, Zhou, Efros: 'Everybody Dance Now', ICCV 2019, section 3.4, made causal. With the
foot line `toe` and statistics of performer s and target t, per frame

    p     = (toe - far_s) / (near_s - far_s)
    scale = lerp(height_far_t / height_far_s, height_near_t / height_near_s, p)
    foot  = lerp(far_t, near_t, p)

and every joint keeps its offset from the foot line, times `scale`; x scales about the picture's
centre. A performer who uses less depth than the target did is not stretched to it: far_t moves
towards near_t until one body height of depth stays one body height.
"""

from __future__ import annotations

import copy
import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from live.body import BodyStats
from live.fit import fit_body_stats as fit_body_stats
from live.footline import FootLine
from live.frames import Pose
from live.measure import MEASURES, ROOT_X, measure
from live.refine import (
    ASPECT,
    HEIGHT_FAR,
    HEIGHT_NEAR,
    TOE_FAR,
    TOE_NEAR,
    TORSO_FRACTION,
    RunningStats,
    vector_of,
)
from live.skeleton import MIRROR

Array = NDArray[np.float64]

_STRAIGHT = np.arange(len(MIRROR))
_CROSSED = np.array(MIRROR)
_FRAME_S = 1 / 30  # what the first frame counts for, and one with an odd time stamp
_GAP_S = 1.0  # after this long without a pose the foot line starts afresh
_EASE_S = 2.0  # time constant with which statistics in use follow the evidence
_TRUST_S = 60.0  # a calibration weighs as much as this long a time of watching
_FARTHEST_PX = 1e6  # a coordinate beyond this is no place at all


class Normalizer:
    """Maps one performer's poses, frame after frame, onto the target's label."""

    def __init__(
        self,
        target: BodyStats,
        size: tuple[int, int],
        performer: BodyStats | None = None,
        mirror: bool = False,
        refine: bool = True,
    ) -> None:
        """`size` is the label's (height, width) in pixels and shows the target's whole frame.

        performer: from a calibration; without it the first frames give a first guess.
        mirror: flip left and right, so that the target is the performer's mirror image.
        refine: learn the performer's statistics while the show runs.
        """
        self.size = size
        self._target = vector_of(target)
        self._prior = None if performer is None else vector_of(performer)
        self.mirror = mirror  # this and the next from any thread; the next pose obeys
        self.refine = refine or performer is None
        self._forgetting = False
        self._settle_s = 0.0  # so long a calibration is yet eased into, where nothing is learnt
        self._running = RunningStats()
        self._foot = FootLine()
        self._measures = np.empty(MEASURES)
        self._goal = np.empty_like(self._target)
        self.reset()

    def reset(self) -> None:
        """Forget the performer; what a calibration gave stays."""
        self._running.reset()
        self._foot.reset()
        self._stats = (self._target if self._prior is None else self._prior).copy()
        self._known = self._prior is not None
        self._last_s: float | None = None
        self._person: int | None = None

    @property
    def performer(self) -> BodyStats | None:
        """The performer's statistics now in use, or None before anybody was measured."""
        return BodyStats(*(float(value) for value in self._stats)) if self._known else None

    def use(self, performer: BodyStats) -> None:
        """Take a calibration made while the show runs: eased into, never jumped to. Any thread."""
        self._prior = vector_of(performer)
        self._settle_s = 5 * _EASE_S

    def forget(self) -> None:
        """Forget the performer, the calibration too, before the next pose. Any thread."""
        self._forgetting = True

    def take_over(self, other: Normalizer) -> None:
        """Know the performer as `other` does, which goes on by itself. On the stage's thread."""
        self._prior, self._settle_s = other._prior, other._settle_s
        self._stats, self._known = other._stats.copy(), other._known
        self._running, self._foot = copy.deepcopy(other._running), copy.deepcopy(other._foot)
        self._last_s, self._person = other._last_s, other._person

    def apply(self, pose: Pose) -> Pose:
        """`pose` in the label's pixels, with `size` the label's.

        A joint that is not finite comes out with score 0.
        """
        if self._forgetting:
            self._forgetting, self._prior = False, None
            self.reset()
        height, width = pose.size
        mirror = self.mirror  # read once
        dt_s = self._elapsed_s(pose)
        measure(pose.points, pose.scores, height, width, self._measures)
        toe = self._foot.follow(self._measures, float(self._stats[TORSO_FRACTION]), dt_s)
        # Somebody of whom nothing is known is measured in any case.
        if self.refine or not self._known:
            self._learn(toe, dt_s, width / height)
        elif self._prior is not None and self._settle_s > 0:
            self._ease(self._prior, dt_s)
        self._settle_s -= dt_s
        points, scores = np.empty_like(pose.points), np.empty_like(pose.scores)
        _map(
            pose.points, pose.scores, height, width, *self.size, self._target, self._stats, toe,
            self._measures[ROOT_X], mirror, _CROSSED if mirror else _STRAIGHT,
            points, scores,
        )  # fmt: skip
        return Pose(points, scores, pose.captured_s, self.size, pose.person)

    def _elapsed_s(self, pose: Pose) -> float:
        """Seconds since the last pose; a new person or a long gap starts the evidence afresh."""
        elapsed_s = _FRAME_S if self._last_s is None else pose.captured_s - self._last_s
        if self._person is not None and pose.person != self._person:
            self._running.reset()
            self._foot.reset()
        elif not 0 <= elapsed_s <= _GAP_S:
            self._foot.reset()
        self._last_s, self._person = pose.captured_s, pose.person
        return elapsed_s if 0 <= elapsed_s <= _GAP_S else _FRAME_S

    def _learn(self, toe: float, dt_s: float, aspect: float) -> None:
        """Move the statistics in use towards what the evidence says, never at once."""
        self._running.add(self._measures, toe, float(self._stats[TORSO_FRACTION]), dt_s)
        prior = self._prior  # read once: `use` may replace it from another thread
        self._goal[:] = self._stats
        if self._running.estimate(self._goal):
            if prior is not None:
                weight_s = self._running.weight_s
                self._goal += (prior - self._goal) * (_TRUST_S / (_TRUST_S + weight_s))
        elif prior is not None:
            self._goal[:] = prior
        else:
            return
        self._goal[ASPECT] = aspect
        self._ease(self._goal, dt_s)

    def _ease(self, goal: Array, dt_s: float) -> None:
        ease = 1 - math.exp(-dt_s / _EASE_S) if self._known else 1.0
        self._stats += (goal - self._stats) * ease
        # Eased one by one, equal numbers may come out unequal in the last place.
        self._stats[TOE_FAR] = min(self._stats[TOE_FAR], self._stats[TOE_NEAR])
        self._known = True


@njit(nogil=True, cache=True)
def _depth(target: Array, source: Array, toe: float) -> tuple[float, float]:
    """(scale, foot line in the target's heights) for foot line `toe` in the performer's."""
    near_ratio = target[HEIGHT_NEAR] / source[HEIGHT_NEAR]
    span_t = target[TOE_NEAR] - target[TOE_FAR]
    span_s = source[TOE_NEAR] - source[TOE_FAR]
    used = min(span_t, span_s * near_ratio)  # of the target's depth: never stretched
    share = used / span_t if span_t > 0 else 1.0
    height_far = target[HEIGHT_NEAR] + (target[HEIGHT_FAR] - target[HEIGHT_NEAR]) * share
    far_ratio = height_far / source[HEIGHT_FAR]
    slope = used / span_s if span_s > 1e-6 else near_ratio
    p = (toe - source[TOE_FAR]) / span_s if span_s > 1e-6 else 1.0
    # Feet in the air or one step beyond the known range must not turn the body into a dwarf.
    p = min(max(p, -1.0), 2.0)
    scale = max(far_ratio + (near_ratio - far_ratio) * p, 0.5 * min(far_ratio, near_ratio))
    return scale, target[TOE_NEAR] + (toe - source[TOE_NEAR]) * slope


@njit(nogil=True, cache=True)
def _aside(offset: float, reach: float, room: float) -> float:
    """Where the body's middle goes, `offset` from the centre; all in the target's heights.

    `reach` is how far the performer's picture lets them go and `room` how far the target's does.
    Where it is less, the outer half of the room takes what would fall off the edge.
    """
    knee = room / 2
    if reach <= room or abs(offset) <= knee or knee <= 0:
        return offset
    return math.copysign(knee + (abs(offset) - knee) * (room - knee) / (reach - knee), offset)


@njit(nogil=True, cache=True)
def _map(
    points: NDArray[np.float32],
    scores: NDArray[np.float32],
    height: int,
    width: int,
    label_height: int,
    label_width: int,
    target: Array,
    source: Array,
    toe: float,
    root_x: float,
    mirror: bool,
    joints: NDArray[np.int64],
    out_points: NDArray[np.float32],
    out_scores: NDArray[np.float32],
) -> None:
    if not math.isfinite(toe):
        toe = source[TOE_NEAR]
    scale, foot = _depth(target, source, toe)
    way = -1.0 if mirror else 1.0
    middle = root_x if math.isfinite(root_x) else 0.0
    root = _aside(way * middle * scale, width / height / 2 * scale, target[ASPECT] / 2)
    x_unit = label_width / target[ASPECT]  # pixels per height; the label may be squeezed a little
    for joint in range(out_scores.shape[0]):
        seen = joints[joint]
        x = way * ((points[seen, 0] - width / 2) / height - middle)
        y = points[seen, 1] / height - toe
        out_x = label_width / 2 + (root + x * scale) * x_unit
        out_y = (foot + y * scale) * label_height
        score = scores[seen]
        if score > 0 and abs(out_x) < _FARTHEST_PX and abs(out_y) < _FARTHEST_PX:
            out_points[joint, 0], out_points[joint, 1] = out_x, out_y
            out_scores[joint] = min(score, 1.0)
        else:
            out_points[joint, 0], out_points[joint, 1] = 0.0, 0.0
            out_scores[joint] = 0.0
