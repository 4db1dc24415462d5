"""Our BlazePose beside MediaPipe's tracker, which runs the same networks.

    python -m benchmarks.pose [CLIP ...] [--truth FOLDER ...] [--frames 150] [--height 720]

Per clip and tracker: median and p95 of a frame's time on one core; CPU time per frame; frames in
which nobody was found; and the distance to MediaPipe's joints, median and p90 in percent of the
body's height, with its median per axis. A folder that `training.studio` wrote has exact joints: the
distance to those is told, and how unsteadily they are met. All trackers see each frame in turn.
Prints a table and, as its last line, one JSON object.

Without CLIPs: the demo's, and the clips of people in the wheels pose2sim and sports2d where they
are installed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from benchmarks.pose_gap import Gap, gap
from export.machine import machine_facts
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.errors import EXIT_BAD_INPUT, SetupError, UnderstudyError
from live.frames import Frame, Pose
from live.options import DEMO
from live.pose.base import PoseEstimator
from live.pose.blazepose import BlazePose, BlazePoseSettings
from live.pose.blazepose_nets import pose_nets
from live.pose.blazepose_open import open_blazepose
from live.pose.mediapipe_tasks import MediaPipePose, MediaPipeSettings
from live.pose.weights import PoseWeights, fetch_pose_weights
from live.sources.file import read_through

WARM_UP = 5
"""Frames of every clip whose times don't count: the search for the person is among them."""

REFERENCE = "mediapipe"
_SHIPPED = (
    *(("pose2sim", f"Pose2Sim/Demo_SinglePerson/videos/cam0{n}.mp4") for n in range(1, 5)),
    ("pose2sim", "Pose2Sim/Demo_MultiPerson/videos/cam01.mp4"),
    ("sports2d", "Sports2D/Demo/demo.mp4"),
)


@dataclass(frozen=True, slots=True)
class PoseOptions:
    """What the command line may set."""

    clips: tuple[Path, ...] = ()
    truths: tuple[Path, ...] = ()  # folders that training.studio wrote
    frames: int = 150  # of every clip, the first
    height: int = 720  # pixels that a larger frame is scaled down to

    def __post_init__(self) -> None:
        if self.frames <= WARM_UP:
            raise SetupError(f"--frames is {self.frames}; give more than {WARM_UP}, such as 150")
        if self.height < 16:
            raise SetupError(f"--height is {self.height}; give 16 or more, such as 720")


@dataclass(frozen=True, slots=True)
class Row:
    """One tracker on one clip."""

    clip: str
    tracker: str
    frames: int
    median_ms: float
    p95_ms: float
    cpu_ms: float  # per frame, all threads
    lost: int  # frames in which nobody was found
    to_mediapipe: Gap | None  # None for itself, and where they have no joint in common
    to_truth: Gap | None  # None where the truth is not known


@dataclass(slots=True)
class Track:
    """What one tracker found, and what it took."""

    poses: list[Pose | None]
    wall_s: list[float]
    cpu_s: list[float]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 2 when a clip or the weights cannot be read."""
    try:
        options = parse(arguments)
        rows = measure(options)
    except UnderstudyError as error:
        print(f"benchmarks.pose: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    print(table(rows))
    facts = machine_facts("onnxruntime", "mediapipe", "opencv-contrib-python", "numba", "numpy")
    told = {"frames": options.frames, "height": options.height, "rows": [asdict(r) for r in rows]}
    print(json.dumps({"machine": facts} | told))
    return 0


def measure(options: PoseOptions) -> list[Row]:
    """A row per clip and tracker. The whole process keeps to one core meanwhile, where it can."""
    weights = fetch_pose_weights()
    clips: list[tuple[Path, Path | None]] = [(path, None) for path in options.clips]
    if not clips and not options.truths:
        clips = [(path, None) for path in default_clips()]
    clips += [(folder / "video.mp4", folder / "truth.npz") for folder in options.truths]
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    try:
        if cores:
            os.sched_setaffinity(0, {max(cores)})
        return [
            row
            for path, truth in tqdm(clips, "clips", file=sys.stderr, leave=False)
            for row in contest(path, truth, weights, options)
        ]
    finally:
        if cores:
            os.sched_setaffinity(0, cores)


def default_clips() -> list[Path]:
    """The demo's clip, and those of real people that are installed here."""
    found = [DEMO / "performer.mp4"]
    for package, name in _SHIPPED:
        try:
            path = Path(str(distribution(package).locate_file(name)))
        except PackageNotFoundError:
            continue
        if path.is_file():
            found.append(path)
    return found


