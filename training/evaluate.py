"""The sheet: a trained student against baselines, on pictures it never saw.

    python -m training.evaluate RUN [--pair PERFORMER_DATA TARGET_DATA]... [--frames N]

Writes sheet.md, sheet.json and strip.png into RUN; prints the table, then the JSON in one line.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
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

TRUTH = "truth"
Scores = dict[tuple[str, str], Score]
"""By name and region."""


@dataclass(frozen=True, slots=True)
class EvaluateOptions:
    """What the command line may set."""

    run: Path
    pairs: tuple[tuple[Path, Path], ...] = ()  # (performer's dataset, target's dataset)
    frames: int = 300  # of the tail and of every pair, from its beginning
    pose: bool = True  # find the pose in every picture again
    height: int = 256  # of the stage's pictures when they are compared, pixels
    data: Path | None = None  # where the dataset is now, if it was moved

    def __post_init__(self) -> None:
        if self.frames < 2:
            raise SetupError(f"--frames is {self.frames}; at least 2 are needed")
        if not 64 <= self.height <= 4096:
            raise SetupError(f"--height is {self.height}; it must be within 64 and 4096")


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
    contests = [_tail_contest(trained, data, tail, options.height)]
    contests += [_pair_contest(trained, data, pair, options) for pair in pairs]
    for number, contest in enumerate(contests):
        name = "strip.png" if not number else f"paired-{number}.png"
        contest.strip().write(options.run / name)
    scores = [_scores(contest) for contest in contests]
    # The pose estimator comes last: its threads and torch's get in each other's way.
    found = _find_poses(contests) if options.pose else [{} for _ in contests]
    rows = [_rows(*parts) for parts in zip(contests, scores, found, strict=True)]
    sheet = Sheet(
        _facts(trained, data, len(tail), options.height),
        rows[0],
        [row for more in rows[1:] for row in more],
    )
    sheet.write(options.run)
    return sheet


def _tail_contest(
    trained: Trained, data: Dataset, frames: NDArray[np.int64], height: int
) -> _Contest:
    """On the held-out tail: the student on poses as found and as the stage smooths them."""
    poses = (data.points[frames], data.scores[frames])
    times_s = data.times_s[frames]
    steady = smoothed(poses, times_s.tolist(), data.stage)
    before = np.maximum(frames - 1, 0)
    pictures = {
        "student": _measured(replay(trained, poses, times_s, data), height),
        "student, smoothed as live": _measured(replay(trained, steady, times_s, data), height),
        "nearest neighbour": _nearest(data, poses, height),
        "previous frame": _measured(map(data.frame, before.tolist()), height),
        "plate": _measured([data.plate], height) * len(frames),
    }
    truths = _measured(map(data.frame, frames.tolist()), height)
    return _Contest(truths, _scaled(poses, height / data.stage[0]), pictures)


def _pair_contest(
    trained: Trained, data: Dataset, pair: tuple[Dataset, Dataset], options: EvaluateOptions
) -> _Contest:
    """On paired truth: the performer drives, the target really does the same."""
    performer, target = pair
    if target.stage != data.stage:
        raise SetupError(
            f"{target.folder} has pictures of {target.stage}, the student's data {data.stage}; "
            f"prepare it with --stage {data.stage[0]} from footage of the same shape"
        )
    frames = np.arange(min(len(performer), len(target), options.frames))
    own = (target.points[frames], target.scores[frames])
    driven = retargeted(performer, frames, data.body, data.stage)
    # Statistics of two different dances place the figure differently; with those of the pair's own
    # dance the pixels can be compared.
    placed = retargeted(performer, frames, target.body, data.stage)
    height = options.height

    def made(poses: Poses) -> list[Image]:
        return _measured(replay(trained, poses, target.times_s[frames], data), height)

    pictures = {
        "performed, placed as the truth": made(placed),
        "performed, placed as live": made(driven),
        "target's own poses": made(own),
        "nearest neighbour, placed as the truth": _nearest(data, placed, height),
        "plate": _measured([data.plate], height) * len(frames),
    }
    truths = _measured(map(target.frame, frames.tolist()), height)
    return _Contest(truths, _scaled(own, height / data.stage[0]), pictures)


def _nearest(data: Dataset, poses: Poses, height: int) -> list[Image]:
    """For every pose the training frame whose pose is closest."""
    known = as_vectors(data.points[data.train], data.scores[data.train], data.stage)
    found = nearest(as_vectors(*poses, data.stage), known)
    return _measured(map(data.frame, data.train[found].tolist()), height)


def _measured(pictures: Iterable[Image], height: int) -> list[Image]:
    """Pictures of the stage at the height at which they are compared."""
    return [_scaled_to(picture, height) for picture in pictures]


def _scaled_to(picture: Image, height: int) -> Image:
    width = round(picture.shape[1] * height / picture.shape[0])
    if height == picture.shape[0]:
        return picture
    how = cv2.INTER_AREA if height < picture.shape[0] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (width, height), interpolation=how), np.uint8)


def _scaled(poses: Poses, factor: float) -> Poses:
    return poses[0] * np.float32(factor), poses[1]


def _scores(contest: _Contest) -> Scores:
    """Everybody's figures in every region."""
    scorer = Scorer(contest.truths)
    height, width = contest.truths[0].shape[:2]
    whole = Box(0, 0, width, height)
    person = [person_box(p, s, (height, width)) for p, s in zip(*contest.poses, strict=True)]
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
        pose_error, missed = _pose_error(found[name], found[TRUTH]) if found else (None, None)
        rows.append(
            Row(
                name, region, score.ssim, score.psnr_db, score.perceptual,
                pose_error, missed, score.flicker, score.warp_error,
            )
        )  # fmt: skip
    return rows


def _find_poses(contests: list[_Contest]) -> list[dict[str, list[Poses | None]]]:
    """The pose in every truth and picture, found by another backend than drives the student."""
    estimator = POSE_ESTIMATORS["mediapipe"]()
    clock = itertools.count()
    found: list[dict[str, list[Poses | None]]] = []
    try:
        for contest in contests:
            runs: dict[str, list[Poses | None]] = {}
            asked = {TRUTH: contest.truths, **contest.pictures}
            for name, pictures in tqdm(asked.items(), desc="poses", leave=False):
                estimator.reset()
                runs[name] = [_find(estimator, picture, next(clock)) for picture in pictures]
            found.append(runs)
    finally:
        estimator.close()
    return found


def _pose_error(found: list[Poses | None], truth: list[Poses | None]) -> tuple[float | None, float]:
    """Mean distance of the joints found in both, % of the body's height; and the share missed."""
    asked = [
        (pose, real)
        for pose, real in zip(found, truth, strict=True)
        if real is not None and shows_person(real[1][None])[0]
    ]
    errors = [_distance(pose, *real) for pose, real in asked if pose is not None]
    known = [error for error in errors if error is not None]
    missed = sum(pose is None for pose, _ in asked) / max(len(asked), 1)
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


def _facts(trained: Trained, data: Dataset, tail: int, height: int) -> dict[str, Any]:
    return {
        **trained.facts,
        "size": list(data.size),
        "measured_at_height": height,
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
    parser.add_argument("--height", type=int, default=256, help="at which pictures are compared")
    parser.add_argument("--no-pose", action="store_true", help="leave out pose error and missed")
    parser.add_argument("--data", type=Path, help="the dataset, if it was moved")
    given = parser.parse_args(arguments)
    pairs = tuple((performer, target) for performer, target in given.pair)
    return EvaluateOptions(
        given.run, pairs, given.frames, not given.no_pose, given.height, given.data
    )


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
