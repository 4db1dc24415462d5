"""Runs a trained student over poses as the stage does: in order, feeding its state back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from live.body import BodyStats
from live.frames import Image, Layer, Pose
from live.generator import compose, soft_edged
from live.head import head_square
from live.normalize import Normalizer
from live.skeleton import Drawer
from live.smooth import Smoother
from live.window import into_window
from training.dataset import Dataset
from training.face_net import FaceStudent
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
    face: FaceStudent | None = None,
) -> Iterator[Image]:
    """The pictures for `poses` (stage pixels) at `times_s`, in order of time, over `data`'s plate.

    RGB uint8 (H, W, 3), at the stage's size, made by the stage's own window and composite; with
    `face`, of the same run, heads are corrected as on stage.
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
        if face is not None:
            corner = head_square(placed, scores, data.size, face.shape.side)
            correct_head(layer.rgba, drawn, corner, face)
        yield compose(data.plate, [soft_edged(layer)])


@torch.no_grad()
def correct_head(
    rgba: Image, label: Image, corner: tuple[int, int] | None, face: FaceStudent
) -> None:
    """As `live.face.Face`, by torch: rgba (h, w, 4), in place; label (h, w, 3); uint8 both."""
    if corner is None:
        return
    (top, left), side = corner, face.shape.side
    square = (slice(top, top + side), slice(left, left + side))
    found = face(to_tensor(label[square][None]) * 2 - 1, to_tensor(rgba[square][None]))
    rgba[square] = (found[0] * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()


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
