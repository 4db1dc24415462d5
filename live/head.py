"""Where the head is in a picture, and the square around it that a face net repaints.

One rule for training and stage: a net that was trained on one square would not know another.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from live.skeleton import INDEX

HEAD = [INDEX[name] for name in ("nose", "right_eye", "left_eye", "right_ear", "left_ear")]
SEEN = 0.3  # a joint that scores more is seen
MULTIPLE = 16  # of the square's side, pixels

_NECK = INDEX["neck"]
_REACH = 0.9  # of the way from the neck to the head's middle
_LEAST_PX = 4.0


def square_side(height: int, multiple: int = MULTIPLE) -> int:
    """The square's side for pictures of `height`: 128 at 512 (Chan et al. 2019, section 3.4)."""
    return max(round(height / 4 / multiple), 2) * multiple


def head_span(
    points: NDArray[np.float32], scores: NDArray[np.float32], size: tuple[int, int]
) -> tuple[int, int, int, int] | None:
    """(left, top, right, bottom) of a square around the head, cut at the picture's edges.

    points: (J, 2) pixels of a picture of `size` (height, width); scores: (J,). `right` and `bottom`
    are outside. None where the head is not seen, or not in the picture.
    """
    seen = [joint for joint in HEAD if scores[joint] > SEEN]
    if not seen or scores[_NECK] <= SEEN:
        return None
    middle = points[seen].mean(0)
    reach = max(_REACH * float(np.hypot(*(middle - points[_NECK]))), _LEAST_PX)
    low, high = np.floor(middle - reach).astype(int), np.ceil(middle + reach).astype(int)
    left, right = (int(np.clip(x, 0, size[1])) for x in (low[0], high[0]))
    top, bottom = (int(np.clip(y, 0, size[0])) for y in (low[1], high[1]))
    return (left, top, right, bottom) if right > left and bottom > top else None


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
    middle = np.array([top + bottom, left + right]) / 2
    corner = np.round(middle - side / 2).astype(int).clip(0, np.array(size) - side)
    return int(corner[0]), int(corner[1])
