"""A mark that a camera's picture bears, and its detector: has any of that picture come through?

The mark is upright stripes of magenta and green, some cycles in the picture's width. They lie on
one axis of colour, (red + blue) / 2 - green, on which rooms and people have little; the detector
takes each column's median, which a figure does not reach, and looks for one frequency that stands
out. So it does not matter how large the picture is shown, nor what stands before it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from live.frames import Image

CYCLES = 10  # of the stripes in the picture's width
SEEN = 8.0  # levels; a picture with more of any one frequency bears the mark


def marked(height: int, width: int, seed: int = 0) -> Image:
    """The bare mark, BGR uint8 (H, W, 3), with a camera's noise."""
    stripes = np.where(_side(width)[None, :, None] > 0, (255, 0, 255), (0, 255, 0))
    noise = np.random.default_rng(seed).integers(-8, 9, (height, width, 1))
    return np.clip(stripes + noise, 0, 255).astype(np.uint8)


def bear(picture: Image, levels: int = 30) -> Image:
    """`picture`, BGR or RGB, with the mark upon it, of the same brightness: people stay findable.

    With more levels than 30 the tracker does not find the demo's performer any more.
    """
    tint = np.array([levels, -levels * 0.7, levels])  # Rec. 601: as bright as before
    return np.clip(picture + _side(picture.shape[1])[None, :, None] * tint, 0, 255).astype(np.uint8)


def mark_level(picture: NDArray[np.uint8]) -> float:
    """How much of the mark `picture`, RGB or BGR (H, W, 3), shows, in levels of the colour axis."""
    colours = picture.astype(np.float32)
    axis = (colours[..., 0] + colours[..., 2]) / 2 - colours[..., 1]
    columns = np.median(axis, axis=0)
    window = np.hanning(len(columns))
    levels = np.abs(np.fft.rfft((columns - columns.mean()) * window)) * 2 / window.sum()
    return float(levels[4 : len(columns) // 4].max())


def _side(width: int) -> NDArray[np.int64]:
    """1 or -1 for each column."""
    return np.where((np.arange(width) * CYCLES * 2 // width) % 2 > 0, 1, -1)
