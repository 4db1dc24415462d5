"""How a picture of any size is laid into one of a given size without being squeezed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from live.errors import SourceError
from live.frames import Image

MULTIPLE = 32  # the student halves its maps to 1/32
LEAST_KEPT = 0.6  # of a clip's width; a clip that would lose more is refused


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


def common_stage(height: int, clips: Sequence[tuple[Path, tuple[int, int]]]) -> tuple[int, int]:
    """The stage (height, width) that every clip (its path, its (height, width)) fills.

    It has the narrowest clip's aspect, so that wider ones lose their sides and none gets bars.
    Raises SourceError, naming both clips, where one would lose too much.
    """
    narrow = min(clips, key=lambda clip: clip[1][1] / clip[1][0])
    aspect = narrow[1][1] / narrow[1][0]
    for path, size in clips:
        kept = aspect * size[0] / size[1]
        if kept < LEAST_KEPT:
            raise SourceError(
                f"{path} is {size[1]}x{size[0]} and {narrow[0]} {narrow[1][1]}x{narrow[1][0]}: "
                f"cut alike, the first would keep {kept:.0%} of its width; prepare them apart"
            )
    return height, stage_width(height, narrow[1])


def stage_width(height: int, source: tuple[int, int]) -> int:
    """The even width nearest to what keeps the aspect of `source` (height, width)."""
    return max(round(height * source[1] / source[0] / 2), 1) * 2


def window_width(height: int) -> int:
    """The multiple of 32 nearest to 7/9 of `height`: spread arms fit in, and little else."""
    return max(round(height * 7 / 9 / MULTIPLE), 1) * MULTIPLE
