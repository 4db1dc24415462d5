"""The stick figure by the book: every pixel asks every limb how far away it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from live.skeleton import LabelStyle, limbs_of


def draw(
    points: NDArray, scores: NDArray, size: tuple[int, int], style: LabelStyle
) -> NDArray[np.uint8]:
    """RGB uint8 (h, w, 3); see `live.skeleton.Drawer.draw`."""
    canvas = np.zeros((*size, 3), np.uint8)
    pixels = np.stack(np.meshgrid(np.arange(size[1]), np.arange(size[0])), -1).astype(np.float64)
    for limb in limbs_of(style.groups):
        a, b = points[limb.start].astype(np.float64), points[limb.end].astype(np.float64)
        score = np.minimum(scores[limb.start], scores[limb.end])  # NaN wins
        if not (np.isfinite([*a, *b]).all() and score > style.score_hidden):
            continue
        if np.abs([*a, *b]).max() >= 4 * max(size):
            continue
        strength = min(1.0, (score - style.score_hidden) / (style.score_full - style.score_hidden))
        axis = b - a
        along = np.clip((pixels - a) @ axis / max(axis @ axis, 1e-12), 0, 1)
        distance = np.linalg.norm(pixels - (a + along[..., None] * axis), axis=-1)
        radius = limb.width * style.limb_width * size[0] / 2
        cover = np.clip(radius + 0.5 - distance, 0, 1)[..., None] * strength
        canvas = np.floor(canvas + (np.array(limb.colour) - canvas) * cover + 0.5).astype(np.uint8)
    return canvas
