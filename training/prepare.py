"""Footage -> dataset.

    python -m training.prepare VIDEO... --out DATA [--size 288] [--stage 512] [--pose blazepose]

Reads every video once, finds the person, and writes frames and poses in shards of some seconds.
Stopped in the middle, the same command goes on with the first unfinished shard.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from live.errors import EXIT_BAD_INPUT, SetupError, SourceError, UnderstudyError
from live.frames import Frame, Image, Pose
from live.normalize import fit_body_stats
from live.pose.base import PoseEstimator
from live.skeleton import JOINTS
from live.window import WindowSettings
from training.dataset import (
    FACTS,
    FORMAT,
    Shard,
    ShardReader,
    encode_jpeg,
    shows_person,
    write_shard,
    write_whole,
)
from training.footage import Clip, open_clip, read_clip
from training.framing import MULTIPLE, Framing, stage_width, window_width
from training.plate import MAX_FRAMES, Plate, body_mask, median_plate

SHARD_FRAMES = 256
PLATE_EVERY = 8  # every so many frames one is a candidate for the plate
HELD_OUT = 0.1  # the tail, by time
MIN_FRAMES = 60  # of the training part that show the person: two seconds
PLAN = "prepare.json"


@dataclass(frozen=True, slots=True)
class PrepareOptions:
    """What the dataset shall be."""

    videos: tuple[Path, ...]
    out: Path
    size: int = 288  # height of the generator's pictures, pixels
    stage: int = 512  # height of the plate and of what the audience sees, pixels
    pose: str = "blazepose"
    progress: bool = True

    def __post_init__(self) -> None:
        if self.size % MULTIPLE or self.size < 64:
            raise SetupError(f"--size is {self.size}; it must be a multiple of {MULTIPLE} from 64")
        if not 64 <= self.stage <= 4096:
            raise SetupError(f"--stage is {self.stage}; it must be within 64 and 4096")
        if self.pose not in POSE_ESTIMATORS:
            raise SetupError(f"--pose is {self.pose!r}; known: {', '.join(POSE_ESTIMATORS)}")


def _blazepose() -> PoseEstimator:
    from live.pose.blazepose import BlazePoseSettings
    from live.pose.blazepose_open import open_blazepose
    from live.pose.weights import fetch_pose_weights

    # Every frame counts here: an empty one is searched as well, however long that takes.
    return open_blazepose(fetch_pose_weights(), BlazePoseSettings(search_every_s=0.0))


def _mediapipe() -> PoseEstimator:
    from live.pose.mediapipe_tasks import MediaPipePose, MediaPipeSettings
    from live.pose.weights import fetch_pose_weights

    return MediaPipePose(fetch_pose_weights(), MediaPipeSettings(search_every_s=0.0))


POSE_ESTIMATORS: dict[str, Callable[[], PoseEstimator]] = {
    "blazepose": _blazepose,
    "mediapipe": _mediapipe,
}


def prepare(options: PrepareOptions, estimator: PoseEstimator | None = None) -> dict[str, Any]:
    """Make (or finish) the dataset; returns its facts. Raises SourceError and SetupError.

    `estimator` overrides the one named in the options and is left open.
    """
    clips = [open_clip(path) for path in options.videos]
    size = (options.size, window_width(options.size))
    stage = (options.stage, stage_width(options.stage, clips[0].size))
    _check_plan(options, clips)
    used = estimator or POSE_ESTIMATORS[options.pose]()
    try:
        shards = _write_shards(options, clips, used, stage)
    finally:
        if estimator is None:
            used.close()
    return _finish(options, clips, shards, size, stage)


def _check_plan(options: PrepareOptions, clips: list[Clip]) -> None:
    """Refuse to mix two datasets in one folder."""
    plan = {
        "format": FORMAT,
        "videos": [{"name": clip.path.name, "sha256": clip.sha256} for clip in clips],
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


def _write_shards(
    options: PrepareOptions,
    clips: list[Clip],
    estimator: PoseEstimator,
    stage: tuple[int, int],
) -> int:
    folder = options.out / "shards"
    done = [ShardReader(folder, number) for number in _whole_shards(folder)]
    total = sum(clip.announced for clip in clips)
    count, base_s = len(done), 0.0
    with tqdm(
        total=total or None, initial=sum(map(len, done)), unit="frame", disable=not options.progress
    ) as bar:
        for number, clip in enumerate(clips):
            mine = [shard for shard in done if shard.clip == number]
            skip = sum(map(len, mine))
            last_s = float(mine[-1].times_s[-1]) if mine else 0.0
            if not any(shard.clip > number for shard in done):
                builder = _ShardBuilder(clip, number, base_s, estimator, stage)
                for frames in _chunks(read_clip(clip, skip), SHARD_FRAMES):
                    estimator.reset()
                    write_shard(folder, count, builder.build(frames, bar.update))
                    last_s, count = frames[-1].captured_s, count + 1
            base_s += last_s + 1
    return count


def _whole_shards(folder: Path) -> Iterator[int]:
    """Numbers of the finished shards, as far as there is no gap."""
    for number in itertools.count():
        if not (folder / f"{number:05d}.npz").is_file():
            return
        yield number


def _chunks(frames: Iterator[Frame], length: int) -> Iterator[list[Frame]]:
    while chunk := list(itertools.islice(frames, length)):
        yield chunk


@dataclass(frozen=True, slots=True)
class _ShardBuilder:
    clip: Clip
    number: int
    base_s: float  # the clip's beginning, so that the estimator's clock never runs back
    estimator: PoseEstimator
    stage: tuple[int, int]

    def build(self, frames: list[Frame], tick: Callable[[int], object]) -> Shard:
        framing = Framing(self.clip.size, self.stage)
        jpegs: list[bytes] = []
        points = np.zeros((len(frames), len(JOINTS), 2), np.float32)
        scores = np.zeros((len(frames), len(JOINTS)), np.float32)
        for row, frame in enumerate(frames):
            pose = self.estimator.estimate(
                replace(frame, captured_s=self.base_s + frame.captured_s)
            )
            rgb = np.ascontiguousarray(frame.image[:, :, ::-1])
            jpegs.append(encode_jpeg(framing.image(rgb)))
            if pose is not None:
                points[row], scores[row] = _placed(pose, framing)
            tick(1)
        return Shard(
            jpegs=jpegs,
            points=points,
            scores=scores,
            times_s=np.array([frame.captured_s for frame in frames]),
            clip=self.number,
        )


def _placed(pose: Pose, framing: Framing) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The pose in pixels of the stage; a joint that is not finite scores 0."""
    finite = np.isfinite(pose.points).all(1) & np.isfinite(pose.scores)
    points = np.where(finite[:, None], pose.points, 0).astype(np.float32)
    scores = np.where(finite, pose.scores, 0).astype(np.float32)
    return framing.points(points), scores.clip(0, 1)


