"""Truths, and everybody who tries to match them: baselines and painters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from live.errors import SetupError
from live.frames import Image
from live.skeleton import Drawer, LabelStyle
from training.dataset import Dataset
from training.masks import Box, hand_squares, head_box, person_box
from training.metrics import Boxes
from training.normalizations import normalized_as_in_the_paper, unnormalized
from training.painters import Painter
from training.pose_distance import as_vectors, nearest, pose_error
from training.replay import Poses, retargeted, smoothed

NEAREST = "nearest neighbour"
PREVIOUS = "previous frame"
PLATE = "plate"
SMOOTHED = ", smoothed as live"
OWN = "target's own poses"


@dataclass(frozen=True, slots=True, eq=False)
class Contest:
    """Pictures of one height, RGB uint8 (h, w, 3), one a frame from each contestant."""

    truths: list[Image]
    poses: Poses  # found in the truths by what made the dataset: (N, J, 2) in their pixels, (N, J)
    pictures: dict[str, list[Image]]  # the painters' first
    painted: tuple[str, ...]  # which of them are painters' own rows, the first one first
    numbers: NDArray[np.int64]  # (N,), of the frames in their dataset
    style: LabelStyle
    drawn: dict[str, float | None] = field(default_factory=dict)
    """On paired truth: pose error of the labels themselves, % of the body's height."""

    @property
    def first(self) -> str:
        """Whom pictures are shown of."""
        return self.painted[0]

    def label(self, frame: int) -> Image:
        """What a painter is given, on the whole stage: RGB uint8 of the truths' size."""
        height, width = self.truths[0].shape[:2]
        drawer = Drawer((height, width), self.style)
        return drawer.draw(self.poses[0][frame], self.poses[1][frame]).copy()

    def regions(self) -> dict[str, list[Boxes]]:
        """Where it is measured, by name, frame by frame; what no frame shows is left out."""
        height, width = self.truths[0].shape[:2]
        size = (height, width)
        poses = list(zip(*self.poses, strict=True))
        found: dict[str, list[Boxes]] = {
            "picture": [(Box(0, 0, width, height),)] * len(self.truths),
            "person": [_one(person_box(*pose, size)) for pose in poses],
            "face": [_one(head_box(*pose, size)) for pose in poses],
            "hands": [hand_squares(*pose, size) for pose in poses],
        }
        return {name: boxes for name, boxes in found.items() if any(boxes)}


def _one(box: Box | None) -> Boxes:
    return () if box is None else (box,)


def painters_contest(
    painters: Mapping[str, Painter], data: Dataset, frames: NDArray[np.int64], height: int
) -> Contest:
    """The painters alone, on held-out `frames`."""
    poses = (data.points[frames], data.scores[frames])
    times_s = data.times_s[frames]
    pictures = {
        name: scaled(painter.paint(poses, times_s, data), height)
        for name, painter in painters.items()
    }
    truths = scaled(map(data.frame, frames.tolist()), height)
    style = next(iter(painters.values())).style
    return Contest(truths, shrunk(poses, data, height), pictures, tuple(painters), frames, style)


def tail_contest(
    painters: Mapping[str, Painter], data: Dataset, frames: NDArray[np.int64], height: int
) -> Contest:
    """`painters_contest` with baselines; the first painter also on poses as the stage smooths."""
    alone = painters_contest(painters, data, frames, height)
    poses, times_s = (data.points[frames], data.scores[frames]), data.times_s[frames]
    first, hero = next(iter(painters.items()))
    steady = smoothed(poses, times_s.tolist(), data.stage)
    others = {
        first + SMOOTHED: scaled(hero.paint(steady, times_s, data), height),
        **baselines(data, frames, poses, height),
    }
    return replace(alone, pictures=alone.pictures | others)


