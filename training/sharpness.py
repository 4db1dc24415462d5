"""How sharp the person is.

The variance of the Laplacian (Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy",
ICPR 2000) tells frames of one footage apart: it is fast, but has no scale that holds for another.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.measure import blur_effect

from live.frames import Image
from training.masks import person_box

HEIGHT = 192  # pixels that the person is scaled to, so that near and far compare


def person_sharpness(
    image: Image, points: NDArray[np.float32], scores: NDArray[np.float32]
) -> float:
    """Variance of the Laplacian over the person's box, scaled to one height; NaN without a person.

    image: (H, W, 3) uint8; points: (J, 2) pixels; scores: (J,).
    """
    grey = _person(image, points, scores)
    return float(cv2.Laplacian(grey, cv2.CV_32F).var()) if grey is not None else float("nan")


def person_blur(image: Image, points: NDArray[np.float32], scores: NDArray[np.float32]) -> float:
    """0 (sharp) to 1 (blurred), of any footage: Crete et al., "The blur effect", SPIE 2007."""
    grey = _person(image, points, scores)
    return float(blur_effect(grey, h_size=7)) if grey is not None else float("nan")


def _person(
    image: Image, points: NDArray[np.float32], scores: NDArray[np.float32]
) -> NDArray[np.uint8] | None:
    box = person_box(points, scores, (image.shape[0], image.shape[1]))
    if box is None or box.bottom - box.top < 16 or box.right - box.left < 8:
        return None
    cut = image[box.top : box.bottom, box.left : box.right]
    width = max(round(HEIGHT * cut.shape[1] / cut.shape[0]), 8)
    how = cv2.INTER_AREA if cut.shape[0] > HEIGHT else cv2.INTER_LINEAR
    scaled = cv2.resize(cut, (width, HEIGHT), interpolation=how)
    return np.asarray(cv2.cvtColor(scaled, cv2.COLOR_RGB2GRAY), np.uint8)


def soft_frames(
    sharpness: NDArray[np.float32], heights: NDArray[np.float32], least: float = 0.35
) -> NDArray[np.bool_]:
    """(N,): frames with less than `least` of the median sharpness at a like height of the figure.

    sharpness, heights: (N,), NaN where nobody is. A figure far away has fewer pixels and so is
    softer: it is held against others of its height, in five bands.
    """
    soft = np.zeros(len(sharpness), bool)
    known = np.isfinite(sharpness) & np.isfinite(heights)
    if known.sum() < 10:
        return soft
    edges = np.quantile(heights[known], np.linspace(0, 1, 6)[1:-1])
    bands = np.digitize(heights, edges)
    for band in range(5):
        mine = known & (bands == band)
        if mine.any():
            soft[mine] = sharpness[mine] < least * np.median(sharpness[mine])
    return soft
