"""Shards -> what the whole footage tells: plate, flags, statistics of the body."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from live.body import BodyStats
from live.errors import SourceError
from live.normalize import fit_body_stats
from training.dataset import ShardReader, shows_person
from training.flags import Flags
from training.footage import Clip
from training.judge import Judgement, judge
from training.plate import MAX_FRAMES, Plate, median_plate, people_mask
from training.watch import Traces, watch

PLATE_EVERY = 8  # every so many frames one is a candidate for the plate
HELD_OUT = 0.1  # the tail, by time, of what training may use
ENOUGH_MASKS = 24  # frames whose bodies' own masks are known: the plate is made of these alone


@dataclass(frozen=True, slots=True, eq=False)
class Assembled:
    """A dataset before it is written down."""

    clips: tuple[Clip, ...]
    stage: tuple[int, int]
    shards: tuple[ShardReader, ...]
    points: NDArray[np.float32]  # (N, J, 2)
    scores: NDArray[np.float32]  # (N, J)
    times_s: NDArray[np.float64]  # (N,), each of its clip
    video: NDArray[np.int64]  # (N,), number of the clip
    near: NDArray[np.int8]  # (N,)
    seen: NDArray[np.bool_]  # (N,)
    traces: Traces
    judgement: Judgement
    plate: Plate
    train_count: int  # frames before the held-out tail

    @property
    def flags(self) -> Flags:
        return self.judgement.flags

    @property
    def usable(self) -> NDArray[np.bool_]:
        """(N,): shows the person, and is not left out."""
        return self.seen & ~self.flags.excluded

    def frame(self, number: int) -> NDArray[np.uint8]:
        """RGB uint8 (H, W, 3) at the stage's size."""
        starts = np.cumsum([0, *map(len, self.shards)])
        shard = int(np.searchsorted(starts, number, "right")) - 1
        return self.shards[shard].frame(number - int(starts[shard]))

    def body(self) -> BodyStats:
        """Of the training part. Raises SetupError where too little of the body is seen."""
        part = np.flatnonzero(self.usable[: self.train_count])
        return fit_body_stats(self.points[part], self.scores[part], self.stage)


def assemble(
    folder: Path, count: int, clips: list[Clip], stage: tuple[int, int], progress: bool
) -> Assembled:
    """Look over all of the `count` shards in `folder`. Raises SourceError where nobody is seen."""
    shards = [ShardReader(folder, number) for number in range(count)]
    points = np.concatenate([shard.points for shard in shards])
    scores = np.concatenate([shard.scores for shard in shards])
    near = np.concatenate([shard.near for shard in shards])
    seen = shows_person(scores)
    if not seen.any():
        names = ", ".join(str(clip.path) for clip in clips)
        raise SourceError(f"nobody was found in {names}; film one person, whole, in good light")
    everything = np.ones(len(seen), bool)
    plate = _plate(shards, everything, _tail(seen), stage)
    with tqdm(total=len(seen), unit="frame", desc="background", disable=not progress) as bar:
        traces = watch(shards, plate, stage, bar.update)
    sharpness = np.concatenate([shard.sharpness for shard in shards])
    found = judge(traces, seen, sharpness, heights(points, scores, seen), near)
    usable = seen & ~found.flags.excluded
    train = _tail(usable)
    if found.flags.excluded.any() and usable[:train].any():
        plate = _plate(shards, ~found.flags.excluded, train, stage)
    return Assembled(
        clips=tuple(clips),
        stage=stage,
        shards=tuple(shards),
        points=points,
        scores=scores,
        times_s=np.concatenate([shard.times_s for shard in shards]),
        video=np.concatenate([np.full(len(shard), shard.clip) for shard in shards]),
        near=near,
        seen=seen,
        traces=traces,
        judgement=found,
        plate=plate,
        train_count=train,
    )


def heights(
    points: NDArray[np.float32], scores: NDArray[np.float32], seen: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """(N,): the figure's height in pixels of the stage, NaN where nobody is."""
    found = np.full(len(points), np.nan, np.float32)
    for number in np.flatnonzero(seen):
        joints = points[number, :25, 1][scores[number, :25] > 0.3]
        found[number] = np.ptp(joints)
    return found


def _tail(usable: NDArray[np.bool_]) -> int:
    """The frame before which nine tenths of the usable ones lie."""
    numbers = np.flatnonzero(usable)
    if not len(numbers):
        return int(len(usable) * (1 - HELD_OUT))
    at = int(len(numbers) * (1 - HELD_OUT))
    return int(numbers[at]) if at < len(numbers) else len(usable)


def _plate(
    shards: Sequence[ShardReader], allowed: NDArray[np.bool_], train: int, stage: tuple[int, int]
) -> Plate:
    """From frames spread evenly over the training part."""
    starts = np.cumsum([0, *(len(shard) for shard in shards)])
    all_kept = [
        (shard, row, shard.near[row] >= 0)
        for shard, start in zip(shards, starts, strict=False)
        for row in range(len(shard))
        if start + row < train and allowed[start + row]
    ]
    kept = [(shard, row) for shard, row, looked in all_kept if looked]
    if len(kept) < ENOUGH_MASKS:
        every = PLATE_EVERY if len(all_kept) >= PLATE_EVERY * ENOUGH_MASKS else 1
        step = max(min(every, len(all_kept) // ENOUGH_MASKS), 1)
        kept = [(shard, row) for shard, row, _ in all_kept[::step]]
    spacing = max(len(kept) / MAX_FRAMES, 1.0)
    chosen = [kept[int(at)] for at in np.arange(0, len(kept), spacing)]
    frames = [shard.frame(row) for shard, row in chosen]
    masks = [
        people_mask(shard.points[row], shard.scores[row], stage, shard.body(row))
        for shard, row in chosen
    ]
    return median_plate(frames, masks)
