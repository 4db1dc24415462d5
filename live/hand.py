"""Where the hands are in a picture, and the squares around them that a net repaints.

One rule for training and stage, as `live.head`'s.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from live.head import SEEN, moved_in
from live.skeleton import INDEX

SIDES = ("left", "right")

_PALM = ("wrist", "index_1", "pinky_1", "thumb_3")
"""What BlazePose gives of a hand, and OpenPose, too. The wrist is the body's."""
_OF_A_HAND = {side: [INDEX[f"{side}_{name}"] for name in _PALM] for side in SIDES}
_ELBOW = {side: INDEX[f"{side}_elbow"] for side in SIDES}
# A hand is 0.74 of a forearm long (Drillis and Contini 1966: 0.108 and 0.146 of a body's height).
# Its middle is 0.37 beyond the wrist; the mean of wrist, knuckles and thumb lies some 0.25 there.
_PUSH_KNUCKLES, _PUSH_WRIST = 0.12, 0.37


def seen_of_hand(scores: NDArray[np.float32], side: str) -> list[int]:
    """The joints that place a hand and are seen, by number; scores: (J,), side: of `SIDES`."""
    return [joint for joint in _OF_A_HAND[side] if scores[joint] > SEEN]


def hand_square(
    points: NDArray[np.float32],
    scores: NDArray[np.float32],
    size: tuple[int, int],
    side_px: int,
    side: str,
) -> tuple[int, int] | None:
    """(top, left) of the `side_px` x `side_px` square around a hand; None where there is none.

    points: (J, 2) pixels of a picture of `size` (height, width); scores: (J,); side: of `SIDES`.
    The square is as large whatever the hand is; at the picture's border it is moved inwards. None
    where the hand is not seen, its middle is not in the picture, or at no finite place.
    """
    seen = seen_of_hand(scores, side)
    if not seen or side_px > min(size):
        return None
    x, y = _middle(points, scores, seen, side)
    if not (0 <= x < size[1] and 0 <= y < size[0]):  # so it is of what is no number
        return None
    half = side_px / 2
    return moved_in(y - half, size[0] - side_px), moved_in(x - half, size[1] - side_px)


def _middle(
    points: NDArray[np.float32], scores: NDArray[np.float32], seen: list[int], side: str
) -> tuple[float, float]:
    """The hand's, (x, y): its joints', pushed along the forearm to where the fingers are."""
    # Plain numbers: with arrays of two it would take the picture's thread ten times as long.
    places = [points[joint].tolist() for joint in seen]
    x, y = (sum(place[axis] for place in places) / len(places) for axis in (0, 1))
    elbow, wrist = _ELBOW[side], _OF_A_HAND[side][0]
    if seen[0] == wrist and scores[elbow] > SEEN:
        push = _PUSH_WRIST if len(seen) == 1 else _PUSH_KNUCKLES
        elbow_x, elbow_y = points[elbow].tolist()
        x += push * (places[0][0] - elbow_x)
        y += push * (places[0][1] - elbow_y)
    return (x, y) if math.isfinite(x) and math.isfinite(y) else (-1.0, -1.0)
