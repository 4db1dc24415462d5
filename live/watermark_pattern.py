"""The mark as a picture: 1024 chips on a lattice, in a tile that repeats over the picture.

Spread spectrum (Cox, Kilian, Leighton and Shamoon, 1997) on the luma: every bit rides on many
weak chips of a known pseudo-random sign. Half of the chips are always the same and tell where the
tile begins; the others carry the coded bits. The tile repeats, as in JAWS (Kalker, Depovere,
Haitsma and Maes, 'A video watermarking system for broadcast monitoring', 1999), so that a part of
the picture holds all of it.

Lengths here are in units: the picture's shorter side has `SIDE` of them, so that the mark scales
with the picture and a rescaled one still has the same number of tiles. A chip is a round spot whose
spectrum lies between 0.03 and 0.22 cycles a unit: above most of a picture's own content, below what
half the resolution and a video codec throw away.

The signs come from SHAKE-256 of a text that everybody may read: the mark tells, it does not lock.
"""

from __future__ import annotations

import hashlib
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from live.watermark_code import CODED

Plane = NDArray[np.float32]

SIDE = 512  # units of the picture's shorter side
TILE = 128  # units of a tile's side
SPACING = 4  # units between two chips
LATTICE = TILE // SPACING
REPEATS = 2  # chips of each coded bit in a tile
LOWEST, HIGHEST = 0.03, 0.22  # cycles a unit
_KEY = b"understudy watermark 1"


@cache
def spectrum() -> Plane:
    """How strong a chip is at each frequency: (TILE, TILE // 2 + 1), the layout of `rfft2`."""
    across = np.fft.rfftfreq(TILE)
    radius = np.hypot(np.fft.fftfreq(TILE)[:, None], across[None])
    smooth = np.exp(-((radius / 0.13) ** 4)) * (1 - np.exp(-((radius / 0.055) ** 4)))
    return np.where((radius >= LOWEST) & (radius <= HIGHEST), smooth, 0).astype(np.float32)


@cache
def signs() -> Plane:
    """The chips' signs, +1 or -1, (LATTICE ** 2,)."""
    count = LATTICE**2
    drawn = np.frombuffer(hashlib.shake_256(_KEY + b", signs").digest(count // 8), np.uint8)
    return np.asarray(np.unpackbits(drawn) * 2.0 - 1, np.float32)


@cache
def sync_chips() -> NDArray[np.int64]:
    """Numbers of the chips that are always the same."""
    return _order()[REPEATS * CODED :]


@cache
def data_chips() -> NDArray[np.int64]:
    """Numbers of the chips of each coded bit, (REPEATS, CODED)."""
    return _order()[: REPEATS * CODED].reshape(REPEATS, CODED)


def _order() -> NDArray[np.int64]:
    count = LATTICE**2
    drawn = hashlib.shake_256(_KEY + b", order").digest(4 * count)
    return np.argsort(np.frombuffer(drawn, "<u4"), kind="stable")


def spread(chips: Plane) -> Plane:
    """Chips (LATTICE ** 2,) as spots on a tile, (TILE, TILE), RMS 1."""
    spots = np.zeros((TILE, TILE))
    spots[::SPACING, ::SPACING] = chips.reshape(LATTICE, LATTICE)
    tile = np.fft.irfft2(np.fft.rfft2(spots) * spectrum(), s=(TILE, TILE))
    return np.asarray(tile / np.sqrt(np.square(tile).mean()), np.float32)


def tile_of(coded: NDArray[np.uint8]) -> Plane:
    """The tile that says the coded bits, uint8 (CODED,)."""
    chips = signs().copy()
    chips[data_chips()] *= coded.astype(np.float32) * 2 - 1
    return spread(chips)


def plane_of(tile: Plane, size: tuple[int, int]) -> Plane:
    """The tile laid over a picture of `size` (height, width) pixels."""
    unit = min(size) / SIDE  # pixels
    rows, columns = (((np.arange(side) + 0.5) / unit - 0.5) % TILE for side in size)
    closed = np.pad(tile, ((0, 1), (0, 1)), mode="wrap")
    at_y, at_x = np.meshgrid(rows, columns, indexing="ij")
    laid = cv2.remap(closed, at_x.astype(np.float32), at_y.astype(np.float32), cv2.INTER_LINEAR)
    return np.asarray(laid, np.float32)
