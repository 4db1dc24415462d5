"""Ways from the performer's place and size to the target's, to be held against one another.

The stage's own is `training.replay.retargeted`. Here are none at all, and the paper's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from live.body import BodyStats
from live.errors import SetupError
from live.fit import fit_body_stats
from live.measure import TOE, measure_clip
from training.dataset import Dataset
from training.framing import Framing
from training.replay import Poses


def unnormalized(performer: Dataset, frames: NDArray[np.int64], size: tuple[int, int]) -> Poses:
    """The performer where the performer stands: both stages laid over one another, heights equal.

    frames: numbers (N,) in `performer`; size: of the target's stage. Points in its pixels.
    """
    points, scores = performer.points[frames], performer.scores[frames]
    return Framing(performer.stage, size).points(points), scores


def normalized_as_in_the_paper(
    performer: Dataset, frames: NDArray[np.int64], target: BodyStats, size: tuple[int, int]
) -> Poses:
    """Global pose normalization (Chan et al., ICCV 2019, section 3.4 and the supplement).

    With statistics of the whole clip, the future too: for foot line `toe` of the frame itself,

        p     = (toe - far_s) / (near_s - far_s)
        scale = far_t' + p (near_t' - far_t'),  ' height of the target over the performer's there
        foot  = far_t + p (near_t - far_t)

    and every joint keeps its offset from the foot line, times scale; x scales about the centre.
    Where the ankles are lost the foot line is interpolated. Nothing is limited: a foot in the air
    moves the body as if it stood farther off, as it does in the paper.
    """
    points, scores = performer.points[frames], performer.scores[frames]
    height, width = performer.stage
    try:
        source = fit_body_stats(performer.points, performer.scores, performer.stage)
    except SetupError as error:
        raise SetupError(f"{performer.folder}: {error}") from error
    clip = measure_clip(performer.points, performer.scores, performer.stage)
    toes = _filled(clip[:, TOE])[frames]
    depth = source.toe_near - source.toe_far
    p = (toes - source.toe_far) / depth if depth > 1e-6 else np.ones_like(toes)
    far = target.height_far / source.height_far
    near = target.height_near / source.height_near
    scale = (far + p * (near - far))[:, None]
    foot = (target.toe_far + p * (target.toe_near - target.toe_far))[:, None]
    x = (points[:, :, 0] - width / 2) / height * scale * size[0] + size[1] / 2
    y = (foot + (points[:, :, 1] / height - toes[:, None]) * scale) * size[0]
    shown = scores * (scores > 0)
    return np.stack([x, y], axis=2).astype(np.float32), shown.astype(np.float32)


def _filled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gaps interpolated, ends held; a clip that never shows an ankle stands at its lower edge."""
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        return np.ones_like(values)
    return np.interp(np.arange(len(values)), known, values[known])
