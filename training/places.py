"""Where a part of the figure is in footage, one place at a time: the head, or either of the hands.

The squares are the stage's (`live.parts`). On stage a net is run on every one that is seen; it is
trained on one of them at a time, so that what follows is the same hand's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from live.hand import SIDES, hand_square, seen_of_hand
from live.head import head_square, seen_of_head
from live.parts import FACE, HANDS, Corner, Part
from live.window import into_window
from training.dataset import Dataset

Points = NDArray[np.float32]
Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Place:
    """One square's place on the body."""

    square: Callable[[Points, Scores, tuple[int, int], int], Corner | None]
    joints: Callable[[Scores], list[int]]  # those that are seen, by number


def _hand(side: str) -> Place:
    return Place(partial(hand_square, side=side), partial(seen_of_hand, side=side))


_PLACES = {
    FACE.name: (Place(head_square, seen_of_head),),
    HANDS.name: tuple(_hand(side) for side in SIDES),
}


def places(part: Part) -> tuple[Place, ...]:
    """In the order of `Part.corners`."""
    return _PLACES[part.name]


def seen_places(part: Part, data: Dataset, number: int) -> list[Place]:
    """Those that have a square in the window of frame `number`."""
    points = into_window(data.points[number], data.regions[number], data.size)
    given = (points, data.scores[number], data.size, part.side(data.size[0]))
    return [place for place in places(part) if place.square(*given) is not None]


def frames_with(part: Part, data: Dataset, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of the frames `numbers` those in whose windows the part has a square."""
    kept = [number for number in numbers.tolist() if seen_places(part, data, number)]
    return np.array(kept, np.int64)
