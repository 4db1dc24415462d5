"""Training batches: parallel streams of consecutive frames, cropped around the person.

Every row of a batch is a stream that walks forward through the footage, so that the student's own
last output can be its state: what it is trained on is what it meets on stage. After `length` steps
a stream ends and another begins, with an empty state. A batch is a function of (seed, step) alone,
which makes a resumed run equal to one that was never stopped.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from live.frames import Image
from live.parts import Part
from live.skeleton import Drawer, LabelStyle
from live.window import into_window
from training.augment import AugmentSettings, Faults, draw_faults
from training.dataset import SEEN_SCORE, Dataset
from training.framing import MULTIPLE
from training.masks import Box, make_masks, person_box
from training.places import Place, frames_with, seen_places
from training.teacher.heads import ABSENT
from training.views import grown, on_stage, view

LARGEST_CROP = (0.55, 0.45)  # (height, width), fractions of the picture's height
SMALLEST_CROP = 96  # pixels
GRID = 16  # pixels: on it a crop is painted by the student nearly as the whole picture is


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """What a batch is made of."""

    rows: int = 12
    crop: tuple[int, int] | None = None  # (height, width), pixels; None: as large as the figure
    length: int = 4  # steps of one stream
    stride: int = 3  # frames between two steps of a stream, at most
    slack: float = 0.12  # of the crop's sides, by which the figure may stand off its middle
    aside_chance: float = 0.08  # of a crop anywhere instead of on the person
    zoom: float = 0.05  # windows are up to so much larger or smaller than on stage
    augment: AugmentSettings = AugmentSettings()


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """One step's input and truth; float32 in [0, 1] unless said otherwise."""

    label: Tensor  # (B, 3, h, w) in [-1, 1]
    truth: Tensor  # (B, 3, h, w) RGB
    plate: Tensor  # (B, 3, h, w) RGB
    weight: Tensor  # (B, 1, h, w), >= 0
    solid: Tensor  # (B, 1, h, w)
    clear: Tensor  # (B, 1, h, w)
    begins: Tensor  # (B, 1, 1, 1): 1 where a stream begins and the state must be empty
    taught: Tensor | None = None  # (B, 3, h, w) RGB: a teacher's picture, where there is one
    corners: Tensor | None = None  # (B, 2) int64: (top, left) of a part's square, -1 without one

    def to(self, device: torch.device) -> Batch:
        """The same on `device`."""
        held = {f.name: getattr(self, f.name) for f in fields(self)}
        moved: dict[str, Any] = {k: t if t is None else t.to(device) for k, t in held.items()}
        return Batch(**moved)


class Pictures(Protocol):
    """Somebody's pictures of the dataset's training frames."""

    def frame(self, number: int) -> Image: ...


@dataclass(frozen=True, slots=True, eq=False)
class _Stream:
    start: int
    stride: int
    box: Box
    faults: Faults
    zoom: float
    place: Place | None = None  # of the part that it is around


