"""The sheet: a trained student against baselines, on pictures it never saw.

    python -m training.evaluate RUN [--pair PERFORMER_DATA TARGET_DATA]... [--frames N]

Writes sheet.md, sheet.json and strip.png into RUN; prints the table, then the JSON in one line.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from live.errors import EXIT_BAD_INPUT, SetupError, UnderstudyError
from live.frames import Frame, Image
from live.pose.base import PoseEstimator
from training.dataset import Dataset, shows_person
from training.masks import Box, person_box
from training.metrics import Score, Scorer
from training.pose_distance import as_vectors, nearest
from training.prepare import POSE_ESTIMATORS
from training.replay import Poses, replay, retargeted, smoothed
from training.run import Trained, load_trained
from training.sheet import Row, Sheet
from training.strip import Strip

Scores = dict[tuple[str, str], Score]
"""By name and region."""


@dataclass(frozen=True, slots=True)
class EvaluateOptions:
    """What the command line may set."""

    run: Path
    pairs: tuple[tuple[Path, Path], ...] = ()  # (performer's dataset, target's dataset)
    frames: int = 300  # of the tail and of every pair, from its beginning
    pose: bool = True  # find the pose in every picture again
    data: Path | None = None  # where the dataset is now, if it was moved

    def __post_init__(self) -> None:
        if self.frames < 2:
            raise SetupError(f"--frames is {self.frames}; at least 2 are needed")


@dataclass(frozen=True, slots=True, eq=False)
class _Contest:
    """Truths, and the pictures of everybody who tries to match them."""

    truths: list[Image]
    poses: Poses  # found in the truths
    pictures: dict[str, list[Image]]  # the student's first

    def strip(self) -> Strip:
        return Strip(self.truths, next(iter(self.pictures.values())), *self.poses)


def evaluate(options: EvaluateOptions) -> Sheet:
    """Measure; writes sheet and strip into the run's folder. Raises SetupError."""
    trained = load_trained(options.run)
    data = Dataset(options.data or trained.record.data)
    pairs = [(Dataset(performer), Dataset(target)) for performer, target in options.pairs]
    tail = data.held_out[: options.frames]
    contests = [_tail_contest(trained, data, tail)]
    contests += [_pair_contest(trained, data, *pair, options.frames) for pair in pairs]
    for number, contest in enumerate(contests):
        name = "strip.png" if not number else f"paired-{number}.png"
        contest.strip().write(options.run / name)
    scores = [_scores(contest, data) for contest in contests]
    # The pose estimator comes last: its threads and torch's get in each other's way.
    found = _find_poses(contests) if options.pose else [{} for _ in contests]
    rows = [_rows(*parts) for parts in zip(contests, scores, found, strict=True)]
    sheet = Sheet(
        _facts(trained, data, len(tail)), rows[0], [row for more in rows[1:] for row in more]
    )
    sheet.write(options.run)
    return sheet


def _tail_contest(trained: Trained, data: Dataset, frames: NDArray[np.int64]) -> _Contest:
    """On the held-out tail: the student on poses as found and as the stage smooths them."""
    truths = [data.frame(int(number)) for number in frames]
    poses = (data.points[frames], data.scores[frames])
    plate = data.small_plate()
    steady = smoothed(poses, [float(t) for t in data.times_s[frames]], data.size)
    before = [data.frame(max(int(number) - 1, 0)) for number in frames]
    pictures = {
        "student": replay(trained, poses, plate),
        "student, smoothed as live": replay(trained, steady, plate),
        "nearest neighbour": _nearest(data, poses),
        "previous frame": before,
        "plate": [plate] * len(truths),
    }
    return _Contest(truths, poses, pictures)


def _pair_contest(
    trained: Trained, data: Dataset, performer: Dataset, target: Dataset, count: int
) -> _Contest:
    """On paired truth: the performer drives, the target really does the same."""
    count = min(len(performer), len(target), count)
    if target.size != data.size:
        raise SetupError(
            f"{target.folder} has size {target.size}, the student {data.size}; prepare it with "
            f"--size {data.size[0]} from footage of the same shape"
        )
    frames = np.arange(count)
    truths = [target.frame(number) for number in range(count)]
    own = (target.points[frames], target.scores[frames])
    driven = retargeted(performer, frames, data.body, data.size)
    # Statistics of two different dances place the figure differently; with those of the pair's own
    # dance the pixels can be compared.
    placed = retargeted(performer, frames, target.body, data.size)
    plate = data.small_plate()
    pictures = {
        "performed, placed as the truth": replay(trained, placed, plate),
        "performed, placed as live": replay(trained, driven, plate),
        "target's own poses": replay(trained, own, plate),
        "nearest neighbour, placed as the truth": _nearest(data, placed),
        "plate": [plate] * count,
    }
    return _Contest(truths, own, pictures)


