"""Causal smoothing: One Euro filters that hold, then fade, what is lost.

Casiez, Roussel, Vogel: '1 Euro Filter', CHI 2012, algorithm 1, per joint and coordinate. Speeds
are in frame heights per second, so the settings do not depend on the resolution.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numba import njit
from numpy.typing import NDArray

from live.frames import Pose

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SmoothSettings:
    """How steady against how quick."""

    min_cutoff_hz: float = 1.5  # at rest: lower is steadier
    beta: float = 40.0  # cycles per frame height: how fast the cutoff rises with the joint's speed
    derivative_cutoff_hz: float = 5.0  # of the speed that steers the cutoff
    hold_s: float = 0.25  # a lost joint stays where it was for this long,
    fade_s: float = 0.25  # then its score falls linearly to 0 within this
    score_seen: float = 0.1  # a joint that scores this or less is lost
    lead_s: float = 0.0  # predict this far ahead, to hide the pipeline's delay
    lead_limit: float = 0.05  # a prediction moves a joint by no more than this, frame heights

    def __post_init__(self) -> None:
        for name in ("min_cutoff_hz", "derivative_cutoff_hz"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be above 0 Hz")
        for name in ("beta", "hold_s", "fade_s", "lead_s", "lead_limit"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be 0 or more")
        if not 0 <= self.score_seen < 1:
            raise ValueError(f"score_seen is {self.score_seen}; it must be in [0, 1)")

    def tuned(self, steadiness: float, lead_s: float) -> SmoothSettings:
        """Between quick (0) and steady (1), these as they are in the middle (0.5)."""
        factor = _REACH ** (1 - 2 * steadiness)
        return replace(
            self,
            min_cutoff_hz=self.min_cutoff_hz * factor,
            beta=self.beta * factor,
            lead_s=lead_s,
        )


_REACH = 8.0
"""So many times quicker, or steadier, it gets at most: at rest 12 Hz, which lets the tracker's
noise through, or 0.2 Hz, at which the figure floats."""


class Smoother:
    """Smooths one performer's poses. Without lead it never leaves the range of what it was given;

    with lead it leaves it by at most min(lead_s * the largest filtered speed, lead_limit).
    """

    def __init__(self, settings: SmoothSettings | None = None) -> None:
        self.settings = settings or SmoothSettings()  # may be exchanged between two poses
        self.reset()

    def reset(self) -> None:
        """Forget everything: the next pose comes out as it goes in."""
        self._last: Pose | None = None  # what was given out
        self._last_s: float | None = None
        self._state = np.empty(0)

    def apply(self, pose: Pose | None, now_s: float) -> Pose | None:
        """The smoothed pose at `now_s`, seconds; None when nobody is seen nor remembered.

        pose: None where nobody was found. now_s: when the frame was captured. A repeated or
        slightly earlier time gives the last answer again; one much earlier starts afresh.
        """
        if not math.isfinite(now_s):
            raise ValueError(f"the time is {now_s}; it must be a finite number of seconds")
        if self._is_other(pose, now_s):
            self.reset()
        if self._last_s is not None and now_s <= self._last_s:
            return self._last
        if pose is None and self._last is None:
            return None
        return self._step(pose, now_s)

    def _is_other(self, pose: Pose | None, now_s: float) -> bool:
        """Whether nothing known of the past applies: another person, picture size or recording."""
        forgotten_s = self.settings.hold_s + self.settings.fade_s
        if self._last_s is not None and now_s < self._last_s - forgotten_s:
            return True
        last = self._last
        if pose is None or last is None:
            return False
        return (pose.person, pose.size) != (last.person, last.size)

    def _step(self, pose: Pose | None, now_s: float) -> Pose | None:
        given = pose or self._last
        assert given is not None
        if len(self._state) != len(given.scores):
            self._state = np.full((len(given.scores), _COLUMNS), np.nan)
        points, scores = np.empty_like(given.points), np.empty_like(given.scores)
        s = self.settings
        alive = _filter(
            given.points, given.scores, pose is not None, now_s, float(given.size[0]), self._state,
            s.min_cutoff_hz, s.beta, s.derivative_cutoff_hz, s.hold_s, s.fade_s, s.score_seen,
            s.lead_s, s.lead_limit, points, scores,
        )  # fmt: skip
        self._last_s = now_s
        captured_s = given.captured_s
        smoothed = Pose(points, scores, captured_s, given.size, given.person) if alive else None
        self._last = smoothed
        return smoothed


_SEEN_S, _SCORE, _X, _Y, _DX, _DY, _VX, _VY = range(8)
"""A joint's state: when last seen (NaN: never) and how well; filtered place; the filtered
derivative that steers the cutoff; the filtered place's own filtered speed, to predict with."""
_COLUMNS = 8


