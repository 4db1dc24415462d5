"""The sheet and the report: trained painters against baselines, on pictures they never saw.

    python -m training.evaluate RUN [RUN...] [--pair PERFORMER_DATA TARGET_DATA]... [--frames N]

Every RUN is a student's or a teacher's; all of one dataset. Writes sheet.md, sheet.json, strip.png,
report.html and report.json into the first RUN, or into --out; prints the table, then the JSON in
one line. Pictures and paired truth are of the first RUN.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live.errors import EXIT_BAD_INPUT, SetupError, UnderstudyError
from training.closeness import choose_closeness
from training.contest import Contest, pair_contest, tail_contest
from training.dataset import Dataset
from training.found_poses import find_errors, other_backend
from training.kid import FEATURES
from training.measured import Measured, measure
from training.painters import Painter, named_apart, open_painters
from training.perceptual import PerceptualFeatures
from training.report.page import write_report
from training.sheet import AS_LATE_MS, Sheet
from training.staleness import as_late_ms
from training.strip import Strip
from training.unchanged import check_unchanged


@dataclass(frozen=True, slots=True)
class EvaluateOptions:
    """What the command line may set."""

    runs: tuple[Path, ...]
    pairs: tuple[tuple[Path, Path], ...] = ()  # (performer's dataset, target's dataset)
    frames: int = 300  # of the tail and of every pair, from its beginning
    pose: bool = True  # find the pose in every picture again
    height: int = 256  # of the stage's pictures when they are compared, pixels
    data: Path | None = None  # where the dataset is now, if it was moved
    out: Path | None = None  # None: the first run's folder

    def __post_init__(self) -> None:
        if not self.runs:
            raise SetupError("no RUN is named; give the folder of a student or a teacher")
        if self.frames < 2:
            raise SetupError(f"--frames is {self.frames}; at least 2 are needed")
        if not 64 <= self.height <= 4096:
            raise SetupError(f"--height is {self.height}; it must be within 64 and 4096")


def evaluate(options: EvaluateOptions) -> Sheet:
    """Measure; writes sheet, strips and report. Raises SetupError."""
    painters = named_apart([p for run in options.runs for p in open_painters(run)])
    hero = next(iter(painters.values()))
    data = Dataset(options.data or hero.data)
    check_unchanged(data, painters)
    tail = held_out(data, options.frames)
    pairs = [(Dataset(performer), Dataset(target)) for performer, target in options.pairs]
    contests = [tail_contest(painters, data, tail, options.height)]
    contests += [pair_contest(hero, data, pair, options.frames, options.height) for pair in pairs]
    backend = other_backend(str(data.facts["pose"])) if options.pose else None
    measured = [measure(contest) for contest in contests]
    late_ms = _late_ms(measured[0], data)
    measured = [with_poses(found, backend) for found in measured]
    facts = _facts(painters, data, measured[0], options, backend) | {AS_LATE_MS: late_ms}
    paired = [row for found in measured[1:] for row in found.rows()]
    sheet = Sheet(facts, measured[0].rows(), paired)
    out = options.out or options.runs[0]
    out.mkdir(parents=True, exist_ok=True)
    sheet.write(out)
    for number, contest in enumerate(contests):
        _strip(contest).write(out / (f"paired-{number}.png" if number else "strip.png"))
    write_report(out, sheet, measured, [painter.run for painter in painters.values()])
    return sheet


def held_out(data: Dataset, most: int) -> NDArray[np.int64]:
    """Numbers of the frames to be measured. Raises SetupError where there are none worth it."""
    tail = data.held_out[:most]
    longer = "prepare longer footage, of which the last tenth is held out"
    if not len(tail):
        raise SetupError(f"{data.folder} holds no picture out, so nothing can be judged; {longer}")
    if len(tail) < 2:
        raise SetupError(
            f"{data.folder} holds one picture out, and flicker takes two to be seen; {longer}"
        )
    if not data.seen[tail].any():
        raise SetupError(
            f"{data.folder} shows nobody in the {len(tail)} pictures that it holds out; "
            f"film on until the end with the person in view, and prepare it again"
        )
    return tail


def with_poses(measured: Measured, backend: str | None) -> Measured:
    """The same with the poses that `backend` finds, or as it was without one.

    It comes last: the pose estimator's threads and torch's get in each other's way.
    """
    if backend is None:
        return measured
    contest = measured.contest
    return replace(measured, poses=find_errors(backend, contest.truths, contest.pictures))


def _strip(contest: Contest) -> Strip:
    return Strip(contest.truths, contest.pictures[contest.first], *contest.poses)


def _late_ms(tail: Measured, data: Dataset) -> float | None:
    contest, closeness = tail.contest, choose_closeness(PerceptualFeatures())
    distances = tail.frames[contest.first, "picture"].perceptual
    late_ms = as_late_ms(distances, contest.truths, data.times_s[contest.numbers], closeness)
    return None if late_ms is None else round(late_ms)


def _facts(
    painters: Mapping[str, Painter],
    data: Dataset,
    tail: Measured,
    options: EvaluateOptions,
    backend: str | None,
) -> dict[str, Any]:
    hero = next(iter(painters.values()))
    others = {name: dict(painter.facts) for name, painter in list(painters.items())[1:]}
    return {
        **hero.facts,
        **({"other_runs": others} if others else {}),
        "size": list(data.size),
        "measured_at_height": options.height,
        "training_frames": len(data.train),
        "held_out_frames_measured": len(tail.contest.truths),
        "recursive": "every picture but the first has the one before it as state",
        "poses_driven_by": data.facts["pose"],
        "pose_found_by": backend or "nobody (--no-pose)",
        "perceptual": tail.closeness,
        "kid_features": FEATURES,
    }


def parse(arguments: list[str] | None = None) -> EvaluateOptions:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    parser.add_argument(
        "--pair", nargs=2, type=Path, action="append", default=[],
        metavar=("PERFORMER_DATA", "TARGET_DATA"), help="two datasets of one choreography",
    )  # fmt: skip
    parser.add_argument("--frames", type=int, default=300, help="measured, at most")
    parser.add_argument("--height", type=int, default=256, help="at which pictures are compared")
    parser.add_argument("--no-pose", action="store_true", help="leave out pose error and missed")
    parser.add_argument("--data", type=Path, help="the dataset, if it was moved")
    parser.add_argument("--out", type=Path, help="where to write (default: the first RUN)")
    given = parser.parse_args(arguments)
    pairs = tuple((performer, target) for performer, target in given.pair)
    return EvaluateOptions(
        tuple(given.runs), pairs, given.frames, not given.no_pose, given.height, given.data,
        given.out,
    )  # fmt: skip


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
