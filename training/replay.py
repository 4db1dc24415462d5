"""Runs a trained student over poses as the stage does: in order, feeding its state back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from live.body import BodyStats
from live.frames import Image, Layer, Pose
from live.generator import compose, soft_edged
from live.normalize import Normalizer
from live.parts import Corner
from live.skeleton import Drawer
from live.smooth import Smoother
from live.window import into_window
from training.dataset import Dataset
from training.face_run import PartNet
from training.run import Trained
from training.samples import to_tensor

Poses = tuple[NDArray[np.float32], NDArray[np.float32]]
"""points (N, J, 2) in stage pixels and scores (N, J)."""


@torch.no_grad()
def replay(
    trained: Trained,
    poses: Poses,
    times_s: NDArray[np.float64],
    data: Dataset,
    parts: Sequence[PartNet] = (),
) -> Iterator[Image]:
    """The pictures for `poses` (stage pixels) at `times_s`, in order of time, over `data`'s plate.

    RGB uint8 (H, W, 3), at the stage's size, made by the stage's own window and composite; what
    `parts`, of the same run, have nets for is corrected as on stage, one part after the other.
    """
    drawer = Drawer(data.size, trained.record.style)
    window = data.new_window()
    state = torch.zeros(1, 4, *data.size)
    for points, scores, time_s in zip(*poses, times_s.tolist(), strict=True):
        region = window.follow(Pose(points, scores, time_s, data.stage), time_s)
        placed = into_window(points, region, data.size)
        drawn = drawer.draw(placed, scores)
        state = trained.net(to_tensor(drawn[None]) * 2 - 1, state)
        rgba = (state[0] * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
        layer = Layer(np.array(rgba, order="C"), region)
        for part in parts:
            squares = part.part.squares(placed, scores, data.size, part.net.shape.side)
            for corner, strength in zip(*squares, strict=True):
                correct(layer.rgba, drawn, corner, strength, part)
        yield compose(data.plate, [soft_edged(layer)])


@torch.no_grad()
def correct(rgba: Image, label: Image, corner: Corner, strength: float, part: PartNet) -> None:
    """One square as `live.retouch.Retouch` does it, by torch.

    rgba: (h, w, 4), in place; label: (h, w, 3); both uint8. strength: in (0, 1].
    """
    (top, left), side = corner, part.net.shape.side
    square = (slice(top, top + side), slice(left, left + side))
    found = part.net(to_tensor(label[square][None]) * 2 - 1, to_tensor(rgba[square][None]))
    made = (found[0] * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    if strength < 1:
        plain = np.ascontiguousarray(rgba[square])
        made = cv2.addWeighted(np.ascontiguousarray(made), strength, plain, 1 - strength, 0)
    rgba[square] = made


def smoothed(poses: Poses, times_s: Sequence[float], size: tuple[int, int]) -> Poses:
    """As the stage's filter gives them, lag and all."""
    smoother = Smoother()
    points, scores = np.zeros_like(poses[0]), np.zeros_like(poses[1])
    for number, time_s in enumerate(times_s):
        given = Pose(poses[0][number], poses[1][number], time_s, size)
        found = smoother.apply(given if (given.scores > 0).any() else None, time_s)
        if found is not None:
            points[number], scores[number] = found.points, found.scores
    return points, scores


def retargeted(
    performer: Dataset, frames: NDArray[np.int64], target: BodyStats, size: tuple[int, int]
) -> Poses:
    """The performer's poses on the target's body, as the stage maps them after a calibration."""
    normalizer = Normalizer(target, size, performer.body, refine=False)
    points = np.zeros((len(frames), *performer.points.shape[1:]), np.float32)
    scores = np.zeros(points.shape[:2], np.float32)
    for row, frame in enumerate(frames):
        if performer.seen[frame]:
            time_s = float(performer.times_s[frame])
            given = Pose(performer.points[frame], performer.scores[frame], time_s, performer.stage)
            found = normalizer.apply(given)
            points[row], scores[row] = found.points, found.scores
    return points, scores
