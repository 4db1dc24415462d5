"""What somebody wears, so that the one who is followed is not taken for another.

Colours of the torso, as they differ from the picture's own mean: a change of the light changes
both, and cancels out (von Kries, 1902).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from live.frames import Image, Pose
from live.skeleton import INDEX

Clothes = NDArray[np.float64]
"""(BINS,) float64: how often each shade occurs, by channel; each channel's sum is 1."""

_CORNERS = np.array(
    [INDEX[name] for name in ("right_shoulder", "left_shoulder", "right_hip", "left_hip")]
)
_SIDE = 12  # the torso is looked at in so many places each way
_MARGIN = 0.15  # of the torso, at its edges, that is left out: arms and background
_MEAN_STEP = 8  # every so manieth pixel makes the picture's mean
_SHADES = 12  # by channel, `_STOPS` apart
_STOPS = 0.5  # factors of two
_CHANNELS = 3


def clothes(image: Image, pose: Pose, score_seen: float) -> Clothes | None:
    """What the person at `pose` wears in `image` (H, W, 3) uint8; None where no torso is seen."""
    corners = pose.points[_CORNERS].astype(np.float64)
    if not ((pose.scores[_CORNERS] > score_seen).all() and np.isfinite(corners).all()):
        return None
    found = np.zeros((_CHANNELS, _SHADES))
    return found.ravel() if _count(image, corners, found) else None


def unlike(one: Clothes, other: Clothes) -> float:
    """0 for the same shades, 1 for none in common: Hellinger's distance."""
    shared = float(np.sqrt(one * other).sum()) / _CHANNELS
    return math.sqrt(max(1 - shared, 0.0))


@njit(nogil=True, cache=True)
def _count(image: Image, corners: NDArray[np.float64], found: NDArray[np.float64]) -> bool:
    """Fill `found` (_CHANNELS, _SHADES); False where too little of the torso is in the picture."""
    height, width = image.shape[0], image.shape[1]
    mean = np.zeros(_CHANNELS)
    pixels = 0
    for y in range(0, height, _MEAN_STEP):
        for x in range(0, width, _MEAN_STEP):
            pixels += 1
            for channel in range(_CHANNELS):
                mean[channel] += image[y, x, channel]
    looked = 0
    for row in range(_SIDE):
        down = _MARGIN + (1 - 2 * _MARGIN) * row / (_SIDE - 1)
        for column in range(_SIDE):
            across = _MARGIN + (1 - 2 * _MARGIN) * column / (_SIDE - 1)
            place_x = _between(corners[:, 0], across, down)
            place_y = _between(corners[:, 1], across, down)
            if not (0 <= place_x < width and 0 <= place_y < height):
                continue
            looked += 1
            for channel in range(_CHANNELS):
                shade = float(image[int(place_y), int(place_x), channel]) + 4
                stops = math.log2(shade / (mean[channel] / pixels + 4)) / _STOPS + _SHADES / 2 - 0.5
                stops = min(max(stops, 0.0), _SHADES - 1.001)
                low = int(stops)
                found[channel, low] += 1 - (stops - low)  # shared by the two nearest shades
                found[channel, low + 1] += stops - low
    if looked < _SIDE * _SIDE // 4:
        return False
    found /= looked
    return True


@njit(nogil=True, cache=True)
def _between(corners: NDArray[np.float64], across: float, down: float) -> float:
    """Bilinear between right and left shoulder, right and left hip."""
    upper = corners[0] + (corners[1] - corners[0]) * across
    lower = corners[2] + (corners[3] - corners[2]) * across
    return float(upper + (lower - upper) * down)
