"""Footage -> shards: every frame framed, its pose found, its sharpness measured.

Now and then everybody in the picture is looked for, with their masks: the plate needs the masks,
and a second person near the subject would be learned as a part of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from live.frames import Frame, Image, Pose
from live.skeleton import INDEX, JOINTS
from training.dataset import Shard, ShardReader, encode_jpeg, write_shard
from training.eyes import Eyes
from training.footage import Clip, read_clip
from training.framing import Framing
from training.people import Person, body_size, same_body
from training.plate import body_mask
from training.sharpness import person_sharpness

REACH = 0.3  # of the subject's size, around its box: who is in there is in the window
SMALL = 0.6  # of the subject's size: who is smaller stands far behind
_HEAD = [INDEX["nose"], INDEX["neck"]]
SURE = 0.9  # less sure findings are clutter, more often than people


@dataclass(frozen=True, slots=True)
class Looks:
    """How often everybody is looked for, and how many frames are taken."""

    most: int = 200  # looks into one clip
    least_s: float = 0.1  # between two looks
    longest_s: float = 2.0
    step: int = 1  # of so many frames one is taken

    def spacing_s(self, clip: Clip) -> float:
        """Seconds between two looks into `clip`."""
        seconds = clip.announced / clip.fps
        return float(np.clip(seconds / self.most, self.least_s, self.longest_s))


def write_shards(
    folder: Path,
    clips: list[Clip],
    stage: tuple[int, int],
    open_eyes: Callable[[Clip], Eyes],
    shard_frames: int,
    looks: Looks,
    progress: bool,
) -> int:
    """All that is not there yet; returns the number of shards. Stopped, it goes on."""
    done = [ShardReader(folder, number) for number in _whole_shards(folder)]
    total = sum(-(-clip.announced // looks.step) for clip in clips)
    count, base_s = len(done), 0.0
    with tqdm(
        total=total or None, initial=sum(map(len, done)), unit="frame", disable=not progress
    ) as bar:
        for number, clip in enumerate(clips):
            mine = [shard for shard in done if shard.clip == number]
            skip = sum(map(len, mine)) * looks.step
            last_s = float(mine[-1].times_s[-1]) if mine else 0.0
            following = any(shard.clip > number for shard in done)
            chunks = _chunks(read_clip(clip, skip, looks.step), shard_frames)
            first = None if following else next(chunks, None)
            if first is not None:
                builder = ShardBuilder(clip, number, base_s, open_eyes(clip), stage, looks)
                for frames in itertools.chain([first], chunks):
                    builder.eyes.estimator.reset()
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
class ShardBuilder:
    """Makes shards of one clip."""

    clip: Clip
    number: int
    base_s: float  # the clip's beginning, so that the estimator's clock never runs back
    eyes: Eyes
    stage: tuple[int, int]
    looks: Looks

    def build(self, frames: list[Frame], tick: Callable[[int], object]) -> Shard:
        """One shard. A function of the frames alone, so that a resumed dataset is the same."""
        framing = Framing(self.clip.size, self.stage)
        jpegs: list[bytes] = []
        points = np.zeros((len(frames), len(JOINTS), 2), np.float32)
        scores = np.zeros((len(frames), len(JOINTS)), np.float32)
        sharpness = np.full(len(frames), np.nan, np.float32)
        near = np.full(len(frames), -1, np.int8)
        masks: dict[int, bytes] = {}
        for row, frame in enumerate(frames):
            pose = self.eyes.estimator.estimate(
                replace(frame, captured_s=self.base_s + frame.captured_s)
            )
            rgb = framing.image(np.ascontiguousarray(frame.image[:, :, ::-1]))
            jpegs.append(encode_jpeg(rgb))
            if pose is not None:
                points[row], scores[row] = _placed(pose, framing)
                sharpness[row] = person_sharpness(rgb, points[row], scores[row])
            if self._is_time(frames, row):
                people = self.eyes.crowd.look(frame, framing)
                near[row] = count_near(points[row], scores[row], people, self.stage)
                masks |= _packed(row, people, self.stage)
            tick(1)
        return Shard(
            jpegs=jpegs,
            points=points,
            scores=scores,
            times_s=np.array([frame.captured_s for frame in frames]),
            clip=self.number,
            sharpness=sharpness,
            near=near,
            masks=masks,
        )

    def _is_time(self, frames: list[Frame], row: int) -> bool:
        """Whether a new span of `spacing_s` has begun with this frame."""
        spacing_s = self.looks.spacing_s(self.clip)
        before_s = frames[row - 1].captured_s if row else -1.0
        return int(frames[row].captured_s / spacing_s) != int(before_s / spacing_s) or row == 0


def count_near(
    points: NDArray[np.float32],
    scores: NDArray[np.float32],
    people: list[Person],
    stage: tuple[int, int],
) -> int:
    """How many of `people` are near the subject and not much smaller, besides the subject.

    points: (J, 2) pixels of the stage; scores: (J,), of the subject. A finding whose head is in the
    subject's own body is a part of it, seen a second time.
    """
    subject = Person(points, scores, None)
    size = body_size(subject)
    if not size:
        return 0
    seen = points[:25][scores[:25] > 0.3]
    low, high = seen.min(0) - REACH * size, seen.max(0) + REACH * size
    own = body_mask(points, scores, stage)
    count = 0
    for person in people:
        small = body_size(person) < SMALL * size or person.presence < SURE
        if small or same_body(subject, person) or _head_within(person, own):
            continue
        box = person.points[:25][person.scores[:25] > 0.3]
        count += bool((box.max(0) > low).all() and (box.min(0) < high).all())
    return count


def _head_within(person: Person, mask: NDArray[np.uint8]) -> bool:
    at = np.round(person.points[_HEAD]).astype(int).clip(0, np.array(mask.shape[::-1]) - 1)
    return bool((mask[at[:, 1], at[:, 0]] > 0).all())


def _packed(row: int, people: list[Person], stage: tuple[int, int]) -> dict[int, bytes]:
    masks = [person.mask for person in people if person.mask is not None]
    if not masks:
        return {}
    whole: Image = np.zeros(stage, np.uint8)
    for mask in masks:
        whole |= mask
    done, encoded = cv2.imencode(".png", whole, [cv2.IMWRITE_PNG_BILEVEL, 1])
    assert done
    return {row: encoded.tobytes()}


def _placed(pose: Pose, framing: Framing) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The pose in pixels of the stage; a joint that is not finite scores 0."""
    finite = np.isfinite(pose.points).all(1) & np.isfinite(pose.scores)
    points = np.where(finite[:, None], pose.points, 0).astype(np.float32)
    scores = np.where(finite, pose.scores, 0).astype(np.float32)
    return framing.points(points), scores.clip(0, 1)
