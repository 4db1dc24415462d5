"""Watches the background over the footage: did the camera move, the light change, the shot change?

Every frame is held against the plate, which nobody stands in: features of the plate are looked for
in the frame (Lucas and Kanade, IJCAI 1981, in pyramids), away from people.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from live.frames import Image
from training.dataset import ShardReader
from training.plate import Plate, body_mask

HEIGHT = 256  # of the pictures that are compared, pixels
LOOK_S = 0.12  # between two looks at camera and light
FEATURES = 160
LEAST_FEATURES = 12  # a background with fewer is blank: nothing can be said of the camera
LEAST_INLIERS = 0.35  # of the features found, that must move alike
_THUMB = (64, 36)

Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Traces:
    """What was measured, frame by frame; (N,) float32, NaN where nothing can be said."""

    shift: NDArray[np.float32]  # of the camera's picture from the plate, stage heights; inf: lost
    step: NDArray[np.float32]  # the same since the look before
    gain: NDArray[np.float32]  # brightness of the background over the plate's
    gap: NDArray[np.float32]  # of the background from the plate, apart from brightness, of 255
    cut: NDArray[np.bool_]  # True where a cut alone explains the change


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """One frame, small."""

    grey: Grey
    free: NDArray[np.bool_]  # away from people
    time_s: float
    clip: int


def watch(
    shards: Sequence[ShardReader],
    plate: Plate,
    stage: tuple[int, int],
    tick: Callable[[int], object] = lambda _: None,
) -> Traces:
    """Measure every frame of a dataset."""
    count = sum(map(len, shards))
    held = {name: np.full(count, np.nan, np.float32) for name in ("shift", "step", "gain", "gap")}
    cut = np.zeros(count, bool)
    watcher = _Watcher(plate, stage)
    at = 0
    for shard in shards:
        for row in range(len(shard)):
            look = watcher.look(shard, row)
            cut[at] = watcher.is_cut(look)
            for name, value in watcher.measure(look).items():
                held[name][at] = value
            at += 1
            tick(1)
    return Traces(**{name: _filled(values) for name, values in held.items()}, cut=cut)


class _Watcher:
    def __init__(self, plate: Plate, stage: tuple[int, int]) -> None:
        self._size = (HEIGHT, max(round(HEIGHT * stage[1] / stage[0]), 8))
        self._scale = HEIGHT / stage[0]
        self._plate = _small(cv2.cvtColor(plate.image, cv2.COLOR_RGB2GRAY), self._size)
        unseen = _small(plate.unseen.astype(np.uint8) * np.uint8(255), self._size) > 0
        self._seen = ~unseen
        self._features = _features(self._plate, self._seen)
        self._before: _Look | None = None  # the frame before
        self._looked: _Look | None = None  # the frame that was measured last

    def look(self, shard: ShardReader, row: int) -> _Look:
        """Decode a frame and say where people may be in it."""
        grey = _small(shard.small_grey(row), self._size)
        points = shard.points[row] * np.float32(self._scale)
        people = body_mask(points, shard.scores[row], self._size) > 0
        found = shard.body(row)
        if found is not None:
            people |= _small(cv2.dilate(found, np.ones((9, 9), np.uint8)), self._size) > 0
        return _Look(grey, ~people, float(shard.times_s[row]), shard.clip)

    def is_cut(self, look: _Look) -> bool:
        """Whether another shot begins with `look`; another video is none."""
        before, self._before = self._before, look
        if before is None or before.clip != look.clip:
            return False
        free = (before.free & look.free).astype(np.uint8)
        some = cv2.resize(free, _THUMB, interpolation=cv2.INTER_AREA) > 0
        if some.sum() < 50:
            return False
        one, other = (
            cv2.resize(part.grey, _THUMB, interpolation=cv2.INTER_AREA)[some].astype(np.float32)
            for part in (before, look)
        )
        differ = float(np.abs(one / one.mean().clip(1) - other / other.mean().clip(1)).mean())
        return differ > 0.15 and _alike(one, other) < 0.8

    def measure(self, look: _Look) -> dict[str, float]:
        """Camera and light of `look`, or nothing where the last look was a moment ago."""
        last = self._looked
        fresh = last is None or last.clip != look.clip
        if last is not None and not fresh and look.time_s - last.time_s < LOOK_S:
            return {}
        self._looked = look
        step = np.nan
        if last is not None and not fresh:
            step = _moved(last.grey, look.grey, _features(last.grey, last.free), look.free)
        gain, gap = self._light(look)
        shift = _moved(self._plate, look.grey, self._features, look.free)
        return {"shift": shift, "step": step, "gain": gain, "gap": gap}

    def _light(self, look: _Look) -> tuple[float, float]:
        free = look.free & self._seen & (self._plate > 8)
        if free.sum() < 100:
            return np.nan, np.nan
        frame, plate = (part[free].astype(np.float32) for part in (look.grey, self._plate))
        gain = float(np.median(frame / plate))
        return gain, float(np.median(np.abs(frame / max(gain, 0.05) - plate)))


def _features(grey: Grey, free: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(K, 1, 2) corners away from people."""
    mask = cv2.erode(free.astype(np.uint8), np.ones((9, 9), np.uint8))
    found = cv2.goodFeaturesToTrack(grey, FEATURES, 0.02, 6, mask=mask)
    return np.zeros((0, 1, 2), np.float32) if found is None else np.asarray(found, np.float32)


def _moved(one: Grey, other: Grey, features: NDArray[np.float32], free: NDArray[np.bool_]) -> float:
    """How far the background moved from `one` to `other`, in picture heights.

    NaN where it has too few features; inf where they do not move alike, so that nothing of it is
    found again.
    """
    if len(features) < LEAST_FEATURES:
        return float("nan")
    there, status, _ = cv2.calcOpticalFlowPyrLK(
        one, other, features, features.copy(), winSize=(15, 15), maxLevel=4
    )
    places = np.round(there[:, 0]).astype(int).clip(0, np.array(free.shape[::-1]) - 1)
    visible = free[places[:, 1], places[:, 0]]
    if visible.sum() < LEAST_FEATURES:
        return float("nan")
    kept = visible & (status[:, 0] > 0)
    if kept.sum() < LEAST_FEATURES:
        return float("inf")
    cv2.setRNGSeed(1)  # RANSAC: equal footage gives equal flags
    _, inliers = cv2.estimateAffinePartial2D(features[kept], there[kept], ransacReprojThreshold=1.0)
    if inliers is None or inliers.sum() < LEAST_INLIERS * visible.sum():
        return float("inf")
    gaps = (there[kept] - features[kept])[inliers[:, 0] > 0][:, 0]
    return float(np.median(np.hypot(gaps[:, 0], gaps[:, 1]))) / one.shape[0]


def _alike(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Correlation of two sets of pixels; 1 where both are flat."""
    if min(one.std(), other.std()) < 2:
        return 1.0
    return float(np.corrcoef(one, other)[0, 1])


def _small(image: Image | cv2.typing.MatLike, size: tuple[int, int]) -> Grey:
    return np.asarray(cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA), np.uint8)


def _filled(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Frames between two looks get the earlier one's value."""
    known = ~np.isnan(values)
    if not known.any():
        return values
    last = np.maximum.accumulate(np.where(known, np.arange(len(values)), -1))
    return np.where(last >= 0, values[np.maximum(last, 0)], values[int(np.argmax(known))])
