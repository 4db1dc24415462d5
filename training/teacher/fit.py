"""How the whole stage is laid into the teacher's picture: one scale, never squeezed.

What the stage does not fill, its outermost pixels do; there the losses do not look.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from live.errors import SetupError
from live.frames import Image


@dataclass(frozen=True, slots=True)
class Fit:
    """The stage, scaled alike in both directions, in the middle of the picture."""

    stage: tuple[int, int]  # (height, width), pixels
    picture: tuple[int, int]  # (height, width), pixels

    @property
    def scale(self) -> float:
        """Picture pixels per stage pixel."""
        return min(p / s for p, s in zip(self.picture, self.stage, strict=True))

    @property
    def inner(self) -> tuple[int, int]:
        """(height, width) of the stage within the picture."""
        height, width = (max(round(side * self.scale), 1) for side in self.stage)
        return min(height, self.picture[0]), min(width, self.picture[1])

    @property
    def corner(self) -> tuple[int, int]:
        """(top, left) of the stage within the picture."""
        inner = self.inner
        return (self.picture[0] - inner[0]) // 2, (self.picture[1] - inner[1]) // 2

    def points(self, points_px: NDArray[np.float32]) -> NDArray[np.float32]:
        """(..., 2) x, y from stage pixels to picture pixels."""
        moved = points_px * np.float32(self.scale) + np.array(self.corner[::-1], np.float32)
        return np.asarray(moved, np.float32)

    def image(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A picture of the stage, (H, W) or (H, W, 3), as the teacher sees it."""
        (height, width), (top, left) = self.inner, self.corner
        small = _resized(image, (height, width))
        below, right = self.picture[0] - height - top, self.picture[1] - width - left
        sides = (top, below, left, right)
        filled = cv2.copyMakeBorder(small, *sides, cv2.BORDER_REPLICATE) if any(sides) else small
        return np.ascontiguousarray(filled, np.uint8)

    def back(self, picture: Image) -> Image:
        """The inverse of `image`: the stage's part, at the stage's size."""
        (height, width), (top, left) = self.inner, self.corner
        return _resized(picture[top : top + height, left : left + width], self.stage)

    def inside(self) -> NDArray[np.bool_]:
        """(h, w): True where the picture shows the stage."""
        (height, width), (top, left) = self.inner, self.corner
        shown = np.zeros(self.picture, bool)
        shown[top : top + height, left : left + width] = True
        return shown


def fitting_size(stage: tuple[int, int], height: int, multiple: int) -> tuple[int, int]:
    """(height, width) with the stage's aspect, rounded up to multiples."""
    width = height * stage[1] / stage[0]
    return math.ceil(height / multiple) * multiple, math.ceil(width / multiple) * multiple


def read_size(text: str) -> tuple[int, int]:
    """`512x256` (width x height, as the papers write it) -> (256, 512). Raises SetupError."""
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise SetupError(f"--size is {text!r}; write width x height in pixels, such as 512x256")
    return int(height), int(width)


def check_size(size: tuple[int, int], multiple: int) -> None:
    """Raises SetupError where a generator cannot paint at `size` (height, width)."""
    nearest = tuple(max(round(side / multiple), 4) * multiple for side in size)
    if any(side % multiple or side < 4 * multiple for side in size):
        raise SetupError(
            f"--size {size[1]}x{size[0]}: width and height must be multiples of {multiple} and at "
            f"least {4 * multiple}; {nearest[1]}x{nearest[0]} would do"
        )


def _resized(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    if image.shape[:2] == size:
        return image
    how = cv2.INTER_AREA if size[0] < image.shape[0] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size[::-1], interpolation=how), np.uint8)
