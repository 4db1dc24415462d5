"""The teacher's batches: runs of consecutive frames of the whole stage.

A batch is a function of (seed, step) alone, which makes a resumed run equal to one that was never
stopped; and a row is one of (seed, step, row), so that processes can share a batch by rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from live.errors import SetupError
from live.skeleton import Drawer, LabelStyle
from training.augment import AugmentSettings, Faults, draw_faults
from training.dataset import Dataset
from training.masks import make_masks
from training.teacher.fit import Fit
from training.teacher.heads import ABSENT, head_corner

TEACHERS_FAULTS = AugmentSettings(drop_figure_chance=0.0)
"""Never an empty label: it is the same everywhere, so convolutions and instance normalization can
paint but one colour from it, and normalizing what does not vary makes gradients of rounding errors.
"""
NO_FAULTS = Faults(0.0, np.zeros(0, np.int64), 1.0, False)


@dataclass(frozen=True, slots=True)
class ClipSettings:
    """What a batch is made of."""

    size: tuple[int, int]  # (height, width) of the pictures, pixels
    rows: int = 1  # over all processes
    frames: int = 2  # consecutive ones, unrolled from zeros
    face_side: int = 0  # of the face net's square; above 0, only frames that show the head count
    foreground: bool = False  # places that differ from the plate count more
    augment: AugmentSettings = TEACHERS_FAULTS


@dataclass(frozen=True, slots=True, eq=False)
class Clips:
    """Input and truth of one step: B runs of U frames."""

    label: Tensor  # (B, U, 3, h, w) float32 in [-1, 1], RGB
    truth: Tensor  # (B, U, 3, h, w) float32 in [-1, 1], RGB
    weight: Tensor  # (B, U, 1, h, w) float32 >= 0, mean 1 in every picture
    heads: Tensor  # (B, U, 2) int64: top, left of the face square, -1 where there is none

    def to(self, device: torch.device) -> Clips:
        """The same on `device`."""
        moved = {f.name: getattr(self, f.name).to(device, non_blocking=True) for f in fields(self)}
        return Clips(**moved)

    def pinned(self) -> Clips:
        """The same where a GPU fetches it without the CPU's help."""
        return Clips(**{f.name: getattr(self, f.name).pin_memory() for f in fields(self)})


@dataclass(frozen=True, slots=True, eq=False)
class _Picture:
    label: NDArray[np.uint8]
    truth: NDArray[np.uint8]
    weight: NDArray[np.float32]
    head: tuple[int, int]


class ClipBatches:
    """Makes the batch of any step. Safe to call from several threads."""

    def __init__(
        self,
        data: Dataset,
        style: LabelStyle,
        settings: ClipSettings,
        seed: int,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        """`share` is (this process' number, how many there are). Raises SetupError."""
        self.settings = settings
        self.fit = Fit(data.stage, settings.size)
        self._data, self._seed = data, seed
        self._drawer = Drawer(settings.size, style)
        self._rows = range(settings.rows)[share[0] :: share[1]]
        self._plate = self.fit.image(data.plate)
        unseen = self.fit.image(data.unseen.astype(np.uint8) * np.uint8(255))
        self._unseen = unseen.astype(np.float32) / np.float32(255)
        self._inside = self.fit.inside()
        self.starts = self._find_starts()
        if settings.rows % share[1]:
            raise SetupError(
                f"--batch {settings.rows} cannot be shared by {share[1]} processes; "
                f"{-(-settings.rows // share[1]) * share[1]} could"
            )

    def make(self, step: int) -> Clips:
        """This process' rows of the batch of `step`, counted from 0."""
        return _stacked([self._row(step, row) for row in self._rows])

    def exact(self, starts: Sequence[int]) -> Clips:
        """The runs that begin at `starts`, without faults: to look at, or to learn by heart."""
        rng = np.random.default_rng(0)
        return _stacked([self._run(start, NO_FAULTS, rng) for start in starts])

    def _find_starts(self) -> NDArray[np.int64]:
        """Training frames that begin a run of enough frames without a cut or a lost person."""
        data, frames = self._data, self.settings.frames
        good = np.zeros(len(data), bool)
        good[data.train] = True
        if self.settings.face_side:
            good &= np.array([self._head(n) != (ABSENT, ABSENT) for n in range(len(data))])
        last = max(len(data) - frames + 1, 0)
        begins = np.ones(last, bool)
        for ahead in range(frames):
            begins &= good[ahead : last + ahead]
            begins &= data.clips[ahead : last + ahead] == data.clips[:last]
        starts = np.flatnonzero(begins)
        if not len(starts):
            wanted = "the head" if self.settings.face_side else "the person"
            raise SetupError(
                f"{data.folder} has no {frames} training frames in a row that show {wanted}; "
                f"film more, or ask for a shorter --unroll or a smaller --face"
            )
        return starts

    def _head(self, number: int) -> tuple[int, int]:
        points, scores = self.fit.points(self._data.points[number]), self._data.scores[number]
        side = self.settings.face_side
        return head_corner(points, scores, self.settings.size, side) if side else (ABSENT, ABSENT)

    def _row(self, step: int, row: int) -> list[_Picture]:
        rng = np.random.default_rng((self._seed, step, row))
        start = int(rng.choice(self.starts))
        faults = draw_faults(self.settings.augment, self.settings.size[0], rng)
        return self._run(start, faults, rng)

    def _run(self, start: int, faults: Faults, rng: np.random.Generator) -> list[_Picture]:
        numbers = range(start, start + self.settings.frames)
        return [self._picture(number, faults, rng) for number in numbers]

    def _picture(self, number: int, faults: Faults, rng: np.random.Generator) -> _Picture:
        points, scores = self.fit.points(self._data.points[number]), self._data.scores[number]
        label = self._drawer.draw(*faults.apply(points, scores.copy(), rng))
        truth = self._plate if faults.nobody else self.fit.image(self._data.frame(number))
        weight = self._inside.astype(np.float32)
        if self.settings.foreground:
            shown = scores * np.float32(not faults.nobody)
            weight = weight * make_masks(truth, self._plate, self._unseen, points, shown).weight
        return _Picture(label, truth, weight / weight.mean(), self._head(number))


def _stacked(runs: list[list[_Picture]]) -> Clips:
    def gathered(name: str) -> NDArray[np.generic]:
        return np.stack([np.stack([getattr(one, name) for one in run]) for run in runs])

    return Clips(
        label=_planes(gathered("label")),
        truth=_planes(gathered("truth")),
        weight=torch.from_numpy(gathered("weight"))[:, :, None],
        heads=torch.from_numpy(gathered("head").astype(np.int64)),
    )


def _planes(images: NDArray[np.generic]) -> Tensor:
    """RGB uint8 (B, U, h, w, 3) -> float32 (B, U, 3, h, w) in [-1, 1]."""
    planes = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 1, 4, 2, 3)
    return planes.float().div_(127.5).sub_(1)
