"""One training step after another: nets, optimizers, averages, and what a checkpoint holds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from training.batches import Batch
from training.distil import DistilWeights, taught_features, taught_terms
from training.duel import Duel
from training.losses import LossWeights, alpha_loss, motion_loss, weighted_l1, weighted_square
from training.nets import Student, StudentShape, compose
from training.perceptual import PerceptualFeatures, perceptual_distance


@dataclass(frozen=True, slots=True)
class TrainerSettings:
    """Rates and weights."""

    rate: float = 1e-3  # Adam's at its peak: of the student's ends, biases and gains
    muon_rate: float = 0.02  # Muon's at its peak: of the kernels between, nearly all the weights
    critic_rate: float = 3e-4
    weights: LossWeights = LossWeights()


class Trainer:
    """Holds everything that changes while training."""

    def __init__(
        self,
        shape: StudentShape,
        settings: TrainerSettings,
        device: torch.device,
        distil: DistilWeights | None = None,
    ) -> None:
        self.settings = settings
        self._weights = asdict(settings.weights) | asdict(distil or DistilWeights())
        self.device = device
        self._duel = Duel(Student(shape), settings, device)
        self.net, self.average = self._duel.net, self._duel.average
        layout = torch.channels_last  # as the duel's nets
        self.perceptual = PerceptualFeatures().to(device, memory_format=layout)  # type: ignore[call-overload]
        self.step = 0
        self.samples = 0
        self._state: Tensor | None = None  # the last output, (B, 4, h, w)
        self._truth: Tensor | None = None  # and what it should have been, (B, 3, h, w)

    def train(
        self, batch: Batch, progress: float, adversarial: bool, perceptual: bool = True
    ) -> dict[str, float]:
        """One step; returns the losses by name. Raises NotFinite before anything is spoilt."""
        batch = batch.to(self.device)
        state, truth_before = self._before(batch)
        goes_on = 1 - batch.begins  # after it: without a step before, every stream begins
        rgba = self.net(batch.label, state)
        picture = compose(rgba, batch.plate)
        terms = self._terms(batch, rgba, picture, perceptual)
        before = compose(state, batch.plate)
        terms["motion"] = motion_loss(
            picture, before, batch.truth, truth_before, batch.weight * goes_on
        )
        if adversarial:
            terms |= self._adversarial(batch, picture)
        total = torch.stack([self._weights[k] * v for k, v in terms.items()]).sum()
        self._apply(total, progress)
        if adversarial:
            terms["critic"] = self._duel.learn_to_judge(
                batch.label, batch.truth, picture.detach(), self.step, progress
            )
        self._state, self._truth = rgba.detach(), batch.truth
        self.samples += len(batch.label)
        return {"total": float(total.detach()), **{k: float(v.detach()) for k, v in terms.items()}}

    def _before(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The last step's output and truth, emptied where a stream begins."""
        if self._state is None or self._state.shape[-2:] != batch.truth.shape[-2:]:
            batch.begins.fill_(1)
            self._state = torch.zeros_like(torch.cat([batch.truth, batch.weight], 1))
            self._truth = torch.zeros_like(batch.truth)
        if len(self._state) != len(batch.truth):
            self._state = None
            return self._before(batch)
        assert self._truth is not None
        return self._state * (1 - batch.begins), self._truth

    def _terms(
        self, batch: Batch, rgba: Tensor, picture: Tensor, perceptual: bool
    ) -> dict[str, Tensor]:
        weights = self.settings.weights
        terms = {
            "pixel": weighted_l1(picture, batch.truth, batch.weight),
            "alpha": alpha_loss(rgba[:, 3:], batch.solid, batch.clear),
        }
        if weights.square:
            terms["square"] = weighted_square(picture, batch.truth, batch.weight)
        taught = batch.taught
        perceptual = perceptual and weights.perceptual > 0
        found = self.perceptual(picture) if perceptual or taught is not None else []
        if perceptual:
            with torch.no_grad():
                wanted = self.perceptual(batch.truth)
            terms["perceptual"] = perceptual_distance(wanted, found, batch.weight)
        if taught is not None:
            with torch.no_grad():
                wanted = self.perceptual(taught)
            terms |= taught_terms(picture, taught, batch.weight, found, wanted)
        return terms

    def _adversarial(self, batch: Batch, picture: Tensor) -> dict[str, Tensor]:
        terms, fake = self._duel.judged(batch.label, batch.truth, picture)
        if batch.taught is not None:
            terms |= taught_features(self._duel.critic, batch.label, batch.taught, fake)
        return terms

    def _apply(self, total: Tensor, progress: float) -> None:
        self._duel.learn(total, self.step, progress)
        self.step += 1

    def forget_streams(self) -> None:
        """The next batch is of another kind: its streams begin anew."""
        self._state = None

    def content(self) -> dict[str, Any]:
        """Everything that `restore` needs: tensors and plain data."""
        return {
            "step": self.step,
            "samples": self.samples,
            **self._duel.content(),
            "state": self._state,
            "truth": self._truth,
            "rng": torch.get_rng_state(),
        }

    def restore(self, content: dict[str, Any]) -> None:
        """Go on exactly where `content` was taken."""
        self.step = content["step"]
        self.samples = content["samples"]
        self._duel.restore(content)
        held = (content["state"], content["truth"])
        self._state, self._truth = (t if t is None else t.to(self.device) for t in held)
        torch.set_rng_state(content["rng"])
