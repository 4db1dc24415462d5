"""Finds the invisible mark in pictures that were coded, cut and scaled, and reads it.

    residual  luma -> what its neighbourhood does not foretell, calm places counting most (a Wiener
              filter's weights); several pictures of one video are averaged
    fold      for each size that a tile may have, the residual is laid into one tile, where what
              repeats with the tile adds up and the picture does not
    score     the fold is held against the constant chips by phase alone (symmetrical phase-only
              matched filtering, as in JAWS: Kalker et al., 1999): a picture's own patterns weigh no
              more than their share of frequencies. The highest peak over the correlation's standard
              deviation is the score; where it is, the tile begins
    read      the other chips are summed for each coded bit, and decoded

No rotation is searched for, and no picture that is squeezed in one direction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from live.watermark_code import decode
from live.watermark_pattern import (
    LATTICE,
    SPACING,
    TILE,
    Plane,
    data_chips,
    signs,
    spectrum,
    spread,
    sync_chips,
)
from live.watermark_payload import Payload, unpack

SMALLEST, LARGEST = 0.11, 0.46
"""Of a tile, in shorter sides of what is looked at. A whole picture has 0.25, one cut to 70 % 0.36;
less has a screenshot with a margin around the picture."""
_STEP = 1.008  # from one tile size to the next: half of it moves the outermost chips by one unit
_FINER = (0.004, 0.002, 0.001)  # steps around the best
_LEAST_PX = 32  # of a picture's shorter side
_AROUND = 9  # pixels of a neighbourhood's side
_NOISE = 1.0  # levels ** 2: below this variance all places count the same
_LOUDEST = 2.0  # no place counts more than that
_NEARBY = 7  # frequencies that tell how much noise there is at the middle one
_LINE = 4.0  # times that, a frequency is a pattern of the picture's own


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """The likeliest mark in what was looked at; whether it is one, its score tells."""

    score: float  # highest peak over the correlation's standard deviation
    tile_px: float  # of the tile's side, in pixels of what was looked at
    soft: NDArray[np.float32]  # (CODED,), positive for a 1
    payload: Payload | None  # None where what was read contradicts itself


@dataclass(frozen=True, slots=True, eq=False)
class _Match:
    score: float
    tile_px: float
    octave: int
    at: tuple[float, float]  # (down, across), where in the fold the tile begins, units
    waves: NDArray[np.complex64]  # the fold's spectrum, (TILE, TILE // 2 + 1)


class Detector:
    """Looks at pictures of one size that bear the same mark at the same place."""

    def __init__(self) -> None:
        self.seen = 0
        self._size = (0, 0)
        self._sums: dict[int, Plane] = {}  # octave -> sum of residuals
        self._fold = np.empty((TILE, TILE), np.float32)
        chips = np.zeros_like(signs())
        chips[sync_chips()] = signs()[sync_chips()]
        self._template = np.conj(np.fft.rfft2(spread(chips)))

    def see(self, luma: Plane) -> None:
        """Take a picture into account, float32 (H, W) in levels of 255."""
        if self.seen and luma.shape != self._size:
            raise ValueError(f"a picture of {luma.shape} after pictures of {self._size}")
        self._size = (luma.shape[0], luma.shape[1])
        self.seen += 1
        if min(self._size) < _LEAST_PX:
            return
        for octave in sorted({_octave(tile_px) for tile_px in self._tiles_px()}):
            residual = residual_of(_scaled(luma, octave))
            if octave in self._sums:
                self._sums[octave] += residual
            else:
                self._sums[octave] = residual

    def find(self) -> Finding | None:
        """What stands out most; None where nothing was seen or it was too small."""
        if not self._sums:
            return None
        best = max((self._match(size) for size in self._tiles_px()), key=lambda m: m.score)
        for step in _FINER:
            near = (self._match(best.tile_px * (1 + by)) for by in (-step, step))
            best = max(best, *near, key=lambda m: m.score)
        soft = self._read(best)
        return Finding(best.score, best.tile_px, soft, unpack(decode(soft)))

    def _tiles_px(self) -> list[float]:
        shorter = min(self._size)
        count = int(math.log(LARGEST / SMALLEST) / math.log(_STEP)) + 1
        return [SMALLEST * shorter * _STEP**number for number in range(count)]

    def _match(self, tile_px: float) -> _Match:
        octave = _octave(tile_px)
        residual = self._sums[octave]
        unit_px = tile_px / TILE * residual.shape[0] / self._size[0]
        fold(residual, unit_px, self._fold)
        waves = np.asarray(np.fft.rfft2(self._fold), np.complex64)
        phases = waves / (np.abs(waves) + np.float32(1e-9))
        matched = np.asarray(np.fft.irfft2(phases * self._template, s=(TILE, TILE)), np.float32)
        peak = int(matched.argmax())
        score = float(matched.flat[peak] / max(float(matched.std()), 1e-12))
        return _Match(score, tile_px, octave, _between(matched, *divmod(peak, TILE)), waves)

    def _read(self, match: _Match) -> NDArray[np.float32]:
        """Soft values of the coded bits, (CODED,)."""
        down, across = match.at
        turns = np.fft.fftfreq(TILE)[:, None] * down + np.fft.rfftfreq(TILE)[None] * across
        begun = match.waves * np.exp(2j * np.pi * turns)
        chips = chips_of(np.fft.irfft2(begun, s=(TILE, TILE)).astype(np.float32)) * signs()
        return np.asarray(chips[data_chips()].sum(axis=0), np.float32)


def _between(matched: Plane, row: int, column: int) -> tuple[float, float]:
    """The peak's place to a fraction of a unit: a parabola through it and its neighbours."""
    down, across = matched[:, column], matched[row]
    return row + _top(down, row), column + _top(across, column)


