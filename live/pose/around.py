"""A closer look at a part of the picture: a detector that is shown everything overlooks people."""

from __future__ import annotations

from live.frames import Image

SHARE = 0.5
"""Of the picture's longer side: what a closer look shows."""


def around(image: Image, place: tuple[float, float]) -> tuple[Image, int, int]:
    """The square of `image` (H, W, 3) about `place`, its left and its top in pixels.

    place: x, y, shares of the picture. It is cut at the picture's edges.
    """
    height, width = image.shape[:2]
    half = max(round(max(height, width) * SHARE / 2), 1)
    x = min(max(round(place[0] * width), 0), width - 1)
    y = min(max(round(place[1] * height), 0), height - 1)
    left, top = max(x - half, 0), max(y - half, 0)
    return image[top : y + half, left : x + half], left, top
