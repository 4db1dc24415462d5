"""One body's landmarks: what BlazePose's landmark network says about a region, decoded.

Formulas are those of MediaPipe's graph `pose_landmark_by_roi_cpu` (Apache-2.0).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from live.engines.base import Engine
from live.errors import SetupError
from live.frames import Image
from live.pose.blazepose_crop import Cropper, Roi, body_roi
from live.pose.blazepose_map import LANDMARKS

_ALL = 39  # 33 of the body, 2 that place the next region, 4 that nobody uses
_VALUES = 5  # x, y, z in pixels of the region's picture; visibility and presence as logits
_SURE = 0.5  # a heatmap whose peak is lower does not move its landmark
_REACH = 3  # cells around a landmark that its heatmap is averaged over


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A body in one frame."""

    landmarks: NDArray[np.float32]  # (33, 4): x, y in pixels; visibility and presence in [0, 1]
    presence: float  # that the region shows a body at all, in [0, 1]
    roi: Roi  # where to look for it in the next frame


class Landmarker:
    """Places the landmarks of the body in a region."""

    def __init__(self, engine: Engine) -> None:
        """`engine` may have heatmaps: they refine. Raises SetupError where it is another net."""
        shapes = {tensor.name: tensor.shape for tensor in engine.outputs}
        if shapes.get("landmarks") != (1, _ALL * _VALUES) or "presence" not in shapes:
            raise SetupError(f"this is not BlazePose's landmark network: its outputs are {shapes}")
        self._engine = engine
        self._cropper = Cropper(engine.inputs[0].shape[-1], lowest=0.0)
        self._feeds: dict[str, NDArray[Any]] = {engine.inputs[0].name: self._cropper.planes}
        self._placed = np.zeros((_ALL, 4), np.float32)

    def place(self, image: Image, roi: Roi) -> Found:
        """The body in `roi` of the BGR `image` (H, W, 3), if `presence` is to be believed."""
        planes = self._cropper.crop(image, roi)
        found = self._engine.run(self._feeds)
        values = found["landmarks"].reshape(_ALL, _VALUES)
        placed = self._placed
        decode(values, planes.shape[-1], placed)
        if "heatmaps" in found:
            refine(placed, found["heatmaps"][0])
        to_frame(placed, roi.x, roi.y, roi.side, roi.angle)
        (x, y), (scale_x, scale_y) = placed[LANDMARKS : LANDMARKS + 2, :2].tolist()
        following = body_roi(x, y, scale_x, scale_y)
        return Found(placed[:LANDMARKS].copy(), float(found["presence"].item()), following)


@njit(nogil=True, cache=True)
def decode(values: NDArray[np.float32], size: int, placed: NDArray[np.float32]) -> None:
    """`values` (N, 5) of a region's picture `size` wide into `placed` (N, 4).

    placed: x and y in [0, 1] across the region, visibility and presence in [0, 1].
    """
    for index in range(len(values)):
        placed[index, 0] = values[index, 0] / size
        placed[index, 1] = values[index, 1] / size
        placed[index, 2] = _sigmoid(values[index, 3])
        placed[index, 3] = _sigmoid(values[index, 4])


@njit(nogil=True, cache=True)
def refine(placed: NDArray[np.float32], heatmaps: NDArray[np.float32]) -> None:
    """Move each landmark to the mean of its heatmap around it, where the heatmap is sure.

    placed: (N, 4), see `decode`; heatmaps: (N, h, w) logits. The net was trained for a cell to
    stand for its upper left corner, as MediaPipe reads it.
    """
    height, width = heatmaps.shape[1], heatmaps.shape[2]
    for index in range(len(placed)):
        x, y = placed[index, 0] * width, placed[index, 1] * height
        if not (0 <= x < width and 0 <= y < height):
            continue
        column, row = int(x), int(y)
        total, sum_x, sum_y, peak = 0.0, 0.0, 0.0, 0.0
        for v in range(max(row - _REACH, 0), min(row + _REACH + 1, height)):
            for u in range(max(column - _REACH, 0), min(column + _REACH + 1, width)):
                weight = _sigmoid(heatmaps[index, v, u])
                total += weight
                sum_x += weight * u
                sum_y += weight * v
                peak = max(peak, weight)
        if peak >= _SURE:
            placed[index, 0], placed[index, 1] = sum_x / total / width, sum_y / total / height


@njit(nogil=True, cache=True)
def to_frame(placed: NDArray[np.float32], x: float, y: float, side: float, angle: float) -> None:
    """Turn x and y of `placed` (N, 4), in [0, 1] across `Roi(x, y, side, angle)`, into pixels."""
    across, down = math.cos(angle) * side, math.sin(angle) * side
    for index in range(len(placed)):
        u, v = placed[index, 0] - 0.5, placed[index, 1] - 0.5
        placed[index, 0] = x + across * u - down * v
        placed[index, 1] = y + down * u + across * v


@njit(nogil=True, cache=True)
def _sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-min(max(logit, -60.0), 60.0)))
