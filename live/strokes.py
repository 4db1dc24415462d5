"""The kernel under `live.skeleton.draw`: anti-aliased strokes, row by row."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

_MARGIN = 0.01  # pixels; keeps a rounding error of a row's ends from touching a pixel's value


@njit(nogil=True, cache=True)
def draw_strokes(
    canvas: NDArray[np.uint8],
    points: NDArray[np.float32],
    scores: NDArray[np.float32],
    ends: NDArray[np.int64],
    colours: NDArray[np.float32],
    radii_px: NDArray[np.float32],
    hidden: float,
    full: float,
) -> None:
    """Blend every limb over `canvas` (h, w, 3) as an anti-aliased capsule, in table order.

    Coverage of a pixel is clip(radius + 1/2 - distance to the segment, 0, 1): a box filter of
    one pixel across the edge. ends: (L, 2) joints; colours: (L, 3) in [0, 255]; radii_px: (L,).
    A limb's strength rises linearly from score `hidden` to score `full` of its weaker joint.
    """
    far = 4.0 * max(
        canvas.shape[0], canvas.shape[1]
    )  # beyond this nothing shows, and ints overflow
    for index in range(ends.shape[0]):
        start, end = ends[index, 0], ends[index, 1]
        score = min(scores[start], scores[end])
        if not (scores[start] > hidden and scores[end] > hidden):  # nor is a NaN score seen
            continue
        ax, ay = float(points[start, 0]), float(points[start, 1])
        bx, by = float(points[end, 0]), float(points[end, 1])
        if abs(ax) < far and abs(ay) < far and abs(bx) < far and abs(by) < far:
            strength = min((score - hidden) / (full - hidden), 1.0)
            _draw_stroke(canvas, ax, ay, bx, by, radii_px[index] + 0.5, colours[index], strength)


@njit(nogil=True, cache=True)
def _draw_stroke(
    canvas: NDArray[np.uint8],
    ax: float,
    ay: float,
    bx: float,
    by: float,
    reach: float,
    colour: NDArray[np.float32],
    strength: float,
) -> None:
    """One capsule from a to b; `reach` is where coverage ends, one pixel outside of full."""
    height, width = canvas.shape[0], canvas.shape[1]
    dx, dy = bx - ax, by - ay
    length_squared = max(dx * dx + dy * dy, 1e-12)
    inverse = 1 / length_squared
    length = math.sqrt(length_squared)
    red, green, blue = float(colour[0]), float(colour[1]), float(colour[2])
    top = max(math.ceil(min(ay, by) - reach), 0)
    bottom = min(math.floor(max(ay, by) + reach), height - 1)
    for y in range(top, bottom + 1):
        left, right = _row(ax, ay, dx, dy, length, y, reach)
        first = max(math.ceil(left - _MARGIN), 0)
        last = min(math.floor(right + _MARGIN), width - 1)
        solid, solid_end = first, first - 1  # the pixels of full coverage, if any
        if reach > 1:
            left, right = _row(ax, ay, dx, dy, length, y, reach - 1)
            if left + 2 * _MARGIN < right:
                solid = max(math.ceil(left + _MARGIN), first)
                solid_end = min(math.floor(right - _MARGIN), last)
        x = first
        while x <= last:
            if x == solid and solid_end >= solid:
                for inner in range(solid, solid_end + 1):
                    _blend(canvas, y, inner, red, green, blue, strength)
                x = solid_end + 1
                continue
            along = min(max(((x - ax) * dx + (y - ay) * dy) * inverse, 0.0), 1.0)
            gap_x, gap_y = x - (ax + along * dx), y - (ay + along * dy)
            cover = reach - math.sqrt(gap_x * gap_x + gap_y * gap_y)
            if cover > 0:
                _blend(canvas, y, x, red, green, blue, min(cover, 1.0) * strength)
            x += 1


@njit(nogil=True, cache=True)
def _row(
    ax: float, ay: float, dx: float, dy: float, length: float, y: float, radius: float
) -> tuple[float, float]:
    """Where row `y` enters and leaves the capsule of `radius`; (inf, -inf) where it misses it.

    A capsule is two discs and the box between them, and convex: the outermost crossing counts.
    """
    left, right = math.inf, -math.inf
    down = y - ay
    room = radius * radius - down * down
    if room >= 0:
        half = math.sqrt(room)
        left, right = ax - half, ax + half
    room = radius * radius - (down - dy) * (down - dy)
    if room >= 0:
        half = math.sqrt(room)
        left, right = min(left, ax + dx - half), max(right, ax + dx + half)
    if length < 1e-3:
        return left, right
    # The box: |distance from the axis| <= radius and 0 <= place along the axis <= length.
    low, high = -math.inf, math.inf
    if dy != 0:
        middle, half = down * dx / dy, abs(radius * length / dy)
        low, high = middle - half, middle + half
    elif abs(down) > radius:
        return left, right
    if dx != 0:
        one, other = -down * dy / dx, (length * length - down * dy) / dx
        low, high = max(low, min(one, other)), min(high, max(one, other))
    elif not 0 <= down * dy <= length * length:
        return left, right
    if low <= high:
        left, right = min(left, ax + low), max(right, ax + high)
    return left, right


@njit(nogil=True, cache=True)
def _blend(
    canvas: NDArray[np.uint8], y: int, x: int, red: float, green: float, blue: float, cover: float
) -> None:
    """Move one pixel `cover` of the way to a colour."""
    pixel = canvas[y, x]
    pixel[0] = np.uint8(pixel[0] + (red - pixel[0]) * cover + 0.5)
    pixel[1] = np.uint8(pixel[1] + (green - pixel[1]) * cover + 0.5)
    pixel[2] = np.uint8(pixel[2] + (blue - pixel[2]) * cover + 0.5)