class Batches:
    """Makes the batch of any step. Safe to call from several threads."""

    def __init__(
        self,
        data: Dataset,
        style: LabelStyle,
        settings: BatchSettings,
        seed: int,
        teacher: Pictures | None = None,
        part: Part | None = None,
    ) -> None:
        """With `part` crops are around it, and say where its square is: one hand's a stream."""
        self.settings = settings
        self._data = data
        self._teacher = teacher
        self._seed = seed
        self._drawer = Drawer(data.size, style)
        self._unseen = data.unseen.astype(np.float32)
        self._part = part
        self._side = part.side(data.size[0]) if part else 0
        self.starts = frames_with(part, data, data.train) if part else data.train
        """Numbers of the frames that streams may begin at."""
        crop = settings.crop or figure_size(data)
        self._height, self._width = min(crop[0], data.size[0]), min(crop[1], data.size[1])

    @property
    def crop(self) -> tuple[int, int]:
        """(height, width) of what it makes, pixels."""
        return self._height, self._width

    def make(self, step: int) -> Batch:
        """The batch of `step`, counted from 0."""
        parts = [self._row(step, row) for row in range(self.settings.rows)]
        arrays = {name: np.stack([part[name] for part in parts]) for name in parts[0]}
        return Batch(
            label=_planes(arrays["label"]) * 2 - 1,
            truth=_planes(arrays["truth"]),
            plate=_planes(arrays["plate"]),
            weight=torch.from_numpy(arrays["weight"][:, None]),
            solid=torch.from_numpy(arrays["solid"][:, None]),
            clear=torch.from_numpy(arrays["clear"][:, None]),
            begins=torch.from_numpy(arrays["begins"])[:, None, None, None],
            taught=_planes(arrays["taught"]) if self._teacher else None,
            corners=torch.from_numpy(arrays["corners"]) if self._part else None,
        )

    def _row(self, step: int, row: int) -> dict[str, NDArray[np.generic]]:
        # Rows begin their streams at different steps, so that every batch has some of each age.
        number, age = divmod(step + row, self.settings.length)
        stream = self._stream(np.random.default_rng((self._seed, row, number)))
        frame = self._frame_of(stream, age)
        points, scores = self._data.points[frame], self._data.scores[frame]
        rng = np.random.default_rng((self._seed, row, number, age))
        data, size = self._data, self._data.size
        region = grown(data.regions[frame], stream.zoom)
        points = into_window(points, region, size)
        drawn = stream.faults.apply(points, scores.copy(), rng)
        label = self._drawer.draw(*drawn)
        cut = (slice(stream.box.top, stream.box.bottom), slice(stream.box.left, stream.box.right))
        nobody = stream.faults.nobody
        plate = view(data.plate, region, size)[cut]
        truth = plate if nobody else view(data.frame(frame), region, size)[cut]
        unseen = view(self._unseen, region, size)[cut]
        corner = np.array([stream.box.left, stream.box.top], np.float32)
        shown = scores * np.float32(not nobody)
        masks = make_masks(truth, plate, unseen, points - corner, shown)
        inside = on_stage(region, data.stage, size)[cut]  # what lies outside is never shown
        held: dict[str, NDArray[np.generic]] = {
            "label": label[cut],
            "truth": truth,
            "plate": plate,
            "weight": masks.weight * inside,
            "solid": masks.solid * inside,
            "clear": masks.clear * inside,
            "begins": np.asarray(age == 0, np.float32),
        }
        if stream.place:
            held["corners"] = self._corner(stream.place, *drawn, stream.box)
        if self._teacher:
            held["taught"] = (
                plate if nobody else view(self._teacher.frame(frame), region, size)[cut]
            )
        return held

    def _corner(
        self, place: Place, points: NDArray[np.float32], scores: NDArray[np.float32], box: Box
    ) -> NDArray[np.int64]:
        """(top, left) of the part's square in the crop, -1 where it is not whole in there."""
        corner = place.square(points, scores, self._data.size, self._side)
        absent = np.full(2, ABSENT, np.int64)
        if corner is None:
            return absent
        found = np.array(corner, np.int64) - np.array([box.top, box.left], np.int64)
        most = np.array([self._height, self._width]) - self._side
        return found if ((found >= 0) & (found <= most)).all() else absent

    def _stream(self, rng: np.random.Generator) -> _Stream:
        start = int(rng.choice(self.starts))
        zoom = 1 + self.settings.zoom * rng.uniform(-1, 1)
        place = self._place(start, rng)
        return _Stream(
            start=start,
            stride=int(rng.integers(1, self.settings.stride + 1)),
            box=self._box(start, zoom, place, rng),
            faults=draw_faults(self.settings.augment, self._data.size[0], rng),
            zoom=zoom,
            place=place,
        )

    def _place(self, frame: int, rng: np.random.Generator) -> Place | None:
        """The head, or one of the hands that are seen, whichever."""
        if self._part is None:
            return None
        seen = seen_places(self._part, self._data, frame)
        return seen[int(rng.integers(len(seen)))] if len(seen) > 1 else seen[0]

    def _frame_of(self, stream: _Stream, age: int) -> int:
        """The frame `age` steps into the stream; it stays where the clip or the person ends."""
        data, frame = self._data, stream.start
        for _ in range(age):
            after = frame + stream.stride
            if (
                after >= data.train_count
                or data.clips[after] != data.clips[frame]
                or not data.seen[after]
            ):
                break
            frame = after
        return frame

    def _box(self, frame: int, zoom: float, place: Place | None, rng: np.random.Generator) -> Box:
        """A crop around figure or part, never always centred, or at times anywhere."""
        crop = np.array([self._width, self._height])
        scores = self._data.scores[frame]
        seen = place.joints(scores) if place else scores > SEEN_SCORE
        region = grown(self._data.regions[frame], zoom)
        places = into_window(self._data.points[frame][seen], region, self._data.size)
        low, high = places.min(0), places.max(0)
        # A figure larger than the crop is shown in parts, each as often as the others.
        reach = self.settings.slack * crop + np.maximum(high - low - 0.8 * crop, 0) / 2
        middle = (low + high) / 2 + rng.uniform(-1, 1, 2) * reach
        if rng.random() < self.settings.aside_chance:
            middle = rng.uniform(0, 1, 2) * self._data.size[::-1]
        most = np.array(self._data.size[::-1]) - crop
        corner = np.clip(middle - crop / 2, 0, most)
        if place:  # its net learns to mend what the student paints on stage, and that has a grid
            corner = np.minimum((corner / GRID).round(), most // GRID) * GRID
        left, top = corner.astype(int)
        return Box(int(left), int(top), int(left) + self._width, int(top) + self._height)


def figure_size(data: Dataset) -> tuple[int, int]:
    """(height, width) of a crop that holds a typical figure, in multiples of 32 and not too large.

    Nothing but background lies outside, and a net without normalization needs little of that: on
    whole frames the same seconds would teach a fraction of it. A figure that is larger is shown in
    parts.
    """
    boxes = [
        person_box(
            into_window(data.points[n], data.regions[n], data.size), data.scores[n], data.size
        )
        for n in data.train
    ]
    sides = np.array([(b.bottom - b.top, b.right - b.left) for b in boxes if b])
    most = np.array(LARGEST_CROP) * data.size[0]
    needed = np.minimum(np.quantile(sides, 0.6, axis=0), most)
    height, width = (
        max(int(np.ceil(side / MULTIPLE)) * MULTIPLE, SMALLEST_CROP) for side in needed
    )
    return min(height, data.size[0]), min(width, data.size[1])


def _planes(images: NDArray[np.generic]) -> Tensor:
    """RGB uint8 (B, h, w, 3) -> float32 (B, 3, h, w) in [0, 1], channels last in memory."""
    planes = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2)
    return planes.float().div_(255)
