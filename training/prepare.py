"""Footage -> dataset, and what the coach says of it.

    python -m training.prepare VIDEO... --out DATA [--size 288] [--stage 512] [--pose blazepose]
                               [--consent "NAME, DATE, STATEMENT" or FILE] [--anyway]
    python -m training.prepare VIDEO... --check-only [--out FOLDER]

VIDEO is a video, or a folder of png or jpg in the order of their names (--fps). With --pose
openpose the poses are read from the folder NAME.json or NAME_keypoints beside VIDEO.

Reads all of it once, finds the person, and writes frames and poses in shards of some seconds.
Stopped in the middle, the same command goes on with the first unfinished shard. --check-only takes
samples and writes the coach's report alone.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from live.errors import EXIT_BAD_INPUT, SetupError, UnderstudyError
from live.pose.base import PoseEstimator
from live.subject import Consent
from training.assemble import Assembled, assemble
from training.coach.coach import Report, coach
from training.coach.page import write_report
from training.consent import dataset_consent, parse_consent, write_consent
from training.dataset import FORMAT
from training.disk import write_whole
from training.estimators import OPENPOSE, check_name, openpose_folder
from training.eyes import EyesOpener
from training.footage import Clip, open_clip
from training.framing import MULTIPLE, common_stage, window_width
from training.people import Crowd
from training.record import check_enough, write_dataset
from training.shards import Looks, write_shards

SHARD_FRAMES = 256
CHECK_FRAMES = 450  # that --check-only takes at most of all footage
CHECK_RATE = 8.0  # ... and in a second, unless that leaves too few
CHECK_LEAST = 100  # frames
CHECK_LOOKS = 60  # for everybody in the picture, in one clip
PLAN = "prepare.json"
MEASURES = 1  # what shards hold beside poses; counts up when it changes


@dataclass(frozen=True, slots=True)
class PrepareOptions:
    """What the dataset shall be."""

    videos: tuple[Path, ...]
    out: Path
    size: int = 288  # height of the generator's pictures, pixels
    stage: int = 512  # height of the plate and of what the audience sees, pixels
    pose: str = "blazepose"
    progress: bool = True
    fps: float | None = None  # of folders of pictures
    consent: Consent | None = None
    anyway: bool = False  # train on footage that is wrong throughout

    def __post_init__(self) -> None:
        if self.size % MULTIPLE or self.size < 64:
            raise SetupError(f"--size is {self.size}; it must be a multiple of {MULTIPLE} from 64")
        if not 64 <= self.stage <= 4096:
            raise SetupError(f"--stage is {self.stage}; it must be within 64 and 4096")
        if self.fps is not None and not 1 <= self.fps <= 1000:
            raise SetupError(f"--fps is {self.fps}; it must be within 1 and 1000")
        check_name(self.pose)


def prepare(
    options: PrepareOptions, estimator: PoseEstimator | None = None, crowd: Crowd | None = None
) -> dict[str, Any]:
    """Make (or finish) the dataset; returns its facts. Raises SourceError and SetupError.

    `estimator` and `crowd` override those named in the options and are left open.
    """
    clips, size, stage = _opened(options, hashed=True)
    _check_plan(options, clips)
    if options.consent is not None:
        write_consent(options.out, options.consent)
    opener = EyesOpener(options.pose, estimator, crowd)
    found = _assembled(options, clips, stage, options.out, Looks(), opener)
    report = coach(found, size, dataset_consent(options.out))
    write_report(options.out, report, found)
    check_enough(found, options.anyway)
    return write_dataset(options.out, found, size, options.pose, dataset_consent(options.out))


def check(
    options: PrepareOptions, estimator: PoseEstimator | None = None, crowd: Crowd | None = None
) -> Report:
    """The coach's report on samples of the footage, written to `options.out`.

    Raises SourceError where nobody is in it, and SetupError.
    """
    clips, size, stage = _opened(options, hashed=False)
    looks = Looks(most=CHECK_LOOKS, step=_step(clips))
    with tempfile.TemporaryDirectory() as folder:
        opener = EyesOpener(options.pose, estimator, crowd)
        found = _assembled(options, clips, stage, Path(folder), looks, opener)
        report = coach(found, size, options.consent or dataset_consent(options.out))
        write_report(options.out, report, found)
    return report


def _step(clips: list[Clip]) -> int:
    """Of so many frames --check-only takes one."""
    count = sum(clip.announced for clip in clips)
    slow = min(clips[0].fps / CHECK_RATE, count / CHECK_LEAST)
    return max(round(max(count / CHECK_FRAMES, slow)), 1)


def _opened(
    options: PrepareOptions, hashed: bool
) -> tuple[list[Clip], tuple[int, int], tuple[int, int]]:
    """The clips, the window's size and the stage's."""
    clips = [open_clip(path, options.fps, hashed) for path in options.videos]
    if options.pose == OPENPOSE:
        for clip in clips:
            openpose_folder(clip.path)
    stage = common_stage(options.stage, [(clip.path, clip.size) for clip in clips])
    return clips, (options.size, window_width(options.size)), stage


def _assembled(
    options: PrepareOptions,
    clips: list[Clip],
    stage: tuple[int, int],
    out: Path,
    looks: Looks,
    opener: EyesOpener,
) -> Assembled:
    folder = out / "shards"
    try:
        count = write_shards(
            folder, clips, stage, opener.open, SHARD_FRAMES, looks, options.progress
        )
    finally:
        opener.close()
    return assemble(folder, count, clips, stage, options.progress)


def _check_plan(options: PrepareOptions, clips: list[Clip]) -> None:
    """Refuse to mix two datasets in one folder."""
    plan = {
        "format": FORMAT,
        "measures": MEASURES,
        "videos": [
            {"name": clip.path.name, "sha256": clip.sha256, "fps": clip.fps} for clip in clips
        ],
        "size": options.size,
        "stage": options.stage,
        "pose": options.pose,
    }
    path = options.out / PLAN
    if path.is_file():
        try:
            same = json.loads(path.read_text(encoding="utf-8")) == plan
        except ValueError:
            same = False
        if not same:
            raise SetupError(f"{options.out} holds another dataset; name a new folder or delete it")
    elif options.out.is_dir() and any(options.out.iterdir()):
        raise SetupError(f"{options.out} holds other files; name a new or an empty folder")
    options.out.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(plan, indent=2).encode())


def parse(arguments: list[str] | None = None) -> tuple[PrepareOptions, bool]:
    """The command line, and whether the footage is only checked."""
    parser = argparse.ArgumentParser(
        prog="python -m training.prepare",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEO")
    parser.add_argument("--out", type=Path, metavar="DATA")
    parser.add_argument("--size", type=int, default=288, help="height of the figure's window, px")
    parser.add_argument("--stage", type=int, default=512, help="height of the plate, px")
    parser.add_argument("--pose", default="blazepose", help="blazepose, mediapipe or openpose")
    parser.add_argument("--fps", type=float, help="rate of a folder's pictures (default 30)")
    parser.add_argument(
        "--consent", metavar='"NAME, DATE, STATEMENT"', help="who agreed, or a file that says so"
    )
    parser.add_argument("--check-only", action="store_true", help="the coach's report, no dataset")
    parser.add_argument("--anyway", action="store_true", help="use footage that is refused")
    given = parser.parse_args(arguments)
    if given.out is None and not given.check_only:
        parser.error("--out DATA is needed, or --check-only")
    options = PrepareOptions(
        videos=tuple(given.videos),
        out=given.out or Path(f"{given.videos[0].stem}-check"),
        size=given.size,
        stage=given.stage,
        pose=given.pose,
        fps=given.fps,
        consent=parse_consent(given.consent) if given.consent is not None else None,
        anyway=given.anyway,
    )
    return options, given.check_only


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    # FFmpeg's lines about damaged packets would bury our sentence about the hole.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    try:
        options, check_only = parse(arguments)
        if check_only:
            report = check(options)
        else:
            prepare(options)
            report = Report.read(options.out)
    except UnderstudyError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT
    print(report.text())
    print(f"\n{options.out / 'report.html'}")
    print(json.dumps(report.summary()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
