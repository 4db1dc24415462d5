"""Regions of interest: turned squares of a frame, and how they are cut out for a net.

Formulas are those of MediaPipe's graph `pose_landmark_cpu` (Apache-2.0): a square around the middle
of the hips, 1.25 times as large as the circle that holds the body (Bazarevsky et al., "BlazePose",
2020, section 2.1), turned so that the body stands upright in it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from live.frames import Image

BOX_SCALE = 1.25
_LARGEST_PX = 1e5


@dataclass(frozen=True, slots=True)
class Roi:
    """A turned square of the frame, in pixels; the first pixel reaches from 0 to 1."""

    x: float  # its centre
    y: float
    side: float
    angle: float  # radians, clockwise as seen

    def usable(self) -> bool:
        """Whether a net can be shown it: all finite, a pixel wide at least, and not absurd."""
        place = max(abs(self.x), abs(self.y), self.side)
        return math.isfinite(place + self.angle) and self.side >= 1 and place < _LARGEST_PX

    def overlaps(self, size: tuple[int, int]) -> bool:
        """Whether it can show anything of a frame of (height, width)."""
        half = self.side * math.sqrt(0.5)
        return -half < self.x < size[1] + half and -half < self.y < size[0] + half


def whole_frame(size: tuple[int, int]) -> Roi:
    """The smallest upright square around a frame of (height, width): the letterbox."""
    height, width = size
    return Roi(width / 2, height / 2, float(max(size)), 0.0)


def body_roi(x: float, y: float, scale_x: float, scale_y: float) -> Roi:
    """The square around a body whose hips are at (x, y).

    (scale_x, scale_y) is on the circle that holds the body, above the head of one who stands.
    """
    dx, dy = scale_x - x, scale_y - y
    return Roi(x, y, 2 * math.hypot(dx, dy) * BOX_SCALE, math.atan2(dx, -dy))


class Cropper:
    """Cuts regions out of frames into a net's input, which it owns and overwrites."""

    def __init__(self, size: int, lowest: float) -> None:
        """The input is (1, 3, size, size) float32, RGB from `lowest` (black) to 1 (white)."""
        self._cut = np.zeros((size, size, 3), np.uint8)
        self._scale, self._lowest = np.float32((1 - lowest) / 255), np.float32(lowest)
        self.planes = np.zeros((1, 3, size, size), np.float32)

    def crop(self, image: Image, roi: Roi) -> NDArray[np.float32]:
        """`roi` of the BGR `image` (H, W, 3), bilinear, black outside of it: `self.planes`."""
        size = self._cut.shape[0]
        step = roi.side / size
        across, down = math.cos(roi.angle) * step, math.sin(roi.angle) * step
        middle = (size - 1) / 2  # OpenCV counts from the first pixel's centre
        to_frame = np.array(
            [
                [across, -down, roi.x - 0.5 - (across - down) * middle],
                [down, across, roi.y - 0.5 - (down + across) * middle],
            ]
        )
        cv2.warpAffine(
            image, to_frame, (size, size), self._cut, cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        )
        _to_planes(self._cut, self.planes, self._scale, self._lowest)
        return self.planes


@njit(nogil=True, cache=True)
def _to_planes(
    cut: Image, planes: NDArray[np.float32], scale: np.float32, lowest: np.float32
) -> None:
    """BGR (S, S, 3) to RGB planes (1, 3, S, S), times `scale`, plus `lowest`."""
    for channel in range(3):
        for row in range(cut.shape[0]):
            for column in range(cut.shape[1]):
                planes[0, channel, row, column] = cut[row, column, 2 - channel] * scale + lowest