def baselines(
    data: Dataset, frames: NDArray[np.int64], poses: Poses, height: int
) -> dict[str, list[Image]]:
    """What anybody could do without learning."""
    before = np.maximum(frames - 1, 0)
    return {
        NEAREST: nearest_frames(data, poses, height),
        PREVIOUS: scaled(map(data.frame, before.tolist()), height),
        PLATE: scaled([data.plate], height) * len(frames),
    }


def pair_contest(
    painter: Painter, data: Dataset, pair: tuple[Dataset, Dataset], most: int, height: int
) -> Contest:
    """On paired truth: the performer drives, the target really does the same."""
    performer, target = pair
    if target.stage != data.stage:
        raise SetupError(
            f"{target.folder} has pictures of {target.stage}, the painter's data {data.stage}; "
            f"prepare it with --stage {data.stage[0]} from footage of the same shape"
        )
    frames = np.arange(min(len(performer), len(target), most))
    if len(frames) < 2:
        raise SetupError(
            f"{performer.folder} and {target.folder} share {len(frames)} frame, and 2 are needed"
        )
    own = (target.points[frames], target.scores[frames])
    driven = normalized(performer, target, frames, data)
    times_s = target.times_s[frames]
    painted = {
        name: scaled(painter.paint(poses, times_s, data), height)
        for name, poses in {**driven, OWN: own}.items()
    }
    placed = driven["ours, placed as the truth"]
    pictures = {
        **painted,
        f"{NEAREST}, placed as the truth": nearest_frames(data, placed, height),
        PLATE: scaled([data.plate], height) * len(frames),
    }
    return Contest(
        scaled(map(target.frame, frames.tolist()), height),
        shrunk(own, data, height),
        pictures,
        tuple(painted),
        frames,
        painter.style,
        {name: _mean_error(poses, own) for name, poses in driven.items()},
    )


def normalized(
    performer: Dataset, target: Dataset, frames: NDArray[np.int64], data: Dataset
) -> dict[str, Poses]:
    """The performer's poses on the target's stage, by every way there is, ours first.

    With the statistics of the footage that the painter was trained on, as it must be on stage; and
    with those of this very dance ("placed as the truth"), which the truth shares, so that pixels
    can be compared.
    """
    size = data.stage
    ours = retargeted(performer, frames, data.body, size)
    placed = retargeted(performer, frames, target.body, size)
    return {
        "ours, placed as live": ours,
        "the paper's, placed as live": normalized_as_in_the_paper(
            performer, frames, data.body, size
        ),
        "normalization off": unnormalized(performer, frames, size),
        "ours, placed as the truth": placed,
        "the paper's, placed as the truth": normalized_as_in_the_paper(
            performer, frames, target.body, size
        ),
    }


def _mean_error(poses: Poses, truth: Poses) -> float | None:
    """Over the frames, % of the body's height."""
    errors = [pose_error(*parts) for parts in zip(*poses, *truth, strict=True)]
    known = [error for error in errors if error is not None]
    return float(np.mean(known)) if known else None


def nearest_frames(data: Dataset, poses: Poses, height: int) -> list[Image]:
    """For every pose the training frame whose pose is closest."""
    known = as_vectors(data.points[data.train], data.scores[data.train], data.stage)
    found = nearest(as_vectors(*poses, data.stage), known)
    return scaled(map(data.frame, data.train[found].tolist()), height)


def scaled(pictures: Iterable[Image], height: int) -> list[Image]:
    """Pictures of the stage at the height at which they are compared."""
    return [_scaled_to(picture, height) for picture in pictures]


def _scaled_to(picture: Image, height: int) -> Image:
    width = round(picture.shape[1] * height / picture.shape[0])
    if height == picture.shape[0]:
        return picture
    how = cv2.INTER_AREA if height < picture.shape[0] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (width, height), interpolation=how), np.uint8)


def shrunk(poses: Poses, data: Dataset, height: int) -> Poses:
    return poses[0] * np.float32(height / data.stage[0]), poses[1]
