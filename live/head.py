"""Where the head is in a picture, and the square around it that a face net repaints.

One rule for training and stage: a net that was trained on one square would not know another.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from live.skeleton import INDEX

SEEN = 0.3  # a joint that scores more is seen
MULTIPLE = 16  # of the square's side, pixels
NECK = INDEX["neck"]

_HEAD = [INDEX[name] for name in ("nose", "right_eye", "left_eye", "right_ear", "left_ear")]
_REACH = 0.9  # of the way from the neck to the head's middle
_LEAST_PX = 4.0


def square_side(height: int, multiple: int = MULTIPLE, share: int = 4) -> int:
    """A square's side for pictures of `height`: that by `share`, two `multiple`s at least.

    128 at 512 for the head (Chan et al. 2019, section 3.4).
    """
    return max(round(height / share / multiple), 2) * multiple


def seen_of_head(scores: NDArray[np.float32]) -> list[int]:
    """The head's joints that are seen, by number; scores: (J,)."""
    return [joint for joint in _HEAD if scores[joint] > SEEN]


def head_span(
    points: NDArray[np.float32], scores: NDArray[np.float32], size: tuple[int, int]
) -> tuple[int, int, int, int] | None:
    """(left, top, right, bottom) of a square around the head, cut at the picture's edges.

    points: (J, 2) pixels of a picture of `size` (height, width); scores: (J,). `right` and `bottom`
    are outside. None where the head is not seen, not in the picture, or at no finite place.
    """
    seen = seen_of_head(scores)
    if not seen or not scores[NECK] > SEEN:
        return None
    # Plain numbers: with arrays of two it would take the picture's thread ten times as long.
    places = [points[joint].tolist() for joint in seen]
    x, y = (sum(place[axis] for place in places) / len(places) for axis in (0, 1))
    neck_x, neck_y = points[NECK].tolist()
    reach = max(_REACH * math.hypot(x - neck_x, y - neck_y), _LEAST_PX)
    if not (math.isfinite(x) and math.isfinite(y) and math.isfinite(reach)):
        return None
    left, right = _within(x, reach, size[1])
    top, bottom = _within(y, reach, size[0])
    return (left, top, right, bottom) if right > left and bottom > top else None


def _within(middle: float, reach: float, most: int) -> tuple[int, int]:
    low, high = math.floor(middle - reach), math.ceil(middle + reach)
    return min(max(low, 0), most), min(max(high, 0), most)


def head_square(
    points: NDArray[np.float32], scores: NDArray[np.float32], size: tuple[int, int], side: int
) -> tuple[int, int] | None:
    """(top, left) of the `side` x `side` square around the head; None where there is none.

    As `head_span`. At the picture's border the square is moved inwards: it never leaves the
    picture and never shrinks.
    """
    span = head_span(points, scores, size)
    if span is None or side > min(size):
        return None
    left, top, right, bottom = span
    return moved_in((top + bottom - side) / 2, size[0] - side), moved_in(
        (left + right - side) / 2, size[1] - side
    )


def moved_in(corner: float, most: int) -> int:
    """A square's corner along one axis, in 0..most."""
    return min(max(round(corner), 0), most)
