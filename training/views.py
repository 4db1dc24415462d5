"""What the generator sees of a picture of the stage: its window, cut out and scaled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from live.frames import Region


def view(image: NDArray[Any], region: Region, size: tuple[int, int]) -> NDArray[Any]:
    """The part of `image` (H, W) or (H, W, C) that `region` covers, as a picture of `size`.

    Beyond the stage's edges its outermost pixels go on.
    """
    height, width = image.shape[:2]
    top, left = max(region.y, 0), max(region.x, 0)
    bottom, right = min(region.y + region.height, height), min(region.x + region.width, width)
    # A window wholly outside still shows the edge's last row or column.
    top, left = min(top, height - 1), min(left, width - 1)
    bottom, right = max(bottom, top + 1), max(right, left + 1)
    sides = (
        min(max(top - region.y, 0), region.height - 1),
        min(max(region.y + region.height - bottom, 0), region.height - 1),
        min(max(left - region.x, 0), region.width - 1),
        min(max(region.x + region.width - right, 0), region.width - 1),
    )
    cut = image[top:bottom, left:right]
    if any(sides):
        cut = cv2.copyMakeBorder(cut, *sides, cv2.BORDER_REPLICATE)
    how = cv2.INTER_AREA if cut.shape[0] >= size[0] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(cut, size[::-1], interpolation=how))


def on_stage(region: Region, stage: tuple[int, int], size: tuple[int, int]) -> NDArray[np.bool_]:
    """(h, w) of `size`: True where the window's pixel lies on the stage."""
    y = region.y + (np.arange(size[0]) + 0.5) * region.height / size[0]
    x = region.x + (np.arange(size[1]) + 0.5) * region.width / size[1]
    inside: NDArray[np.bool_] = ((y >= 0) & (y < stage[0]))[:, None] & ((x >= 0) & (x < stage[1]))
    return inside


def grown(region: Region, factor: float) -> Region:
    """`region` scaled by `factor` about its middle."""
    height, width = round(region.height * factor), round(region.width * factor)
    return replace(
        region,
        x=region.x + (region.width - width) // 2,
        y=region.y + (region.height - height) // 2,
        width=max(width, 1),
        height=max(height, 1),
    )
