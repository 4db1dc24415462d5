"""The camera's picture as the operator sees it: the skeleton over it, and a frame around whom the
show follows."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from live.frames import Frame, Image, Pose
from live.skeleton import LabelStyle, limbs_of
from live.strokes import draw_strokes

STYLE = LabelStyle(limb_width=0.012)
_FOLLOWED = (255, 196, 64)  # RGB: warm, and no limb has it
_MARGIN = 0.04  # of the picture's height, around the followed person
_DIM = 0.75  # of the camera's brightness: the skeleton stands out, and the room stays dark


class Overlay:
    """Draws in one style; keeps the tables that the kernel needs."""

    def __init__(self) -> None:
        limbs = limbs_of(STYLE.groups)
        self._ends = np.array([(limb.start, limb.end) for limb in limbs], np.int64)
        self._colours = np.array([limb.colour for limb in limbs], np.float32)
        self._widths = np.array([limb.width for limb in limbs], np.float32)

    def draw(self, frame: Frame, pose: Pose | None, width: int) -> Image:
        """`frame` made `width` pixels wide (never wider than it is), RGB uint8 (h, w, 3)."""
        small = fitted(frame.image, width)
        dim = cv2.cvtColor(cv2.convertScaleAbs(small, alpha=_DIM), cv2.COLOR_BGR2RGB)
        canvas: Image = np.ascontiguousarray(dim, np.uint8)
        if pose is None:
            return canvas
        height, width = canvas.shape[:2]
        scale = np.array([width / pose.size[1], height / pose.size[0]], np.float32)
        points = np.ascontiguousarray(pose.points * scale, np.float32)
        radii_px = self._widths * np.float32(STYLE.limb_width * height / 2)
        draw_strokes(
            canvas, points, pose.scores, self._ends, self._colours, radii_px,
            STYLE.score_hidden, STYLE.score_full,
        )  # fmt: skip
        _frame(canvas, points[pose.scores > STYLE.score_full])
        return canvas


def fitted(image: Image, width: int) -> Image:
    """Made `width` pixels wide, or left as it is where it is no wider."""
    if image.shape[1] <= width:
        return image
    height = max(round(image.shape[0] * width / image.shape[1]), 1)
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _frame(canvas: Image, seen: NDArray[np.float32]) -> None:
    """A thin rectangle around the points that are seen."""
    height, width = canvas.shape[:2]
    if len(seen) < 2 or not np.isfinite(seen).all():
        return
    margin = _MARGIN * height
    left, top = np.clip(seen.min(0) - margin, 0, (width - 1, height - 1)).astype(int)
    right, bottom = np.clip(seen.max(0) + margin, 0, (width - 1, height - 1)).astype(int)
    corners = (int(left), int(top)), (int(right), int(bottom))
    cv2.rectangle(canvas, *corners, _FOLLOWED, max(height // 240, 1), cv2.LINE_AA)
