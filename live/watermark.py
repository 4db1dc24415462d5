"""Puts the invisible mark into pictures: more where there is texture to hide it, less where not.

The strength follows the masking of the eye, as in Kutter and Winkler, 'A vision-based masking model
for spread-spectrum image watermarking' (2002), reduced to one measure that costs little: the mean
slope of the luma. Of each block's four quarters the calmest counts, so that a lone edge before a
flat wall draws no noise around it. The pattern stands still: only where the figure moves does its
strength change, and a static scene stays as still as it was.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from live.frames import Image
from live.watermark_code import encode
from live.watermark_pattern import plane_of, tile_of
from live.watermark_payload import Payload

FLAT = 0.6  # levels of 255, RMS, where the picture is flat; that or more everywhere
PER_SLOPE = 0.12  # more for each level of slope between neighbours, down and across together
MOST = 2.2  # levels, RMS
_ONE = 64  # fixed point: 1.0 of a pattern and of a gain
_BLOCK = 8  # pixels; one strength for each block
_PEAK = 3.2  # of the pattern; more, with the strongest gain, would not fit 16 bits


class Watermark:
    """One payload for pictures of one size."""

    def __init__(self, payload: Payload, size: tuple[int, int]) -> None:
        """`size` is (height, width) in pixels."""
        self.payload = payload
        plane = plane_of(tile_of(encode(payload.pack())), size)
        # Once for each of red, green and blue, as the picture has them: the luma alone changes.
        fixed = np.rint(np.clip(plane, -_PEAK, _PEAK) * _ONE).astype(np.int16)
        self._plane = np.repeat(fixed, 3, axis=1)
        blocks = tuple(-(-side // _BLOCK) for side in size)
        self._gains = np.empty(blocks, np.int16)

    def add_to(self, picture: Image) -> None:
        """Mark a picture in place, RGB uint8 (H, W, 3). Not for two threads at once."""
        measure_gains(picture, self._gains)
        height, width = picture.shape[:2]
        _add(picture.reshape(height, width * 3), self._plane, self._gains)


@njit(nogil=True, cache=True)
def measure_gains(picture: Image, gains: NDArray[np.int16]) -> None:
    """The mark's strength in each block of 8 x 8 pixels, in 1/64 of a level."""
    height, width = picture.shape[:2]
    quarters = np.empty(4, np.int32)
    for row in range(gains.shape[0]):
        for column in range(gains.shape[1]):
            top, left = row * _BLOCK, column * _BLOCK
            gains[row, column] = np.int16(FLAT * _ONE)
            if top + _BLOCK > height or left + _BLOCK > width:
                continue
            for quarter in range(4):
                quarters[quarter] = _slope(picture, top + quarter // 2 * 4, left + quarter % 2 * 4)
            gain = FLAT + PER_SLOPE * quarters.min() / 36
            gains[row, column] = np.int16(min(gain, MOST) * _ONE)


@njit(nogil=True, cache=True, inline="always")
def _slope(picture: Image, top: int, left: int) -> int:
    """Of 4 x 4 pixels: |down| + |across| summed over 9 of them, in quarters of a level of luma."""
    total = 0
    for y in range(top, top + 3):
        for x in range(left, left + 3):
            here = _luma(picture, y, x)
            total += abs(_luma(picture, y + 1, x) - here) + abs(_luma(picture, y, x + 1) - here)
    return total


@njit(nogil=True, cache=True, inline="always")
def _luma(picture: Image, y: int, x: int) -> int:
    """Four times the luma, roughly."""
    return int(picture[y, x, 0]) + 2 * int(picture[y, x, 1]) + int(picture[y, x, 2])


@njit(nogil=True, cache=True)
def _add(flat: Image, plane: NDArray[np.int16], gains: NDArray[np.int16]) -> None:
    """flat, uint8 (H, 3 W) += plane * gain in place, rounded and kept within 0 and 255.

    16 bits hold every step, so that the compiler does 16 or more channels at once.
    """
    height, width = flat.shape
    strength = np.empty(width, np.int16)
    half = np.int16(_ONE * _ONE // 2)
    for y in range(height):
        if y % _BLOCK == 0:
            for x in range(width):
                strength[x] = gains[y // _BLOCK, x // (3 * _BLOCK)]
        row, pattern = flat[y], plane[y]
        for x in range(width):
            by = np.int16(np.int16(pattern[x] * strength[x]) + half) >> 12
            marked = np.int16(np.int16(row[x]) + np.int16(by))
            row[x] = np.uint8(min(max(marked, np.int16(0)), np.int16(255)))
