"""Body statistics learnt while the show runs: forgetful histograms, so memory stays constant."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from live.body import BodyStats
from live.fit import (
    BAND,
    FAR_SHARE,
    NEAR_QUANTILE,
    SHOULDERS_TO_TORSO,
    STEEPEST,
    UPRIGHT_QUANTILE,
)
from live.measure import HEAD, SHOULDERS, TOE, TORSO

Array = NDArray[np.float64]

TOE_NEAR, TOE_FAR, HEIGHT_NEAR, HEIGHT_FAR, TORSO_FRACTION, ASPECT = range(6)
"""Places in a vector of statistics: `BodyStats` field by field."""


def vector_of(stats: BodyStats) -> Array:
    """(6,) float64: the measures at those places."""
    return np.array(list(stats.to_json().values()))


_BINS = 600  # of foot line and of torso fraction
_HEIGHT_BINS = 125
_LOWEST, _TOE_STEP, _HEIGHT_STEP = 0.0, 0.005, 0.02  # foot lines 0 to 3, heights 0 to 2.5
_RARE = 0.002  # a bin with less than this share of the time is an accident
_RESCALE_AT = 1e6


class RunningStats:
    """Robust running quantiles of foot line, body height and torso.

    The same definitions as `live.fit`, over a memory that fades with `memory_s`. Evidence without
    ankles (the torso's guess) only counts once no whole body was seen for `patience_s`.
    """

    def __init__(self, memory_s: float = 60.0, patience_s: float = 5.0) -> None:
        self._memory_s = memory_s
        self._patience_s = patience_s
        self._toes = np.zeros((_BINS, 2))  # weight, weight * foot line
        self._heights = np.zeros((_BINS, _HEIGHT_BINS, 2))  # weight, weight * height
        self._torsos = np.zeros((_BINS, 2))
        self._band = np.zeros((_HEIGHT_BINS, 2))
        self.reset()

    def reset(self) -> None:
        """Forget all evidence."""
        self._clear()
        self._gain = 1.0  # what a second weighs now; grows, so that the past weighs less
        self._since_whole_s = math.inf

    def add(
        self, measures: NDArray[np.float64], toe: float, torso_fraction: float, dt_s: float
    ) -> None:
        """Count one frame that lasted `dt_s`.

        measures: see `live.measure`; toe: the foot line in use, seen or guessed; torso_fraction:
        the fraction of body height by which a torso tells the height.
        """
        self._age(dt_s)
        height = float(measures[TOE] - measures[HEAD])
        torso = float(measures[TORSO])
        if height > 0.02:
            if math.isinf(self._since_whole_s):
                self._clear()  # what there is was guessed
            self._since_whole_s = 0.0
            _count(self._torsos, 0.0, 0.005, torso / height, self._gain * dt_s)
        elif self._since_whole_s > self._patience_s and not math.isfinite(measures[TOE]):
            if not math.isfinite(torso):
                torso = float(measures[SHOULDERS]) * SHOULDERS_TO_TORSO
            height = torso / torso_fraction
        else:
            return
        _count_height(self._toes, self._heights, toe, height, self._gain * dt_s)

    def _clear(self) -> None:
        for table in (self._toes, self._heights, self._torsos):
            table[:] = 0

    @property
    def weight_s(self) -> float:
        """Seconds of evidence remembered."""
        return float(self._toes[:, 0].sum()) / self._gain

    def estimate(self, stats: NDArray[np.float64]) -> bool:
        """Write what the evidence says into `stats` (6,); what it does not say stays as it is.

        Returns False where there is none.
        """
        return bool(_estimate(self._toes, self._heights, self._torsos, self._band, stats))

    def _age(self, dt_s: float) -> None:
        self._since_whole_s += dt_s
        self._gain *= math.exp(dt_s / self._memory_s)
        if self._gain > _RESCALE_AT:
            for table in (self._toes, self._heights, self._torsos):
                table /= self._gain
            self._gain = 1.0


@njit(nogil=True, cache=True)
def _count(table: Array, lowest: float, step: float, value: float, weight: float) -> None:
    if math.isfinite(value):
        place = min(max(int((value - lowest) / step), 0), table.shape[0] - 1)
        table[place, 0] += weight
        table[place, 1] += weight * value


@njit(nogil=True, cache=True)
def _count_height(toes: Array, heights: Array, toe: float, height: float, weight: float) -> None:
    if math.isfinite(toe) and math.isfinite(height) and height > 0.02:
        _count(toes, _LOWEST, _TOE_STEP, toe, weight)
        place = min(max(int((toe - _LOWEST) / _TOE_STEP), 0), _BINS - 1)
        _count(heights[place], 0.0, _HEIGHT_STEP, height, weight)


@njit(nogil=True, cache=True)
def _quantile(table: Array, share: float) -> float:
    """Mean of the bin in which `share` of the weight is reached; NaN for an empty table."""
    wanted = table[:, 0].sum() * share
    seen = 0.0
    for place in range(table.shape[0]):
        seen += table[place, 0]
        if table[place, 0] > 0 and seen >= wanted:
            return float(table[place, 1] / table[place, 0])
    return math.nan


@njit(nogil=True, cache=True)
def _farthest(toes: Array, near: float, median: float) -> float:
    """The highest foot line that is common enough and within EDN's plausible distance."""
    rare = toes[:, 0].sum() * _RARE
    for place in range(toes.shape[0]):
        if toes[place, 0] > rare:
            toe = float(toes[place, 1] / toes[place, 0])
            if toe >= median - FAR_SHARE * (near - median):
                return min(toe, median)
    return median


@njit(nogil=True, cache=True)
def _height_at(toes: Array, heights: Array, toe: float, span: float, band: Array) -> float:
    """Upright body height of the time spent within a band of foot line `toe`."""
    band[:] = 0
    reach = max(BAND * span, _TOE_STEP)
    for place in range(toes.shape[0]):
        if toes[place, 0] > 0 and abs(toes[place, 1] / toes[place, 0] - toe) <= reach:
            band += heights[place]
    return _quantile(band, UPRIGHT_QUANTILE)


@njit(nogil=True, cache=True)
def _estimate(toes: Array, heights: Array, torsos: Array, band: Array, stats: Array) -> bool:
    near = _quantile(toes, NEAR_QUANTILE)
    if not math.isfinite(near):
        return False
    far = min(_farthest(toes, near, _quantile(toes, 0.5)), near)
    height_near = _height_at(toes, heights, near, near - far, band)
    height_far = _height_at(toes, heights, far, near - far, band)
    height_far = max(height_far, height_near - STEEPEST * (near - far), 0.2 * height_near)
    stats[TOE_NEAR], stats[TOE_FAR] = near, far
    stats[HEIGHT_NEAR], stats[HEIGHT_FAR] = height_near, min(height_far, height_near)
    torso = _quantile(torsos, 0.5)
    if math.isfinite(torso) and torso > 0:
        stats[TORSO_FRACTION] = torso
    return True
