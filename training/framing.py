"""How a picture of any size is laid into one of a given size without being squeezed."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from live.frames import Image

MULTIPLE = 32  # the student halves its maps to 1/32


@dataclass(frozen=True, slots=True)
class Framing:
    """One uniform scale, then the same number of columns cut or repeated at both sides."""

    source: tuple[int, int]  # (height, width) of the footage, pixels
    target: tuple[int, int]  # (height, width) of the result, pixels

    @property
    def scale(self) -> float:
        """Result pixels per footage pixel: the heights agree."""
        return self.target[0] / self.source[0]

    def points(self, points_px: NDArray[np.float32]) -> NDArray[np.float32]:
        """(..., 2) x, y from footage pixels to result pixels, measured as `live.normalize` does:
        from the top edge and from the centre line."""
        middle_source = np.array([self.source[1] / 2, 0], np.float32)
        middle_target = np.array([self.target[1] / 2, 0], np.float32)
        moved = (points_px - middle_source) * np.float32(self.scale) + middle_target
        return np.asarray(moved, np.float32)

    def image(self, image: Image) -> Image:
        """The picture, resized by area (or bicubic when it grows), cut or padded at the sides."""
        height, width = self.target
        scaled_width = max(round(self.source[1] * self.scale), 1)
        how = cv2.INTER_AREA if self.scale < 1 else cv2.INTER_CUBIC
        if self.source != (height, scaled_width):
            image = np.asarray(cv2.resize(image, (scaled_width, height), interpolation=how))
        spare = scaled_width - width
        if spare > 0:
            left = spare // 2
            image = image[:, left : left + width]
        elif spare < 0:
            left = -spare // 2
            sides = (0, 0, left, -spare - left)
            image = np.asarray(cv2.copyMakeBorder(image, *sides, cv2.BORDER_REPLICATE))
        return np.ascontiguousarray(image)


def stage_width(height: int, source: tuple[int, int]) -> int:
    """The even width nearest to what keeps the aspect of `source` (height, width)."""
    return max(round(height * source[1] / source[0] / 2), 1) * 2


def window_width(height: int) -> int:
    """The multiple of 32 nearest to 7/9 of `height`: spread arms fit in, and little else."""
    return max(round(height * 7 / 9 / MULTIPLE), 1) * MULTIPLE
