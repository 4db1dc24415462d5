"""A time in the picture's margin: black and white blocks along the top, which any codec keeps.

`benchmarks/glass_page.js` reads it in the browser, `read_code` here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from live.frames import Image

BITS = 24
"""Blocks from left to right, white for 1, lowest bit first."""

TICK_S = 1e-4
"""The code counts tenths of a millisecond; it comes round after 28 minutes."""

ROWS = 16
"""The code's height: one row of macroblocks, so that no other content shares a block with it."""

_BLACK, _WHITE = 16, 235


def code_of(time_s: float) -> int:
    """The code of a time on any clock, in [0, 2**24)."""
    return round(time_s / TICK_S) % (1 << BITS)


def stamp(image: Image, code: int) -> None:
    """Write `code` into the top rows of uint8 (H, W, 3), in place."""
    width = image.shape[1]
    bits = (code >> np.arange(BITS)) & 1
    edges = np.arange(BITS + 1) * width // BITS
    row = np.repeat(np.where(bits, _WHITE, _BLACK), np.diff(edges)).astype(np.uint8)
    image[:ROWS] = row[None, :, None]


def read_code(image: NDArray[np.uint8]) -> int:
    """The code in the top rows of uint8 (H, W, 3)."""
    width = image.shape[1]
    centres = (2 * np.arange(BITS) + 1) * width // (2 * BITS)
    rows = image[ROWS // 4 : ROWS * 3 // 4]
    levels = np.array([rows[:, centre - 2 : centre + 3].mean() for centre in centres])
    return int(((levels > 125).astype(np.int64) << np.arange(BITS)).sum())