def _finish(
    options: PrepareOptions,
    clips: list[Clip],
    count: int,
    size: tuple[int, int],
    stage: tuple[int, int],
) -> dict[str, Any]:
    """The plate, the statistics, and last of all `dataset.json`."""
    folder = options.out / "shards"
    shards = [ShardReader(folder, number) for number in range(count)]
    points = np.concatenate([shard.points for shard in shards])
    scores = np.concatenate([shard.scores for shard in shards])
    train = int(len(points) * (1 - HELD_OUT))
    seen = shows_person(scores)
    _check_enough(clips, seen, int(seen[:train].sum()))
    plate = _plate(shards, train, stage)
    _write_picture(options.out / "plate.png", plate.image)
    unseen = np.repeat(plate.unseen.astype(np.uint8)[:, :, None] * np.uint8(255), 3, 2)
    _write_picture(options.out / "unseen.png", unseen)
    body = fit_body_stats(points[:train][seen[:train]], scores[:train][seen[:train]], stage)
    facts: dict[str, Any] = {
        "format": FORMAT,
        "joints": len(JOINTS),
        "size": list(size),
        "stage": list(stage),
        "shards": count,
        "frames": len(points),
        "train_frames": train,
        "seen_share": round(float(seen.mean()), 4),
        "unseen_background_share": round(float(plate.unseen.mean()), 4),
        "seconds": round(sum(_seconds(shards, clip) for clip in range(len(clips))), 3),
        "pose": options.pose,
        "body": body.to_json(),
        "window": WindowSettings().to_json(),
        "videos": [_clip_facts(clip) for clip in clips],
        "files": _hashes(options.out),
    }
    write_whole(options.out / FACTS, (json.dumps(facts, indent=2) + "\n").encode())
    return facts