def _nearest(data: Dataset, poses: Poses) -> list[Image]:
    """For every pose the training frame whose pose is closest."""
    known = as_vectors(data.points[data.train], data.scores[data.train], data.size)
    found = nearest(as_vectors(*poses, data.size), known)
    return [data.frame(int(data.train[number])) for number in found]


def _scores(contest: _Contest, data: Dataset) -> Scores:
    """Everybody's figures in every region."""
    scorer = Scorer(contest.truths)
    whole = Box(0, 0, data.size[1], data.size[0])
    person = [person_box(p, s, data.size) for p, s in zip(*contest.poses, strict=True)]
    regions: dict[str, Sequence[Box | None]] = {
        "picture": [whole] * len(contest.truths),
        "person": person,
    }
    return {
        (name, region): scorer.score(pictures, boxes)
        for name, pictures in tqdm(contest.pictures.items(), desc="measuring", leave=False)
        for region, boxes in regions.items()
    }


def _rows(contest: _Contest, scores: Scores, found: dict[str, list[Poses | None]]) -> list[Row]:
    rows = []
    for (name, region), score in scores.items():
        pose_error, missed = _pose_error(found[name], contest.poses) if found else (None, None)
        rows.append(
            Row(
                name, region, score.ssim, score.psnr_db, score.perceptual,
                pose_error, missed, score.flicker, score.warp_error,
            )
        )  # fmt: skip
    return rows


def _find_poses(contests: list[_Contest]) -> list[dict[str, list[Poses | None]]]:
    """The pose in every picture of every contest, found anew."""
    estimator = POSE_ESTIMATORS["mediapipe"]()
    clock = itertools.count()
    found: list[dict[str, list[Poses | None]]] = []
    try:
        for contest in contests:
            runs: dict[str, list[Poses | None]] = {}
            for name, pictures in tqdm(contest.pictures.items(), desc="poses", leave=False):
                estimator.reset()
                runs[name] = [_find(estimator, picture, next(clock)) for picture in pictures]
            found.append(runs)
    finally:
        estimator.close()
    return found


def _pose_error(found: list[Poses | None], truth: Poses) -> tuple[float | None, float]:
    """Mean distance of the joints found again, % of the body's height; and the share missed."""
    shown = shows_person(truth[1])
    asked = [
        (pose, points, scores)
        for pose, points, scores, there in zip(found, *truth, shown, strict=True)
        if there
    ]
    errors = [_distance(pose, points, scores) for pose, points, scores in asked if pose is not None]
    known = [error for error in errors if error is not None]
    missed = sum(pose is None for pose, _, _ in asked) / max(len(asked), 1)
    return (float(np.mean(known)) if known else None), missed


def _distance(
    pose: Poses, points: NDArray[np.float32], scores: NDArray[np.float32]
) -> float | None:
    """Between the joints that both see well; None where there is none."""
    both = (scores[:25] > 0.5) & (pose[1][:25] > 0.5)
    if not both.any():
        return None
    gaps = np.hypot(*(pose[0][:25] - points[:25])[both].T)
    height = float(np.ptp(points[:25][scores[:25] > 0.3], axis=0).max())
    return 100 * float(gaps.mean()) / max(height, 1.0)


def _find(estimator: PoseEstimator, picture: Image, number: int) -> Poses | None:
    bgr = np.ascontiguousarray(picture[:, :, ::-1])
    pose = estimator.estimate(Frame(bgr, number / 30, number))
    return None if pose is None else (pose.points, pose.scores)


def _facts(trained: Trained, data: Dataset, tail: int) -> dict[str, Any]:
    return {
        **trained.facts,
        "size": list(data.size),
        "training_frames": len(data.train),
        "held_out_frames_measured": tail,
        "recursive": "every picture but the first has the one before it as state",
    }


def parse(arguments: list[str] | None = None) -> EvaluateOptions:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__)
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument(
        "--pair", nargs=2, type=Path, action="append", default=[],
        metavar=("PERFORMER_DATA", "TARGET_DATA"), help="two datasets of one choreography",
    )  # fmt: skip
    parser.add_argument("--frames", type=int, default=300, help="measured, at most")
    parser.add_argument("--no-pose", action="store_true", help="leave out pose error and missed")
    parser.add_argument("--data", type=Path, help="the dataset, if it was moved")
    given = parser.parse_args(arguments)
    pairs = tuple((performer, target) for performer, target in given.pair)
    return EvaluateOptions(given.run, pairs, given.frames, not given.no_pose, given.data)


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    try:
        sheet = evaluate(parse(arguments))
    except UnderstudyError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT
    print(sheet.to_markdown())
    print(json.dumps(sheet.to_json(), allow_nan=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
