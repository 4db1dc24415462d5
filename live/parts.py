"""The parts of a figure that may have nets of their own: which there are, and where they are.

A part's net repaints squares of what the generator made (`live.retouch`). One rule for training and
stage: a net that was trained on some squares would not know others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from live.hand import SIDES, hand_square, seen_of_hand
from live.head import NECK, SEEN, head_square, seen_of_head, square_side

Corner = tuple[int, int]
"""(top, left) of a square, pixels of the generator's picture."""

SCORE_FULL = 0.5  # as `live.skeleton.LabelStyle.score_full`

Find = Callable[
    [NDArray[np.float32], NDArray[np.float32], tuple[int, int], int], list[tuple[Corner, float]]
]


@dataclass(frozen=True, slots=True)
class Part:
    """One part, and the squares around it."""

    name: str  # NAME.onnx of a bundle, RUN/NAME of a run, the net's output, the timing's section
    what: str  # in sentences
    share: int  # the square's side is the picture's height by this
    most: int  # squares of one figure
    find: Find = field(repr=False, compare=False)  # as `squares`

    @property
    def file(self) -> str:
        """The net's name in a bundle."""
        return f"{self.name}.onnx"

    def side(self, height: int) -> int:
        """The square's side for pictures of `height`, pixels: a multiple of 16, 32 at least."""
        return square_side(height, share=self.share)

    def corners(
        self,
        points: NDArray[np.float32],
        scores: NDArray[np.float32],
        size: tuple[int, int],
        side: int,
    ) -> tuple[Corner, ...]:
        """As `squares`, without the strengths."""
        return tuple(corner for corner, _ in self.find(points, scores, size, side))

    def squares(
        self,
        points: NDArray[np.float32],
        scores: NDArray[np.float32],
        size: tuple[int, int],
        side: int,
    ) -> tuple[tuple[Corner, ...], tuple[float, ...]]:
        """The corner of each square that is seen, and how strongly its net's work is to show.

        points: (J, 2) pixels of a picture of `size` (height, width); scores: (J,); side: pixels.
        Squares are whole and inside the picture. Strengths: in (0, 1], 1 from `SCORE_FULL` on.
        """
        found = self.find(points, scores, size, side)
        return tuple(corner for corner, _ in found), tuple(_strength(score) for _, score in found)


def find_squares(
    parts: Iterable[Part],
    points: NDArray[np.float32],
    scores: NDArray[np.float32],
    size: tuple[int, int],
) -> tuple[dict[str, tuple[Corner, ...]], dict[str, tuple[float, ...]]]:
    """`Part.squares` of each by the part's name, as a `live.frames.Label` has them."""
    found = {part.name: part.squares(points, scores, size, part.side(size[0])) for part in parts}
    return (
        {name: corners for name, (corners, _) in found.items()},
        {name: strengths for name, (_, strengths) in found.items()},
    )


def _strength(score: float) -> float:
    """Linear from `SEEN` on, as limbs are drawn: no score switches a net on within one picture."""
    return min((score - SEEN) / (SCORE_FULL - SEEN), 1.0)


def _head(
    points: NDArray[np.float32], scores: NDArray[np.float32], size: tuple[int, int], side: int
) -> list[tuple[Corner, float]]:
    corner = head_square(points, scores, size, side)
    if corner is None:
        return []
    best = max(float(scores[joint]) for joint in seen_of_head(scores))
    return [(corner, min(best, float(scores[NECK])))]


def _hands(
    points: NDArray[np.float32], scores: NDArray[np.float32], size: tuple[int, int], side: int
) -> list[tuple[Corner, float]]:
    """The left hand first."""
    found = []
    for hand in SIDES:
        corner = hand_square(points, scores, size, side, hand)
        if corner is not None:
            best = max(float(scores[joint]) for joint in seen_of_hand(scores, hand))
            found.append((corner, best))
    return found


FACE = Part("face", "the head", 4, 1, _head)
HANDS = Part("hands", "the hands", 8, 2, _hands)
PARTS = (FACE, HANDS)
"""In the order in which they are applied: a hand before the face is in front of it."""
