"""One training step after another: nets, optimizers, averages, and what a checkpoint holds."""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from training.batches import Batch
from training.discriminator import Discriminator
from training.distil import DistilWeights, taught_features, taught_terms
from training.finite import check_finite
from training.losses import (
    LossWeights,
    alpha_loss,
    discriminator_loss,
    feature_matching,
    generator_loss,
    motion_loss,
    weighted_l1,
)
from training.muon import Muon
from training.nets import Student, StudentShape, compose
from training.perceptual import PerceptualFeatures, perceptual_distance
from training.schedule import average_decay, learning_rate


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
        layout = torch.channels_last  # twice as fast in oneDNN and cuDNN
        self.settings = settings
        self._weights = asdict(settings.weights) | asdict(distil or DistilWeights())
        self.device = device
        self.net = Student(shape).to(device, memory_format=layout)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.net).requires_grad_(False).eval()
        self.critic = Discriminator().to(device, memory_format=layout)  # type: ignore[call-overload]
        self.perceptual = PerceptualFeatures().to(device, memory_format=layout)  # type: ignore[call-overload]
        inner = inner_kernels(self.net)
        outer = [p for p in self.net.parameters() if not any(p is kernel for kernel in inner)]
        self._muon = Muon(inner, settings.muon_rate)
        self._adam = adam(outer, settings.rate, (0.9, 0.99))
        critic = list(self.critic.parameters())
        self._critic_adam = adam(critic, settings.critic_rate, (0.5, 0.99))
        self.step = 0
        self.samples = 0
        self._state: Tensor | None = None  # the last output, (B, 4, h, w)
        self._truth: Tensor | None = None  # and what it should have been, (B, 3, h, w)

    def train(self, batch: Batch, progress: float, adversarial: bool) -> dict[str, float]:
        """One step; returns the losses by name. Raises NotFinite before anything is spoilt."""
        batch = batch.to(self.device)
        goes_on = 1 - batch.begins
        state, truth_before = self._before(batch)
        rgba = self.net(batch.label, state)
        picture = compose(rgba, batch.plate)
        terms = self._terms(batch, rgba, picture)
        before = compose(state, batch.plate)
        terms["motion"] = motion_loss(
            picture, before, batch.truth, truth_before, batch.weight * goes_on
        )
        if adversarial:
            terms |= self._adversarial(batch, picture)
        total = torch.stack([self._weights[k] * v for k, v in terms.items()]).sum()
        self._apply(total, progress)
        if adversarial:
            terms["critic"] = self._train_critic(batch, picture.detach(), progress)
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

    def _terms(self, batch: Batch, rgba: Tensor, picture: Tensor) -> dict[str, Tensor]:
        weights = self.settings.weights
        terms = {
            "pixel": weighted_l1(picture, batch.truth, batch.weight),
            "alpha": alpha_loss(rgba[:, 3:], batch.solid, batch.clear),
        }
        taught = batch.taught
        found = self.perceptual(picture) if weights.perceptual or taught is not None else []
        if weights.perceptual:
            with torch.no_grad():
                wanted = self.perceptual(batch.truth)
            terms["perceptual"] = perceptual_distance(wanted, found, batch.weight)
        if taught is not None:
            with torch.no_grad():
                wanted = self.perceptual(taught)
            terms |= taught_terms(picture, taught, batch.weight, found, wanted)
        return terms

    def _adversarial(self, batch: Batch, picture: Tensor) -> dict[str, Tensor]:
        self.critic.requires_grad_(False)
        with torch.no_grad():
            real = self.critic(batch.label, batch.truth)
        fake = self.critic(batch.label, picture)
        self.critic.requires_grad_(True)
        terms = {
            "adversarial": generator_loss(fake.scores),
            "features": feature_matching(real.features, fake.features),
        }
        if batch.taught is not None:
            terms |= taught_features(self.critic, batch.label, batch.taught, fake)
        return terms

    def _apply(self, total: Tensor, progress: float) -> None:
        set_rate(self._muon, learning_rate(self.settings.muon_rate, self.step, progress))
        set_rate(self._adam, learning_rate(self.settings.rate, self.step, progress))
        self.net.zero_grad(set_to_none=True)
        total.backward()
        norm = nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        check_finite(self.step, [norm], generator=total)
        self._muon.step()
        self._adam.step()
        decay = average_decay(self.step)
        with torch.no_grad():
            averages, news = list(self.average.parameters()), list(self.net.parameters())
            torch._foreach_lerp_(averages, news, 1 - decay)
        self.step += 1

    def _train_critic(self, batch: Batch, picture: Tensor, progress: float) -> Tensor:
        set_rate(self._critic_adam, learning_rate(self.settings.critic_rate, self.step, progress))
        real, fake = self.critic(batch.label, batch.truth), self.critic(batch.label, picture)
        loss = discriminator_loss(real.scores, fake.scores)
        self._critic_adam.zero_grad(set_to_none=True)
        loss.backward()
        gradients = [p.grad for p in self.critic.parameters() if p.grad is not None]
        check_finite(self.step, [nn.utils.get_total_norm(gradients)], critic=loss)
        self._critic_adam.step()
        return loss

    def forget_streams(self) -> None:
        """The next batch is of another kind: its streams begin anew."""
        self._state = None

    def content(self) -> dict[str, Any]:
        """Everything that `restore` needs: tensors and plain data."""
        return {
            "step": self.step,
            "samples": self.samples,
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "critic": self.critic.state_dict(),
            "muon": self._muon.state_dict(),
            "adam": self._adam.state_dict(),
            "critic_adam": self._critic_adam.state_dict(),
            "state": self._state,
            "truth": self._truth,
            "rng": torch.get_rng_state(),
        }

    def restore(self, content: dict[str, Any]) -> None:
        """Go on exactly where `content` was taken."""
        self.step = content["step"]
        self.samples = content["samples"]
        self.net.load_state_dict(content["net"])
        self.average.load_state_dict(content["average"])
        self.critic.load_state_dict(content["critic"])
        self._muon.load_state_dict(content["muon"])
        self._adam.load_state_dict(content["adam"])
        self._critic_adam.load_state_dict(content["critic_adam"])
        held = (content["state"], content["truth"])
        self._state, self._truth = (t if t is None else t.to(self.device) for t in held)
        torch.set_rng_state(content["rng"])


def inner_kernels(net: nn.Module) -> list[nn.Parameter]:
    """What Muon is for: every kernel but those of its convolutions `stem` and `head`, the ends."""
    ends = {id(net.get_parameter(f"{end}.weight")) for end in ("stem", "head")}
    return [p for p in net.parameters() if p.ndim == 4 and id(p) not in ends]


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Of all its parameters."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def adam(
    parameters: list[nn.Parameter], rate: float, betas: tuple[float, float]
) -> torch.optim.Adam:
    """Of several at once, by one kernel."""
    return torch.optim.Adam(parameters, rate, betas, eps=1e-8, fused=True)
