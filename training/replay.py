"""Runs a trained student over poses as the stage does: in order, feeding its state back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from live.body import BodyStats
from live.frames import Image, Pose
from live.normalize import Normalizer
from live.skeleton import Drawer
from live.smooth import Smoother
from training.dataset import Dataset
from training.nets import compose
from training.run import Trained
from training.samples import to_image, to_tensor

Poses = tuple[NDArray[np.float32], NDArray[np.float32]]
"""points (N, J, 2) in label pixels and scores (N, J)."""


@torch.no_grad()
def replay(trained: Trained, poses: Poses, plate: Image) -> list[Image]:
    """The pictures for `poses` in order of time, RGB uint8 (h, w, 3), over `plate` (same size)."""
    size = (plate.shape[0], plate.shape[1])
    drawer = Drawer(size, trained.record.style)
    behind = to_tensor(plate[None])
    state = torch.zeros(1, 4, *size)
    pictures = []
    for points, scores in zip(*poses, strict=True):
        label = to_tensor(drawer.draw(points, scores)[None]) * 2 - 1
        state = trained.net(label, state)
        pictures.append(to_image(compose(state, behind)))
    return pictures


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
            given = Pose(performer.points[frame], performer.scores[frame], time_s, performer.size)
            found = normalizer.apply(given)
            points[row], scores[row] = found.points, found.scores
    return points, scores
