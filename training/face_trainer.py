"""One step of a part's net after another, on squares of what the finished student makes."""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from live.parts import FACE, HANDS, Part
from training.batches import Batch
from training.duel import Duel
from training.face_net import FaceShape, FaceStudent
from training.losses import LossWeights, alpha_loss, motion_loss, weighted_l1
from training.nets import Student, compose
from training.perceptual import PerceptualFeatures, perceptual_distance
from training.teacher.heads import cut_out, put_back

FACE_WEIGHTS = LossWeights(
    pixel=10.0, perceptual=1.0, alpha=0.5, motion=2.0, adversarial=0.05, features=0.6
)
"""The paper's terms, and beside them what keeps a face true and steady."""

HANDS_WEIGHTS = LossWeights(
    pixel=3.0, perceptual=1.0, alpha=0.5, motion=1.0, adversarial=0.5, features=2.0
)
"""Fingers move faster than poses tell: what is true on the average of them is a blur."""

LEAST_PX = 64
"""Of squares that features and critic see: their strides leave little of smaller ones."""


@dataclass(frozen=True, slots=True)
class FaceSettings:
    """Rates and weights."""

    rate: float = 5e-4  # Adam's at its peak: of the net's ends, biases and gains
    muon_rate: float = 0.01  # Muon's at its peak: of the kernels between
    critic_rate: float = 3e-4
    adversarial_from: float = 0.25  # share of the training after which the critic is heard
    weights: LossWeights = FACE_WEIGHTS


# A critic at the face's rate still draws after 600 steps with hands, and has nothing to teach.
HANDS_SETTINGS = FaceSettings(critic_rate=1e-3, adversarial_from=0.15, weights=HANDS_WEIGHTS)

_SETTINGS = {FACE.name: FaceSettings(), HANDS.name: HANDS_SETTINGS}


def settings_for(part: Part) -> FaceSettings:
    """A part's own."""
    return _SETTINGS[part.name]


def enlargement(shape: FaceShape) -> int:
    """So many times as wide are squares when features and critic see them."""
    return 2 if shape.side < LEAST_PX else 1


@dataclass(frozen=True, slots=True, eq=False)
class _Made:
    """What the student made of a crop, and what was made of that."""

    student: Tensor  # (B, 4, h, w), premultiplied RGBA: the next state
    corrected: Tensor  # the same with the squares that were corrected