@njit(nogil=True, cache=True)
def _weight(cutoff_hz: float, dt_s: float) -> float:
    """alpha of Casiez et al., equations 3 and 4."""
    return 1 / (1 + 1 / (2 * math.pi * cutoff_hz * dt_s))


@njit(nogil=True, cache=True)
def _advance(
    joint: Array,
    value: float,
    axis: int,
    dt_s: float,
    min_cutoff_hz: float,
    beta: float,
    derivative_cutoff_hz: float,
) -> None:
    """Algorithm 1 for one coordinate, in frame heights."""
    place, slope, speed = _X + axis, _DX + axis, _VX + axis
    slow = _weight(derivative_cutoff_hz, dt_s)
    joint[slope] += slow * ((value - joint[place]) / dt_s - joint[slope])
    step = _weight(min_cutoff_hz + beta * abs(joint[slope]), dt_s) * (value - joint[place])
    joint[place] += step
    joint[speed] += slow * (step / dt_s - joint[speed])


@njit(nogil=True, cache=True)
def _clipped(value: float, limit: float) -> float:
    return min(max(value, -limit), limit)


@njit(nogil=True, cache=True)
def _filter(
    points: NDArray[np.float32],
    scores: NDArray[np.float32],
    found: bool,
    now_s: float,
    height: float,
    state: Array,
    min_cutoff_hz: float,
    beta: float,
    derivative_cutoff_hz: float,
    hold_s: float,
    fade_s: float,
    score_seen: float,
    lead_s: float,
    lead_limit: float,
    out_points: NDArray[np.float32],
    out_scores: NDArray[np.float32],
) -> bool:
    """One step of every joint; returns whether any is left with a score."""
    alive = False
    for index in range(scores.shape[0]):
        joint = state[index]
        x, y = points[index, 0] / height, points[index, 1] / height
        away_s = now_s - joint[_SEEN_S]  # NaN if never seen
        known = away_s <= hold_s + fade_s
        if found and scores[index] > score_seen and math.isfinite(x) and math.isfinite(y):
            if known and away_s > 0:
                _advance(joint, x, 0, away_s, min_cutoff_hz, beta, derivative_cutoff_hz)
                _advance(joint, y, 1, away_s, min_cutoff_hz, beta, derivative_cutoff_hz)
            else:
                joint[:] = 0
                joint[_X], joint[_Y] = x, y
            joint[_SEEN_S], joint[_SCORE] = now_s, scores[index]
            known, away_s = True, 0.0
        score = 0.0
        if known:
            left = 1.0 if away_s <= hold_s else 1 - (away_s - hold_s) / fade_s
            score = joint[_SCORE] * left
        out_scores[index] = score
        ahead_x = _clipped(joint[_VX] * lead_s, lead_limit)
        ahead_y = _clipped(joint[_VY] * lead_s, lead_limit)
        out_points[index, 0] = (joint[_X] + ahead_x) * height if score > 0 else 0.0
        out_points[index, 1] = (joint[_Y] + ahead_y) * height if score > 0 else 0.0
        alive = alive or score > 0
    return alive
