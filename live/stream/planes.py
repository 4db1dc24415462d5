"""A picture as the encoders take it, made once for all of them: I420, whole or a quarter of it."""

from __future__ import annotations

import cv2
import numpy as np

from live.frames import Image
from live.stream.steering import Rung


def to_i420(image: Image) -> Image:
    """RGB uint8 (H, W, 3) -> I420 uint8 (3 h / 2, w), ITU-R BT.601 limited range.

    h and w are H and W rounded up to even, as 4:2:0 needs; the last row or column is repeated,
    so that nothing of the picture is lost.
    """
    height, width = image.shape[:2]
    if height % 2 or width % 2:
        image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420), dtype=np.uint8)


def size_of(i420: Image) -> tuple[int, int]:
    """(height, width) in pixels of an I420 picture, uint8 (3 h / 2, w)."""
    return i420.shape[0] * 2 // 3, i420.shape[1]


def quartered(i420: Image) -> Image:
    """The same picture with half the height and width, each rounded down to even, at least 2."""
    height, width = size_of(i420)
    small_h, small_w = max(2, height // 4 * 2), max(2, width // 4 * 2)
    luma = cv2.resize(i420[:height], (small_w, small_h), interpolation=cv2.INTER_AREA)
    chroma = i420[height:].reshape(2, height // 2, width // 2)
    small = [
        cv2.resize(plane, (small_w // 2, small_h // 2), interpolation=cv2.INTER_AREA).ravel()
        for plane in chroma
    ]
    out = np.empty((small_h * 3 // 2, small_w), np.uint8)
    out[:small_h] = luma
    out[small_h:] = np.concatenate(small).reshape(small_h // 2, small_w)
    return out


class Planes:
    """A picture as the encoders take it: each rung's made when first needed."""

    def __init__(self, image: Image) -> None:
        self._image = image
        self._made: dict[Rung, Image] = {}

    def of(self, rung: Rung) -> Image:
        if rung not in self._made:
            made = to_i420(self._image) if rung is Rung.FULL else quartered(self.of(Rung.FULL))
            self._made[rung] = made
        return self._made[rung]