class FaceTrainer:
    """Holds everything that changes while training. The student stands still.

    On stage the hands come after the face, so that a hand before the face is given a face that is
    corrected already, and of two hands that touch the second is given what the first has become;
    here each is given the student's picture. That is seldom, and they differ by a level or two.
    """

    def __init__(
        self, student: Student, shape: FaceShape, settings: FaceSettings, device: torch.device
    ) -> None:
        layout = torch.channels_last
        self.settings, self.device = settings, device
        self._weights = asdict(settings.weights)
        self.student = copy.deepcopy(student).requires_grad_(False).eval()
        self.student.to(device, memory_format=layout)  # type: ignore[call-overload]
        self._larger = enlargement(shape)
        self._duel = Duel(FaceStudent(shape), settings, device)
        self.net, self.average = self._duel.net, self._duel.average
        self.perceptual = PerceptualFeatures().to(device, memory_format=layout)  # type: ignore[call-overload]
        self.step = 0
        self.samples = 0
        self._last: _Made | None = None
        self._truth: Tensor | None = None  # what the last should have been, (B, 3, h, w)

    def train(self, batch: Batch, progress: float) -> dict[str, float]:
        """One step on a batch that has `corners`; returns the losses by name.

        Rows whose part is not seen teach nothing; they only go on with the student's state. Raises
        NotFinite before anything is spoilt.
        """
        batch = batch.to(self.device)
        assert batch.corners is not None
        last, truth_before = self._before(batch)
        with torch.no_grad():
            rgba = self.student(batch.label, last.student)
        rows = (batch.corners[:, 0] >= 0).nonzero()[:, 0]
        terms: dict[str, Tensor] = {}
        corrected = rgba
        if len(rows):
            terms, squares = self._step(
                _rows(batch, rows), rgba[rows], last.corrected[rows], truth_before[rows], progress
            )
            with torch.no_grad():
                corrected = rgba.clone()
                corrected[rows] = put_back(rgba[rows], squares, batch.corners[rows])
        self._last, self._truth = _Made(rgba, corrected), batch.truth
        self.step += 1
        self.samples += len(rows)
        return {name: float(value) for name, value in terms.items()}

    def _before(self, batch: Batch) -> tuple[_Made, Tensor]:
        """What was made last and its truth; empty where a stream begins."""
        shape = (len(batch.truth), 4, *batch.truth.shape[-2:])
        if self._last is None or self._last.student.shape != shape:
            batch.begins.fill_(1)
            empty = torch.zeros(shape, device=self.device)
            return _Made(empty, empty), torch.zeros_like(batch.truth)
        assert self._truth is not None
        kept = 1 - batch.begins
        return _Made(self._last.student * kept, self._last.corrected * kept), self._truth

    def _step(
        self, batch: Batch, rgba: Tensor, before: Tensor, truth_before: Tensor, progress: float
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Learn from rows that all have a square; losses, and the new squares (N, 4, s, s)."""
        assert batch.corners is not None
        side, corners = self.net.shape.side, batch.corners
        before = cut_out(compose(before, batch.plate), corners, side)
        truth_before = cut_out(truth_before, corners, side)
        rgba = as_bytes(cut_out(rgba, corners, side))
        batch = _squares(batch, side)
        squares = self.net(batch.label, rgba)
        picture = compose(squares, batch.plate)
        seen = [self._seen(planes) for planes in (batch.label, batch.truth, picture)]
        goes_on = batch.weight * (1 - batch.begins)
        terms = self._terms(batch, squares, picture, seen) | {
            "motion": motion_loss(picture, before, batch.truth, truth_before, goes_on)
        }
        if progress >= self.settings.adversarial_from:
            terms |= self._duel.judged(*seen)[0]
        total = torch.stack([self._weights[k] * v for k, v in terms.items()]).sum()
        self._duel.learn(total, self.step, progress)
        # It sees squares from the first step on: when it is heard, it knows something.
        terms["critic"] = self._duel.learn_to_judge(
            seen[0], seen[1], seen[2].detach(), self.step, progress
        )
        return {"total": total.detach(), **{k: v.detach() for k, v in terms.items()}}, (
            squares.detach()
        )

    def _seen(self, planes: Tensor) -> Tensor:
        """As features and critic see them, (N, 3, h, w)."""
        if self._larger == 1:
            return planes
        return F.interpolate(planes, scale_factor=float(self._larger), mode="bilinear")

    def _terms(
        self, batch: Batch, squares: Tensor, picture: Tensor, seen: list[Tensor]
    ) -> dict[str, Tensor]:
        with torch.no_grad():
            wanted = self.perceptual(seen[1])
        found = self.perceptual(seen[2])
        return {
            "pixel": weighted_l1(picture, batch.truth, batch.weight),
            "alpha": alpha_loss(squares[:, 3:], batch.solid, batch.clear),
            "perceptual": perceptual_distance(wanted, found, batch.weight),
        }

    def content(self) -> dict[str, Any]:
        """Everything that `restore` needs: tensors and plain data."""
        last = self._last
        return {
            "step": self.step,
            "samples": self.samples,
            **self._duel.content(),
            "state": last and last.student,
            "corrected": last and last.corrected,
            "truth": self._truth,
        }

    def restore(self, content: dict[str, Any]) -> None:
        """Go on exactly where `content` was taken."""
        self.step, self.samples = content["step"], content["samples"]
        self._duel.restore(content)
        held = [content[name] for name in ("state", "corrected", "truth")]
        if held[0] is not None:
            state, corrected, self._truth = (part.to(self.device) for part in held)
            self._last = _Made(state, corrected)


def as_bytes(rgba: Tensor) -> Tensor:
    """Rounded to the 255 levels in which the stage hands the student's picture on."""
    return (rgba * 255).round() / 255


def _rows(batch: Batch, rows: Tensor) -> Batch:
    """The batch of these rows alone."""
    held = {f.name: getattr(batch, f.name) for f in fields(batch)}
    return replace(batch, **{k: v[rows] for k, v in held.items() if v is not None})


def _squares(batch: Batch, side: int) -> Batch:
    """Of every picture in the batch the part's square."""
    assert batch.corners is not None
    names = ("label", "truth", "plate", "weight", "solid", "clear")
    return replace(batch, **{k: cut_out(getattr(batch, k), batch.corners, side) for k in names})
