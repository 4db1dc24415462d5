"""The background plate: the median of the footage with everybody masked out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from live.frames import Image
from live.skeleton import LIMBS

MAX_FRAMES = 160  # at 512x512 RGB, 126 MB
MARGIN = 0.10  # of the body's height: hair, clothes and hands reach beyond the joints
MIN_VIEWS = 3  # a place free of people in fewer frames than this counts as never seen
EDGE_PX, RARE = 9, 0.15  # ... and so does one this near to such a place, seen in fewer than this
BAND_ROWS = 32
KNOWN_MARGIN = 0.025  # of the body's height, around joints whose body has a mask of its own
KNOWN_GROWTH = 0.035  # ... and around that mask: hair and hems are where it is weakest
COVERED = 0.6  # of the seen joints that a mask must cover to be this body's
MAX_GROWTH = 2.5  # times the mask's area that attached patches may make of it


@dataclass(frozen=True, slots=True, eq=False)
class Plate:
    """The stage without the person."""

    image: Image  # RGB uint8 (H, W, 3); filled in from its surroundings where never seen
    unseen: NDArray[np.bool_]  # (H, W), True where no frame showed the background


def body_mask(
    points: NDArray[np.float32],
    scores: NDArray[np.float32],
    size: tuple[int, int],
    margin: float = MARGIN,
) -> NDArray[np.uint8]:
    """Where the person may be: 255 on limbs and torso, grown by `margin` of the body's height.

    points: (J, 2) pixels of `size`; scores: (J,). Returns uint8 (h, w).
    """
    mask = np.zeros(size, np.uint8)
    seen = (scores > 0.05) & np.isfinite(points).all(1)
    if not seen.any():
        return mask
    whole = np.round(points).clip(-32000, 32000).astype(np.int32)
    spread = points[seen].max(0) - points[seen].min(0)
    grow = max(round(float(margin * max(spread))), 2)
    for limb in LIMBS:
        if seen[limb.start] and seen[limb.end]:
            cv2.line(mask, _xy(whole[limb.start]), _xy(whole[limb.end]), 255, 2 * grow)
    torso = [j for j in (2, 5, 12, 9) if seen[j]]  # shoulders, then hips the other way round
    if len(torso) >= 3:
        cv2.fillPoly(mask, [whole[torso]], 255)
    for joint in np.flatnonzero(seen):
        # The skull's crown lies farther from any joint than anything else.
        radius = round(1.2 * grow) if joint in (0, 15, 16, 17, 18) else grow
        cv2.circle(mask, _xy(whole[joint]), radius, 255, -1)
    return mask


def people_mask(
    points: NDArray[np.float32],
    scores: NDArray[np.float32],
    size: tuple[int, int],
    found: NDArray[np.uint8] | None,
) -> NDArray[np.uint8]:
    """Where anybody may be: `body_mask`, or a closer one where the bodies' own masks are known.

    found: (h, w) uint8, 255 on every body that was seen in the frame; None where nobody looked. A
    close mask leaves more of the background to be seen behind someone who hardly leaves the spot.
    """
    if found is None:
        return body_mask(points, scores, size)
    seen = (scores[:25] > 0.3) & np.isfinite(points[:25]).all(1)
    height = float(np.ptp(points[:25][seen], axis=0).max()) if seen.any() else size[0] / 3
    reach = 2 * max(round(KNOWN_GROWTH * height), 2) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    grown = np.asarray(cv2.dilate(found, kernel), np.uint8)
    if not seen.any():
        return grown
    at = np.round(points[:25][seen]).astype(int).clip(0, np.array(size[::-1]) - 1)
    covered = float((grown[at[:, 1], at[:, 0]] > 0).mean())
    margin = KNOWN_MARGIN if covered >= COVERED else MARGIN
    return grown | body_mask(points, scores, size, margin)


def _xy(point: NDArray[np.int32]) -> tuple[int, int]:
    return int(point[0]), int(point[1])


def median_plate(frames: Sequence[Image], masks: Sequence[NDArray[np.uint8]]) -> Plate:
    """The per-pixel median of `frames` (RGB uint8, one size) where `masks` are 0.

    Two rounds: the second also leaves out what differs strongly from the first round's median and
    touches a mask, such as a scarf or a shadow at the person's edge.
    """
    stack = np.stack(frames)
    hidden = np.stack(masks) > 0
    image, views = _masked_median(stack, hidden)
    for index in range(len(stack)):
        hidden[index] = _with_attached(stack[index], image, hidden[index])
    image, views = _masked_median(stack, hidden)
    unseen = views < min(MIN_VIEWS, len(stack))
    # Beside a place that was never free, the few views there are show the person's own edge.
    edge = cv2.dilate(unseen.astype(np.uint8), np.ones((EDGE_PX, EDGE_PX), np.uint8)) > 0
    unseen |= edge & (views < RARE * len(stack))
    if unseen.any():
        image = np.asarray(
            cv2.inpaint(image, unseen.astype(np.uint8), 5, cv2.INPAINT_TELEA), np.uint8
        )
    return Plate(image, unseen)


def _masked_median(stack: Image, hidden: NDArray[np.bool_]) -> tuple[Image, NDArray[np.int64]]:
    """Median over frames (N, H, W, 3) without the hidden (N, H, W), and the number of views."""
    image = np.zeros(stack.shape[1:], np.uint8)
    views = (~hidden).sum(0)
    for top in range(0, stack.shape[1], BAND_ROWS):
        rows = slice(top, top + BAND_ROWS)
        # Hidden values sort to the end (256), so the median is at half of what was seen.
        values = np.where(hidden[:, rows, :, None], np.int16(256), stack[:, rows].astype(np.int16))
        values.sort(axis=0)
        middle = (np.maximum(views[rows], 1) - 1) // 2
        picked = np.take_along_axis(values, middle[None, :, :, None], 0)[0]
        image[rows] = np.where(picked > 255, 0, picked).astype(np.uint8)
    return image, views


def _with_attached(frame: Image, plate: Image, hidden: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """`hidden` plus the patches that differ from the plate and touch it."""
    differs = (cv2.absdiff(frame, plate).max(axis=2) > 40).astype(np.uint8)
    together = np.asarray(differs | hidden.astype(np.uint8))
    count, parts = cv2.connectedComponents(together)
    touched = np.zeros(count, bool)
    touched[np.unique(parts[hidden])] = True
    touched[0] = False
    grown = np.asarray(touched[parts] | hidden)
    # Where the light or the camera changed, everything differs: that is no scarf.
    return grown if grown.sum() <= MAX_GROWTH * hidden.sum() else hidden