def _check_enough(clips: list[Clip], seen: NDArray[np.bool_], trainable: int) -> None:
    names = ", ".join(str(clip.path) for clip in clips)
    if not seen.any():
        raise SourceError(f"nobody was found in {names}; film one person, whole, in good light")
    if trainable < MIN_FRAMES:
        raise SourceError(
            f"{names}: only {trainable} training frames of {len(seen)} show a person; "
            f"at least {MIN_FRAMES} are needed, some minutes are good"
        )


def _plate(shards: list[ShardReader], train: int, stage: tuple[int, int]) -> Plate:
    """From frames spread evenly over the training part."""
    starts = np.cumsum([0, *(len(shard) for shard in shards)])
    kept = [
        (shard, row)
        for shard, start in zip(shards, starts, strict=False)
        for row in range(0, len(shard), PLATE_EVERY)
        if start + row < train
    ]
    step = max(len(kept) / MAX_FRAMES, 1.0)
    chosen = [kept[int(at)] for at in np.arange(0, len(kept), step)]
    frames = [shard.frame(row) for shard, row in chosen]
    masks = [body_mask(shard.points[row], shard.scores[row], stage) for shard, row in chosen]
    return median_plate(frames, masks)


def _seconds(shards: list[ShardReader], clip: int) -> float:
    times = [shard.times_s for shard in shards if shard.clip == clip]
    return float(times[-1][-1] - times[0][0]) if times else 0.0


def _clip_facts(clip: Clip) -> dict[str, Any]:
    facts = asdict(clip)
    return {**facts, "path": clip.path.name, "size": list(clip.size)}


def _write_picture(path: Path, rgb: Image) -> None:
    done, encoded = cv2.imencode(".png", np.ascontiguousarray(rgb[:, :, ::-1]))
    assert done
    write_whole(path, encoded.tobytes())


def _hashes(folder: Path) -> dict[str, str]:
    names = ["plate.png", "unseen.png"]
    names += sorted(f"shards/{path.name}" for path in (folder / "shards").iterdir())
    found: dict[str, str] = {}
    for name in names:
        if not name.endswith(".partial"):
            with (folder / name).open("rb") as file:
                found[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def parse(arguments: list[str] | None = None) -> PrepareOptions:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.prepare", description=__doc__)
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEO")
    parser.add_argument("--out", type=Path, required=True, metavar="DATA")
    parser.add_argument("--size", type=int, default=288, help="height of the figure's window, px")
    parser.add_argument("--stage", type=int, default=512, help="height of the plate, px")
    parser.add_argument("--pose", default="blazepose", help="pose estimator")
    given = parser.parse_args(arguments)
    return PrepareOptions(tuple(given.videos), given.out, given.size, given.stage, given.pose)


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    try:
        facts = prepare(parse(arguments))
    except UnderstudyError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT
    print(
        f"{facts['frames']} frames, {facts['seconds']:.0f} s; the person is seen in "
        f"{facts['seen_share']:.1%}; {facts['unseen_background_share']:.1%} of the background "
        f"was never seen; size {facts['size']}, stage {facts['stage']}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
