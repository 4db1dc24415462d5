"""What is done to a pose before its label is drawn, so that the student bears live faults."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from live.skeleton import GROUPS, INDEX


@dataclass(frozen=True, slots=True)
class AugmentSettings:
    """Chances are per stream (some consecutive frames), so that a fault lasts as it does live."""

    jitter_chance: float = 0.3
    jitter: float = 0.002  # standard deviation of every joint's place, fraction of the height
    drop_limb_chance: float = 0.06  # one arm's, leg's, hand's or face's end is not seen
    drop_figure_chance: float = 0.02  # nobody is seen: the picture is the plate
    score_chance: float = 0.15  # scores are scaled down by up to `score_loss`
    score_loss: float = 0.3


def _names(*names: str) -> NDArray[np.int64]:
    return np.array([INDEX[name] for name in names])


def _side(side: str) -> tuple[NDArray[np.int64], ...]:
    hand = [j for name, j in INDEX.items() if j in GROUPS["hands"] and name.startswith(side)]
    wrist = INDEX[f"{side}_wrist"]
    foot = [INDEX[f"{side}_{name}"] for name in ("big_toe", "small_toe", "heel")]
    return (
        np.array(hand),
        np.array([*hand, wrist]),
        np.array([*hand, wrist, INDEX[f"{side}_elbow"]]),
        np.array(foot),
        np.array([*foot, INDEX[f"{side}_ankle"]]),
    )


DROPPABLE = (
    *_side("left"),
    *_side("right"),
    np.array(GROUPS["face"]),
    _names("left_ear", "left_eye"),
    _names("right_ear", "right_eye"),
)
"""Sets of joints that pose estimators lose together."""


@dataclass(frozen=True, slots=True, eq=False)
class Faults:
    """One stream's faults."""

    jitter_px: float
    dropped: NDArray[np.int64]
    score_gain: float
    nobody: bool

    def apply(
        self,
        points: NDArray[np.float32],
        scores: NDArray[np.float32],
        rng: np.random.Generator,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Faulty copies of points (J, 2), pixels, and scores (J,)."""
        scores = scores * np.float32(0 if self.nobody else self.score_gain)
        scores[self.dropped] = 0
        if self.jitter_px:
            points = points + rng.normal(0, self.jitter_px, points.shape).astype(np.float32)
        return points, scores


def draw_faults(settings: AugmentSettings, height: int, rng: np.random.Generator) -> Faults:
    """Throw the dice for one stream; `height` is the label's, pixels."""
    chances = rng.random(4)
    dropped = DROPPABLE[rng.integers(len(DROPPABLE))]
    return Faults(
        jitter_px=settings.jitter * height if chances[0] < settings.jitter_chance else 0.0,
        dropped=dropped if chances[1] < settings.drop_limb_chance else np.zeros(0, np.int64),
        score_gain=1 - settings.score_loss * rng.random()
        if chances[2] < settings.score_chance
        else 1.0,
        nobody=bool(chances[3] < settings.drop_figure_chance),
    )