def _top(line: Plane, peak: int) -> float:
    before, here, after = (float(line[(peak + by) % TILE]) for by in (-1, 0, 1))
    bend = before - 2 * here + after
    return 0.0 if bend >= 0 else min(max((before - after) / (2 * bend), -0.5), 0.5)


def chips_of(tile: Plane) -> Plane:
    """The chips (LATTICE ** 2,) of a tile that begins at its corner, in no certain unit.

    The linear estimate of least error: on the lattice, frequencies that are a multiple of
    1 / SPACING apart carry the same, and are averaged by how far the chips stand out of the noise
    there, which is what the spectrum's neighbourhood holds.
    """
    waves, chip = np.fft.fft2(tile), _whole_spectrum()
    power = np.abs(waves) ** 2
    padded = np.pad(power, _NEARBY // 2, mode="wrap")
    noise = cv2.blur(padded, (_NEARBY, _NEARBY))[
        _NEARBY // 2 : -(_NEARBY // 2), _NEARBY // 2 : -(_NEARBY // 2)
    ]
    loudest = np.sqrt(_LINE * noise)
    waves *= np.minimum(1, loudest / (np.abs(waves) + 1e-9))
    weight = chip / (noise + 1e-9)
    aliases = (SPACING, LATTICE, SPACING, LATTICE)
    heard = (waves * weight).reshape(aliases).sum(axis=(0, 2))
    sure = (chip * weight).reshape(aliases).sum(axis=(0, 2))
    estimate = heard / (sure + 0.1 * sure.mean() + 1e-12)
    return np.asarray(np.fft.ifft2(estimate).real.ravel(), np.float32)


def _whole_spectrum() -> Plane:
    """`spectrum` for all of `fft2`: (TILE, TILE)."""
    half = spectrum()
    mirrored = np.roll(half[::-1, -2:0:-1], 1, axis=0)
    return np.hstack([half, mirrored])


def residual_of(luma: Plane) -> Plane:
    """What the neighbourhood does not foretell, weighed by how calm it is; float32 (H, W)."""
    around = (_AROUND, _AROUND)
    rest = luma - cv2.blur(luma, around)
    variance = cv2.blur(rest * rest, around)
    rest /= (variance + np.float32(_NOISE)) ** np.float32(0.75)
    return np.asarray(np.clip(rest, -_LOUDEST, _LOUDEST), np.float32)


@njit(nogil=True, cache=True)
def fold(residual: Plane, unit_px: float, tile: Plane) -> None:
    """Sum the residual, sampled every `unit_px` pixels (bilinear), into the tile (TILE, TILE)."""
    rows = int((residual.shape[0] - 2) / unit_px)
    columns = int((residual.shape[1] - 2) / unit_px)
    at = np.empty(columns, np.int32)
    beyond = np.empty(columns, np.float32)
    for column in range(columns):
        at[column] = int(column * unit_px)
        beyond[column] = np.float32(column * unit_px - at[column])
    tile[:] = 0
    for row in range(rows):
        y = int(row * unit_px)
        below = np.float32(row * unit_px - y)
        upper, lower, into = residual[y], residual[y + 1], tile[row % TILE]
        for column in range(columns):
            x, share = at[column], beyond[column]
            one = upper[x] + (upper[x + 1] - upper[x]) * share
            other = lower[x] + (lower[x + 1] - lower[x]) * share
            into[column % TILE] += one + (other - one) * below


def _octave(tile_px: float) -> int:
    """How often to halve the picture (negative: to double it) for a unit of about one pixel."""
    return round(math.log2(tile_px / TILE))


def _scaled(luma: Plane, octave: int) -> Plane:
    if octave == 0:
        return luma
    scale = 2.0**-octave
    how = cv2.INTER_AREA if octave > 0 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(luma, None, fx=scale, fy=scale, interpolation=how), np.float32)
