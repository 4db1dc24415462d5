"""The stances that a subject was trained on, and how far apart they lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from live.body import BodyStats
from live.neighbours import LIMBS, own_distances
from live.refine import vector_of
from live.stance import STANCE, stance
from live.subject import Codebook

Array = NDArray[np.float64]

_MOST = 2048  # stances kept, spread over the codebook
_ASKED = 512  # of them asked for their nearest neighbour, to learn the scales
_AROUND = 1  # entries next to one another may be neighbours in time: they say nothing of coverage
_SHARE = 0.95  # of the known stances have a neighbour within the scale
_LEAST = 0.02  # body heights: no scale is finer than what a tracker errs by


@dataclass(frozen=True, slots=True, eq=False)
class KnownStances:
    """What the codebook says of the subject's limits."""

    places: NDArray[np.float32]  # (K, STANCE, 2), from the middle of the hips, body heights
    seen: NDArray[np.float32]  # (K, STANCE), 0 or 1
    scale: float  # of the whole body's distances, body heights: novelty 1
    limb_scales: Array  # (LIMBS,), the same for each limb by itself

    @classmethod
    def of(cls, codebook: Codebook, body: BodyStats, stage: tuple[int, int]) -> KnownStances:
        """stage: the (height, width) whose pixels the codebook is in."""
        places, seen = _stances(codebook, vector_of(body), stage[0])
        numbers = _spread(len(places), _ASKED)
        distances = np.empty((len(numbers), 1 + len(LIMBS)))
        own_distances(places, seen, numbers, _AROUND, distances)
        scales = np.array([_scale(column) for column in distances.T])
        return cls(places, seen, float(scales[0]), scales[1:])


def _stances(
    codebook: Codebook, body: Array, stage_px: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    chosen = _spread(len(codebook.points), _MOST)
    places = np.empty((len(chosen), STANCE, 2), np.float32)
    seen = np.empty((len(chosen), STANCE), np.float32)
    one, weights = np.empty((STANCE, 2)), np.empty(STANCE)
    for row, number in enumerate(chosen):
        stance(codebook.points[number], codebook.scores[number], stage_px, body, one, weights)
        places[row], seen[row] = one, weights > 0
    return places, seen


def _spread(count: int, most: int) -> NDArray[np.int64]:
    """At most `most` of the numbers below `count`, evenly."""
    return np.linspace(0, count - 1, min(count, most)).astype(np.int64)


def _scale(distances: Array) -> float:
    """What `_SHARE` of the distances do not exceed; those that nothing was comparable to drop."""
    finite = distances[np.isfinite(distances)]
    # A codebook of one pose or two knows no distances: a twentieth of the body then.
    return max(float(np.quantile(finite, _SHARE)), _LEAST) if len(finite) else 0.05
