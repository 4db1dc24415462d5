"""Where bodies are: what BlazePose's detector says, decoded.

Constants and formulas are those of MediaPipe's graph `pose_detection_cpu` (Apache-2.0): an SSD (Liu
et al., 2016) whose anchors all have the size of the picture, and overlapping finds averaged by
their scores (Bazarevsky et al., "BlazeFace", 2019, section 3.2).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from live.engines.base import Engine
from live.errors import SetupError
from live.frames import Image
from live.pose.blazepose_crop import Cropper, Roi, body_roi, whole_frame

_ANCHOR_LAYERS = ((8, 2), (16, 2), (32, 6))  # the picture's pixels per cell, anchors in each cell
_SAME = 0.3  # finds that overlap by more (intersection over union) are one body
_CERTAIN = 100.0  # logits are clipped to this
_VALUES = 12  # a find's box (centre, size) and four points, as x, y


class Detector:
    """Finds bodies in single pictures."""

    def __init__(self, engine: Engine) -> None:
        """Raises SetupError where `engine` does not hold the detector."""
        size = engine.inputs[0].shape[-1]
        anchors = make_anchors(size)
        shapes = {tensor.name: tensor.shape for tensor in engine.outputs}
        if shapes != {"boxes": (1, len(anchors), _VALUES), "scores": (1, len(anchors), 1)}:
            raise SetupError(f"this is not BlazePose's detector: its outputs are {shapes}")
        self._engine, self._anchors = engine, anchors
        self._cropper = Cropper(size, lowest=-1.0)
        self._feeds: dict[str, NDArray[Any]] = {engine.inputs[0].name: self._cropper.planes}

    def find(self, image: Image, min_score: float) -> list[Roi]:
        """Regions around the bodies in the BGR `image` (H, W, 3), the surest first."""
        frame = whole_frame((image.shape[0], image.shape[1]))
        self._cropper.crop(image, frame)
        found = self._engine.run(self._feeds)
        boxes, logits = found["boxes"][0], found["scores"][0, :, 0]
        size = self._cropper.planes.shape[-1]
        merged = merge(decode(boxes, logits, self._anchors, size, min_score))
        points = (merged[:, 5:9] - 0.5) * frame.side + np.tile([frame.x, frame.y], 2)
        return [body_roi(*map(float, places)) for places in points]


def make_anchors(size: int) -> NDArray[np.float32]:
    """Centres of the anchors, (N, 2), x and y in [0, 1] across a picture of `size` pixels."""
    layers = []
    for stride, count in _ANCHOR_LAYERS:
        cells = -(-size // stride)
        y, x = (np.mgrid[:cells, :cells] + 0.5) / cells
        layers.append(np.stack([x, y], -1).reshape(-1, 2).repeat(count, 0))
    return np.concatenate(layers).astype(np.float32)


@njit(nogil=True, cache=True)
def decode(
    boxes: NDArray[np.float32],
    logits: NDArray[np.float32],
    anchors: NDArray[np.float32],
    size: int,
    min_score: float,
) -> NDArray[np.float64]:
    """Finds that score at least `min_score`, the best first, as (K, 13) rows.

    boxes: (N, 12), pixels of the detector's picture, `size` wide; logits: (N,); anchors: (N, 2).
    A row is score, left, top, right, bottom, and the four points, in [0, 1] across the picture.
    """
    scores = np.empty(len(logits))
    for index in range(len(logits)):
        scores[index] = 1 / (1 + math.exp(-min(max(logits[index], -_CERTAIN), _CERTAIN)))
    kept = np.nonzero(scores >= min_score)[0]
    kept = kept[np.argsort(-scores[kept])]
    finds = np.empty((len(kept), 13))
    for row in range(len(kept)):
        at = kept[row]
        box, x, y = boxes[at], anchors[at, 0], anchors[at, 1]
        centre_x, centre_y = box[0] / size + x, box[1] / size + y
        finds[row, 0] = scores[at]
        finds[row, 1], finds[row, 3] = centre_x - box[2] / size / 2, centre_x + box[2] / size / 2
        finds[row, 2], finds[row, 4] = centre_y - box[3] / size / 2, centre_y + box[3] / size / 2
        for point in range(4):
            finds[row, 5 + 2 * point] = box[4 + 2 * point] / size + x
            finds[row, 6 + 2 * point] = box[5 + 2 * point] / size + y
    return finds


@njit(nogil=True, cache=True)
def merge(finds: NDArray[np.float64]) -> NDArray[np.float64]:
    """One row per body: the best find keeps its score, and takes the mean of all that overlap it.

    finds: (K, 13), the best first, as `decode` gives them. The mean is weighted by the scores.
    """
    merged = np.empty_like(finds)
    left = np.ones(len(finds), np.bool_)
    bodies = 0
    for best in range(len(finds)):
        if not left[best]:
            continue
        merged[bodies] = 0
        total = 0.0
        for other in range(best, len(finds)):
            if left[other] and (other == best or _overlap(finds[best], finds[other]) > _SAME):
                left[other] = False
                merged[bodies] += finds[other] * finds[other, 0]
                total += finds[other, 0]
        merged[bodies] /= total
        merged[bodies, 0] = finds[best, 0]
        bodies += 1
    return merged[:bodies]


@njit(nogil=True, cache=True)
def _overlap(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Intersection over union of two finds' boxes."""
    width = min(one[3], other[3]) - max(one[1], other[1])
    height = min(one[4], other[4]) - max(one[2], other[2])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    areas = (one[3] - one[1]) * (one[4] - one[2]) + (other[3] - other[1]) * (other[4] - other[2])
    return float(shared / (areas - shared))
