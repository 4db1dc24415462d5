"""How far a pose is from those that the subject was trained on: where a character's limits are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from live.body import BodyStats
from live.frames import Pose
from live.guard import Guard, smoothstep
from live.known import KnownStances
from live.neighbours import LIMBS, nearest, nearest_limbs
from live.refine import vector_of
from live.stance import STANCE, stance
from live.subject import Codebook

MOST = 10.0
"""No novelty is higher: beyond the limits is beyond the limits."""
_GUARDED = 1.5  # novelty of the whole from which on its limbs are eased with all the strength
_SEEN = 3.0  # joints that must be seen for a body to have a stance at all


class Novelty:
    """Compares one performer's poses with a subject's codebook. For one thread.

    Up to 1 is well known: 95 of 100 poses of the codebook are as near to another one of it. Above
    2 is beyond the subject's limits.
    """

    def __init__(self, codebook: Codebook, body: BodyStats, stage: tuple[int, int]) -> None:
        """stage: (height, width) in whose pixels the codebook and the poses are.

        Takes a tenth of a second or so, and some seconds the very first time, to compile.
        """
        self._stage_px = float(stage[0])
        self._body = vector_of(body)
        self._known = KnownStances.of(codebook, body, stage)
        self._guard = Guard(self._known)
        self._pose: Pose | None = None  # whose stance is held
        self._novelty: float | None = None  # of that pose; None: not measured yet
        self._places, self._weights = np.empty((STANCE, 2)), np.empty(STANCE)
        self._last = 0  # the entry that was nearest: the next pose is near it, too
        self._warm_up(Pose(stage[0] - codebook.neutral_points, codebook.neutral_scores, 0.0, stage))

    def measure(self, pose: Pose) -> float:
        """How novel `pose` is, 0 to `MOST`; 0 where too little of a body is seen."""
        self._look_at(pose)
        if self._novelty is None:
            self._novelty = self._compared()
        return self._novelty

    def limbs(self, pose: Pose) -> dict[str, float]:
        """How novel each limb is by itself, as `measure`; 0 for those not seen."""
        return dict(zip(LIMBS, map(float, self._limbs(pose)), strict=True))

    def guard(self, pose: Pose, strength: float, now_s: float) -> Pose:
        """`pose` with limbs that are beyond the limits eased back; see `live.guard`.

        strength: 0 to 1; at 0 `pose` itself comes back. now_s: seconds, in order.
        """
        if strength <= 0:
            self._guard.reset()
            return pose
        # A limb alone is less known than whole bodies are: poses that are known stay as they are.
        share = float(smoothstep(self.measure(pose), 1.0, _GUARDED)) * min(strength, 1.0)
        novelties = self._limbs(pose) if share > 0 else np.zeros(len(LIMBS))
        return self._guard.apply(pose, self._places, self._weights, novelties, share, now_s)

    def _warm_up(self, strange: Pose) -> None:
        """Compile every kernel now, not in the middle of the show."""
        for now_s in (0.0, 0.1):
            self.guard(strange, 1.0, now_s)
        self._guard.reset()

    def _look_at(self, pose: Pose) -> None:
        if pose is not self._pose:
            stance(
                pose.points, pose.scores, self._stage_px, self._body, self._places, self._weights
            )
            self._pose, self._novelty = pose, None

    def _compared(self) -> float:
        distance, number = nearest(
            self._places, self._weights, self._known.places, self._known.seen, self._last, -9, 0
        )
        self._last = max(number, 0)
        if self._weights.sum() < _SEEN:
            return 0.0
        return min(distance / self._known.scale, MOST)

    def _limbs(self, pose: Pose) -> NDArray[np.float64]:
        self._look_at(pose)
        distances = np.empty(len(LIMBS))
        nearest_limbs(
            self._places, self._weights, self._known.places, self._known.seen, -9, 0, distances
        )
        novelties = np.minimum(distances / self._known.limb_scales, MOST)
        return np.asarray(np.nan_to_num(novelties, nan=0.0))
