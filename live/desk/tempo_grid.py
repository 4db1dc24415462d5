"""When the beats are: pure functions of taps and time."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from statistics import median

BAR = 4
"""Beats in a bar."""
PAUSE_S = 2.0
"""Seconds after which a tap begins anew: 30 beats a minute, the slowest there is."""
BOUNCE_S = 0.2
"""A tap that comes sooner is the pad's bounce: 300 beats a minute is the quickest there is."""
ODD = 1.4
"""An interval that is so many times longer or shorter than the others begins anew: another tempo,
or a tap that was missed."""
MOST = 16
"""Taps that count: four bars."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the beats lie on the monotonic clock."""

    bpm: float = 120.0
    one_s: float = 0.0  # the first beat of any bar

    @property
    def beat_s(self) -> float:
        """From one beat to the next."""
        return 60.0 / self.bpm

    def at(self, bpm: float, now_s: float) -> Grid:
        """Another tempo from now on, with the hand of the conductor where it is."""
        beats = (now_s - self.one_s) / self.beat_s
        return Grid(bpm, now_s - beats * 60.0 / bpm)

    def next_s(self, now_s: float, beats: int, early_s: float = 0.0) -> float:
        """`early_s` before the next beat (`beats` 1) or bar (`BAR`), never before now."""
        step_s = beats * self.beat_s
        # A hair before the beat is the beat: rounding must not cost a bar.
        steps = math.ceil((now_s + early_s - self.one_s) / step_s - 1e-6)
        return self.one_s + steps * step_s - early_s

    def off_s(self, at_s: float, beats: int = 1) -> float:
        """How far `at_s` is from the nearest beat or bar; after it is positive."""
        step_s = beats * self.beat_s
        return (at_s - self.one_s + step_s / 2) % step_s - step_s / 2


@dataclass(frozen=True, slots=True)
class Taps:
    """A run of taps, seconds, the newest last; and how many of its beginning are forgotten."""

    times_s: tuple[float, ...] = ()
    forgotten: int = 0


def tapped(taps: Taps, grid: Grid, now_s: float) -> tuple[Taps, Grid]:
    """The taps and the beats after one more tap.

    The first tap of a run is a bar's first beat. The tempo is the median of the slopes between
    every two taps (Theil 1950, Sen 1968: with evenly counted taps it is the median interval, with
    the errors of one hand averaged out), and the phase the median of what each tap says of it.
    """
    if taps.times_s and now_s - taps.times_s[-1] < BOUNCE_S:
        return taps, grid
    if not _continues(taps, now_s):
        return Taps((now_s,)), Grid(grid.bpm, now_s)
    taps = replace(taps, times_s=(*taps.times_s, now_s))
    if len(taps.times_s) > MOST:
        taps = Taps(taps.times_s[1:], taps.forgotten + 1)
    return taps, _grid_of(taps)


def _continues(taps: Taps, now_s: float) -> bool:
    times_s = taps.times_s
    if not times_s or now_s - times_s[-1] > PAUSE_S:
        return False
    if len(times_s) == 1:
        return True
    usual_s = median(later - one for one, later in pairwise(times_s))
    return usual_s / ODD <= now_s - times_s[-1] <= usual_s * ODD


def _grid_of(taps: Taps) -> Grid:
    counted = list(enumerate(taps.times_s, taps.forgotten))
    pairs = combinations(counted, 2)
    beat_s = median((late_s - early_s) / (m - n) for (n, early_s), (m, late_s) in pairs)
    return Grid(60.0 / beat_s, median(at_s - n * beat_s for n, at_s in counted))
