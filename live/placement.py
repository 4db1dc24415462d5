"""Where the operator puts the figure by hand: its pose before the generator, or its layer after.

Lengths are stage heights, x to the right and y down. Both scale about the point where the figure
stands, so that feet stay on the floor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np

from live.frames import Image, Layer, Pose, Region
from live.measure import MEASURES, ROOT_X, SEEN, TOE, measure

_WHOLE = 1e-3  # pixels: nearer than this to a whole one is one


@dataclass(frozen=True, slots=True)
class Placement:
    """So much larger, and so far aside and down."""

    scale: float = 1.0
    x: float = 0.0
    y: float = 0.0

    @property
    def nothing(self) -> bool:
        """Whether all stays where it is."""
        return self == _STAYS


_STAYS = Placement()


def place_pose(pose: Pose, placement: Placement) -> Pose:
    """The pose scaled about its own foot point, then moved; itself where nothing is asked."""
    if placement.nothing:
        return pose
    foot = np.array(_foot_point(pose), np.float32)
    away = np.array([placement.x, placement.y], np.float32) * pose.size[0]
    moved = foot + away + (pose.points - foot) * np.float32(placement.scale)
    # A joint that is nowhere has a place without meaning: 0 says so.
    points = np.where(pose.scores[:, None] > 0, moved, 0).astype(np.float32)
    return replace(pose, points=points)


def place_layer(
    layer: Layer, placement: Placement, foot: tuple[float, float], stage: tuple[int, int]
) -> Layer:
    """The layer's region scaled about `foot` (x, y, pixels), then moved; what it shows stays.

    `stage`: (height, width) in pixels. What falls outside of it may be cut off.
    """
    if placement.nothing:
        return layer
    region, scale = layer.region, placement.scale
    left = foot[0] + (region.x - foot[0]) * scale + placement.x * stage[0]
    top = foot[1] + (region.y - foot[1]) * scale + placement.y * stage[0]
    placed = _on_whole_pixels(layer.rgba, left, top, region.width * scale, region.height * scale)
    # Far larger than the stage: what nobody sees would cost a frame's time to enlarge.
    large = placed.region.width * placed.region.height > 2 * stage[0] * stage[1]
    return _cut(placed, stage) if large else placed


def _on_whole_pixels(rgba: Image, left: float, top: float, width: float, height: float) -> Layer:
    """A layer that shows `rgba` in this very rectangle of the stage, pixels.

    Regions are whole pixels. What is left of them goes into the picture, or a figure that glides
    slowly would go by steps.
    """
    x, y = math.floor(left + _WHOLE), math.floor(top + _WHOLE)
    right, lower = math.ceil(left + width - _WHOLE), math.ceil(top + height - _WHOLE)
    region = Region(x, y, max(right - x, 1), max(lower - y, 1))
    if max(left - x, top - y, region.width - width, region.height - height) < 2 * _WHOLE:
        return Layer(rgba, region)
    tall, wide = rgba.shape[:2]
    grow_x, grow_y = region.width / width, region.height / height
    away_x, away_y = (x - left) * wide / width, (y - top) * tall / height
    # From the middle of a pixel to the middle of a pixel.
    back = np.array(
        [[grow_x, 0, away_x + (grow_x - 1) / 2], [0, grow_y, away_y + (grow_y - 1) / 2]]
    )
    how = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return Layer(np.asarray(cv2.warpAffine(rgba, back, (wide, tall), flags=how), np.uint8), region)


def _cut(layer: Layer, stage: tuple[int, int]) -> Layer:
    """Only what lies on the stage, and a pixel or two around."""
    region = layer.region
    rows = _visible(region.y, region.height, layer.rgba.shape[0], stage[0])
    columns = _visible(region.x, region.width, layer.rgba.shape[1], stage[1])
    part = layer.rgba[rows, columns]
    if not part.size:
        return replace(layer, region=Region(-1, -1, 1, 1))  # outside
    tall, wide = region.height / layer.rgba.shape[0], region.width / layer.rgba.shape[1]
    left, top = region.x + columns.start * wide, region.y + rows.start * tall
    shown = Region(
        round(left), round(top), round(part.shape[1] * wide), round(part.shape[0] * tall)
    )
    return Layer(np.ascontiguousarray(part), shown)


def _visible(start: int, length: int, pixels: int, stage: int) -> slice:
    """Which of a layer's rows or columns are on a stage of so many, when shown from `start` on."""
    first = math.floor(-start * pixels / length) - 2
    last = math.ceil((stage - start) * pixels / length) + 2
    return slice(min(max(first, 0), pixels), min(max(last, 0), pixels))


def fade_layer(layer: Layer, opacity: float) -> Layer:
    """The layer, let through by `opacity` (0 to 1)."""
    if opacity >= 1:
        return layer
    # Premultiplied: colour and alpha fall together.
    return replace(layer, rgba=np.asarray(cv2.convertScaleAbs(layer.rgba, alpha=opacity), np.uint8))


def _foot_point(pose: Pose) -> tuple[float, float]:
    """Between the hips, at the lower ankle's height; of what is in sight. Pixels."""
    height, width = pose.size
    measures = np.empty(MEASURES)
    measure(pose.points, pose.scores, height, width, measures)
    seen = pose.points[(pose.scores >= SEEN) & np.isfinite(pose.points).all(axis=1)]
    if not len(seen):
        return width / 2, float(height)
    toe, root = float(measures[TOE]), float(measures[ROOT_X])
    x = width / 2 + root * height if np.isfinite(root) else float(seen[:, 0].mean())
    return x, toe * height if np.isfinite(toe) else float(seen[:, 1].max())
