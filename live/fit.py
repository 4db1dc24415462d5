"""Body statistics of a whole clip: EDN's global pose normalization, the offline half.

Chan, Ginosar, Zhou, Efros: 'Everybody Dance Now', ICCV 2019, section 3.4 and the supplement.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from live.body import BodyStats
from live.errors import SetupError
from live.measure import HEAD, SHOULDERS, TOE, TORSO, measure_clip

FAR_SHARE = 0.5
"""EDN's alpha: how far above the median foot line, in distances from median to nearest, a foot line
may lie and still be a place to stand rather than a jump."""
NEAR_QUANTILE = 0.99  # the nearest foot line, less the odd misplaced ankle
UPRIGHT_QUANTILE = 0.9  # of body heights in a band: a crouch does not make a person shorter
BAND = 0.05  # of the range of foot lines: who stands there counts for that end's body height
TORSO_SHARE = 0.33  # neck to mid-hip over eyes to ankles, of adults
SHOULDERS_TO_TORSO = 1.35  # adults, facing the camera
STEEPEST = 6.0
"""Largest growth of body height per growth of foot line that a camera can see: body height over
camera height, so this is a camera 30 cm above the floor."""
MIN_FRAMES = 5
_MIN_BAND_FRAMES = 10

Array = NDArray[np.float64]


def fit_body_stats(
    points: NDArray[np.float32],
    scores: NDArray[np.float32],
    size: tuple[int, int],
    far_share: float = FAR_SHARE,
) -> BodyStats:
    """Where and how tall a clip's person stands.

    points: (T, J, 2), pixels of frames of `size` (height, width); scores: (T, J) in [0, 1].
    Missed detections (score 0, NaN) are left out. A clip that never shows the ankles is measured by
    its torso lengths. Raises SetupError where fewer than MIN_FRAMES frames tell anything.
    """
    clip = measure_clip(points, scores, size)
    toes, heights = feet_and_heights(clip)
    standing = np.isfinite(toes) & np.isfinite(heights)
    if np.count_nonzero(standing) < MIN_FRAMES:
        raise SetupError(
            f"a body was seen in {np.count_nonzero(standing)} of {len(clip)} frames and "
            f"{MIN_FRAMES} are needed; use footage that shows the person from head to feet"
        )
    toes, heights = toes[standing], heights[standing]
    near, far = near_and_far(toes, far_share)
    height_near = _height_at(toes, heights, near, near - far)
    height_far = _height_at(toes, heights, far, near - far)
    return BodyStats(
        toe_near=near,
        toe_far=far,
        height_near=height_near,
        height_far=plausible_far_height(height_near, height_far, near - far),
        torso=_median(clip[standing, TORSO] / heights, TORSO_SHARE),
        aspect=size[1] / size[0],
    )


def feet_and_heights(clip: Array) -> tuple[Array, Array]:
    """Foot lines (T,) and body heights (T,) of measures (T, MEASURES), NaN where unknown.

    By head and ankles where enough frames show both, otherwise guessed from the torso.
    """
    toes, heights = clip[:, TOE].copy(), clip[:, TOE] - clip[:, HEAD]
    heights[~(heights > 0.02)] = np.nan  # upside down or lying: says nothing about the height
    if np.count_nonzero(np.isfinite(heights)) >= MIN_FRAMES:
        return toes, heights
    torso = np.where(
        np.isfinite(clip[:, TORSO]), clip[:, TORSO], clip[:, SHOULDERS] * SHOULDERS_TO_TORSO
    )
    heights = torso / TORSO_SHARE
    heights[~(heights > 0.02)] = np.nan
    return clip[:, HEAD] + heights, heights


def near_and_far(toes: Array, far_share: float = FAR_SHARE) -> tuple[float, float]:
    """The nearest foot line and the farthest plausible one.

    far = median - the largest distance above the median that is below
    far_share * (near - median): EDN's supplement, which so discards jumps.
    """
    near = float(np.quantile(toes, NEAR_QUANTILE))
    median = float(np.median(toes))
    above = median - toes
    plausible = above[(above >= 0) & (above <= far_share * (near - median))]
    return near, median - float(plausible.max(initial=0.0))


def plausible_far_height(height_near: float, height_far: float, span: float) -> float:
    """`height_far` as a camera above the floor can see it, `span` above the near foot line."""
    return min(max(height_far, height_near - STEEPEST * span, 0.2 * height_near), height_near)


def _height_at(toes: Array, heights: Array, toe: float, span: float) -> float:
    """Upright body height of those frames that stand within a band of foot line `toe`."""
    distances = np.abs(toes - toe)
    order = np.argsort(distances, kind="stable")
    count = max(int(np.count_nonzero(distances <= BAND * span)), _MIN_BAND_FRAMES)
    return float(np.quantile(heights[order[:count]], UPRIGHT_QUANTILE))


def _median(values: Array, otherwise: float) -> float:
    known = values[np.isfinite(values)]
    median = float(np.median(known)) if known.size else math.nan
    return median if math.isfinite(median) else otherwise
