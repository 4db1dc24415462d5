"""The pose in every picture, found again by another backend than the one that drove it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from live.frames import Frame, Image
from live.pose.base import PoseEstimator
from training.dataset import shows_person
from training.estimators import POSE_ESTIMATORS
from training.pose_distance import pose_error
from training.replay import Poses

FPS = 30.0  # trackers want times


@dataclass(frozen=True, slots=True, eq=False)
class PoseErrors:
    """Of a run of pictures, against the pose found in the truths."""

    frames: NDArray[np.float64]  # (N,), % of the body's height; NaN where either has no pose
    missed: NDArray[np.bool_]  # (N,), somebody in the truth and nobody in the picture
    asked: NDArray[np.bool_]  # (N,), somebody in the truth

    @property
    def mean(self) -> float | None:
        """Over the frames in which both show somebody; None where there is none."""
        known = self.frames[np.isfinite(self.frames)]
        return float(known.mean()) if len(known) else None

    @property
    def missed_share(self) -> float | None:
        """Of the frames whose truth shows somebody; None where none does."""
        return float(self.missed.sum() / self.asked.sum()) if self.asked.any() else None


def other_backend(driving: str) -> str:
    """Who looks again at pictures that `driving`'s poses made."""
    return next(name for name in ("mediapipe", "blazepose") if name != driving)


def find_errors(
    backend: str, truths: Sequence[Image], runs: Mapping[str, Sequence[Image]]
) -> dict[str, PoseErrors]:
    """By the runs' names; pictures RGB uint8 of one size. Raises SetupError, WeightsError."""
    clock = itertools.count()
    estimator = POSE_ESTIMATORS[backend]()
    try:
        real = _find(estimator, truths, clock)
        found = {
            name: _find(estimator, pictures, clock)
            for name, pictures in tqdm(runs.items(), desc="poses", leave=False)
        }
    finally:
        estimator.close()
    return {name: compare(poses, real) for name, poses in found.items()}


def _find(
    estimator: PoseEstimator, pictures: Sequence[Image], clock: itertools.count[int]
) -> list[Poses | None]:
    estimator.reset()
    found: list[Poses | None] = []
    for picture, number in zip(pictures, clock, strict=False):
        bgr = np.ascontiguousarray(picture[:, :, ::-1])
        pose = estimator.estimate(Frame(bgr, number / FPS, number))
        found.append(None if pose is None else (pose.points, pose.scores))
    return found


def compare(found: Sequence[Poses | None], real: Sequence[Poses | None]) -> PoseErrors:
    """Frame by frame."""
    count = len(real)
    errors, missed, asked = np.full(count, np.nan), np.zeros(count, bool), np.zeros(count, bool)
    for number, (pose, truth) in enumerate(zip(found, real, strict=True)):
        if truth is None or not shows_person(truth[1][None])[0]:
            continue
        asked[number] = True
        missed[number] = pose is None
        error = None if pose is None else pose_error(*pose, *truth)
        if error is not None:
            errors[number] = error
    return PoseErrors(errors, missed, asked)