def contest(
    path: Path, truth: Path | None, weights: PoseWeights, options: PoseOptions
) -> list[Row]:
    """Every tracker on the clip in `path`."""
    frames = [
        _scaled(f, options.height) for f in itertools.islice(read_through(path), options.frames)
    ]
    if len(frames) <= WARM_UP:
        raise SetupError(f"{path} has {len(frames)} frames; give a clip of more than {WARM_UP}")
    tracks = _race(frames, weights)
    exact = _exact(truth, frames) if truth else None
    name = "/".join([*path.parts[-3:-1], path.stem])
    return [
        Row(
            clip=name,
            tracker=tracker,
            frames=len(frames),
            median_ms=_ms(np.median(track.wall_s[WARM_UP:])),
            p95_ms=_ms(np.percentile(track.wall_s[WARM_UP:], 95)),
            cpu_ms=_ms(np.mean(track.cpu_s[WARM_UP:])),
            lost=sum(pose is None for pose in track.poses),
            to_mediapipe=(
                gap(track.poses, tracks[REFERENCE].poses) if tracker != REFERENCE else None
            ),
            to_truth=gap(track.poses, exact) if exact else None,
        )
        for tracker, track in tracks.items()
    ]


def table(rows: Sequence[Row]) -> str:
    """The rows for people; distances are median / p90, percent of the body's height."""
    head = ("clip", "tracker", "frames", "ms p50", "p95", "cpu ms", "lost",
            "to MediaPipe", "to truth", "unsteady")  # fmt: skip
    lines = [head]
    for row in rows:
        near, exact = row.to_mediapipe, row.to_truth
        lines.append(
            (
                row.clip, row.tracker, str(row.frames), f"{row.median_ms:.1f}",
                f"{row.p95_ms:.1f}", f"{row.cpu_ms:.1f}", str(row.lost),
                f"{near.median:.2f} / {near.p90:.2f}" if near else "-",
                f"{exact.median:.2f} / {exact.p90:.2f}" if exact else "-",
                f"{exact.unsteady:.3f}" if exact else "-",
            )
        )  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(w) if i < 2 else cell.rjust(w)
                  for i, (cell, w) in enumerate(zip(line, widths, strict=True)))
        for line in lines
    )  # fmt: skip


def parse(arguments: Sequence[str] | None = None) -> PoseOptions:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pose", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("clips", type=Path, nargs="*", metavar="CLIP")
    parser.add_argument("--truth", type=Path, nargs="+", default=[], metavar="FOLDER")
    parser.add_argument("--frames", type=int, default=150)
    parser.add_argument("--height", type=int, default=720)
    given = parser.parse_args(arguments)
    return PoseOptions(tuple(given.clips), tuple(given.truth), given.frames, given.height)


def _trackers(weights: PoseWeights) -> dict[str, Callable[[], PoseEstimator]]:
    settings = BlazePoseSettings(search_every_s=0.0)  # every frame is asked for
    nets = pose_nets(weights)
    return {
        REFERENCE: lambda: MediaPipePose(weights, MediaPipeSettings(search_every_s=0.0)),
        "blazepose": lambda: open_blazepose(weights, settings),
        "without heatmaps": lambda: BlazePose(
            OnnxRuntimeEngine(nets.detector, "the detector"),
            OnnxRuntimeEngine(nets.landmarks, "the landmark network"),
            settings,
        ),
    }


def _race(frames: Sequence[Frame], weights: PoseWeights) -> dict[str, Track]:
    """Every tracker over all frames; they take turns, and each begins as often as the others."""
    with ExitStack() as opened:
        estimators = {name: build() for name, build in _trackers(weights).items()}
        for estimator in estimators.values():
            opened.callback(estimator.close)
        tracks = {name: Track([], [], []) for name in estimators}
        order = list(estimators)
        for frame in frames:
            for name in order:
                wall_s, cpu_s = time.perf_counter(), time.process_time()
                pose = estimators[name].estimate(frame)
                tracks[name].wall_s.append(time.perf_counter() - wall_s)
                tracks[name].cpu_s.append(time.process_time() - cpu_s)
                tracks[name].poses.append(pose)
            order = order[1:] + order[:1]
    return tracks


def _scaled(frame: Frame, height: int) -> Frame:
    """`frame`, scaled down to `height` pixels where it has more."""
    if frame.size[0] <= height:
        return frame
    width = max(round(frame.size[1] * height / frame.size[0]), 1)
    image = cv2.resize(frame.image, (width, height), interpolation=cv2.INTER_AREA)
    return Frame(np.asarray(image, np.uint8), frame.captured_s, frame.sequence)


def _exact(path: Path, frames: Sequence[Frame]) -> list[Pose | None]:
    """The studio's joints for `frames`, in their pixels. Raises SetupError."""
    try:
        with np.load(path) as stored:
            points, scores = stored["points"], stored["scores"]
        facts = json.loads((path.parent / "studio.json").read_text(encoding="utf-8"))
        shrunk = frames[0].size[0] / facts["arguments"]["height"]
    except (OSError, KeyError, ValueError) as error:
        raise SetupError(
            f"{path.parent} is no folder of training.studio ({error}); it holds truth.npz, "
            f"studio.json and video.mp4"
        ) from error
    if len(points) < len(frames):
        raise SetupError(f"{path} knows {len(points)} frames, the video has more: render it again")
    return [
        Pose(np.asarray(points[n] * shrunk, np.float32), scores[n], frame.captured_s, frame.size)
        for n, frame in enumerate(frames)
    ]


def _ms(seconds: float | np.floating) -> float:
    return round(float(seconds) * 1000, 3)


if __name__ == "__main__":
    sys.exit(main())
