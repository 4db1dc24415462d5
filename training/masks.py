"""Where a training frame shows the person, and how much each place counts.

Real footage has no true alpha. What differs clearly from the plate near the skeleton is the
person; what equals the plate far from it is not; between the two nothing is claimed.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from live.frames import Image
from live.hand import SIDES, seen_of_hand
from live.head import head_span
from live.parts import HANDS
from training.plate import body_mask

DIFFERENT = 36  # of 255, in any channel: surely not the plate
EQUAL = 10  # surely the plate, give or take a codec's noise
BACKGROUND_WEIGHT = 0.1
HEAD_WEIGHT = 3.0
HAND_WEIGHT = 2.0


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels; `right` and `bottom` are outside."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, slots=True, eq=False)
class Masks:
    """Guidance for the losses; float32 (h, w)."""

    weight: NDArray[np.float32]  # how much an error here counts
    solid: NDArray[np.float32]  # 1 where alpha must be 1
    clear: NDArray[np.float32]  # 1 where alpha must be 0


def make_masks(
    frame: Image,
    plate: Image,
    unseen: NDArray[np.float32],
    points: NDArray[np.float32],
    scores: NDArray[np.float32],
) -> Masks:
    """Masks of one frame.

    frame, plate: RGB uint8 (h, w, 3); unseen: (h, w) in [0, 1], 1 where the plate is a guess;
    points: (J, 2) pixels; scores: (J,).
    """
    gap = cv2.absdiff(frame, plate).max(axis=2)
    size = (frame.shape[0], frame.shape[1])
    near = body_mask(points, scores, size, margin=0.07) > 0
    solid = near & (gap > DIFFERENT)
    person = np.asarray(cv2.dilate(solid.astype(np.float32), np.ones((5, 5), np.uint8)))
    # A shadow counts like the person: it is part of the layer.
    changed = np.clip((gap.astype(np.float32) - EQUAL) / (DIFFERENT - EQUAL), 0, 1)
    weight = np.maximum(np.maximum(person, 0.5 * changed), BACKGROUND_WEIGHT)
    for box, gain in _important(points, scores, size):
        weight[box.top : box.bottom, box.left : box.right] *= gain
    guessed = unseen > 0.5
    clear = ~near & (gap < EQUAL) & ~guessed
    return Masks(
        weight.astype(np.float32),
        (solid | guessed).astype(np.float32),
        clear.astype(np.float32),
    )


def _important(
    points: NDArray[np.float32], scores: NDArray[np.float32], size: tuple[int, int]
) -> list[tuple[Box, float]]:
    head = head_box(points, scores, size)
    boxes = [(head, HEAD_WEIGHT)] if head else []
    return boxes + [(box, HAND_WEIGHT) for box in hand_boxes(points, scores, size)]


def head_box(
    points: NDArray[np.float32], scores: NDArray[np.float32], size: tuple[int, int]
) -> Box | None:
    """A square around the head, cut at the picture's edges, or None where it is not seen."""
    span = head_span(points, scores, size)
    return Box(*span) if span else None


def hand_boxes(
    points: NDArray[np.float32], scores: NDArray[np.float32], size: tuple[int, int]
) -> list[Box]:
    """Squares around the hands that are seen, left before right."""
    boxes = []
    for side in SIDES:
        seen = seen_of_hand(scores, side)
        if seen:
            middle = points[seen].mean(0)
            box = _clipped(middle, max(0.035 * _height(points, scores), 4.0), size)
            boxes += [box] if box else []
    return boxes


def hand_squares(
    points: NDArray[np.float32], scores: NDArray[np.float32], size: tuple[int, int]
) -> tuple[Box, ...]:
    """As `live.parts.HANDS` has them in a picture of `size`, left before right; whole, inside."""
    side = HANDS.side(size[0])
    corners = HANDS.corners(points, scores, size, side)
    return tuple(Box(left, top, left + side, top + side) for top, left in corners)


def person_box(
    points: NDArray[np.float32], scores: NDArray[np.float32], size: tuple[int, int]
) -> Box | None:
    """The box of every seen joint and a margin around it, or None where nobody is seen."""
    seen = scores > 0.3
    if not seen.any():
        return None
    margin = 0.1 * _height(points, scores)
    low = np.floor(points[seen].min(0) - margin).astype(int)
    high = np.ceil(points[seen].max(0) + margin).astype(int)
    return _inside(low[0], low[1], high[0], high[1], size)


def _height(points: NDArray[np.float32], scores: NDArray[np.float32]) -> float:
    seen = points[scores > 0.3]
    return float(np.ptp(seen, axis=0).max()) if len(seen) else 0.0


def _clipped(middle: NDArray[np.float32], reach: float, size: tuple[int, int]) -> Box | None:
    low, high = np.floor(middle - reach).astype(int), np.ceil(middle + reach).astype(int)
    return _inside(low[0], low[1], high[0], high[1], size)


def _inside(left: int, top: int, right: int, bottom: int, size: tuple[int, int]) -> Box | None:
    box = Box(
        int(np.clip(left, 0, size[1])),
        int(np.clip(top, 0, size[0])),
        int(np.clip(right, 0, size[1])),
        int(np.clip(bottom, 0, size[0])),
    )
    return box if box.right > box.left and box.bottom > box.top else None
