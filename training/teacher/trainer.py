"""One step of the teacher's training after another, and what a checkpoint holds of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from training.discriminator import Judgement
from training.finite import check_finite
from training.teacher.clips import Clips
from training.teacher.critic import Critic, together
from training.teacher.objective import (
    TeacherWeights,
    feature_matching,
    pixel_loss,
    summed_critic_loss,
    summed_generator_loss,
)
from training.teacher.stages import Judged, Stage
from training.teacher.world import World


@dataclass(frozen=True, slots=True)
class TeacherRates:
    """Adam's and the losses' settings (Chan et al., appendix)."""

    weights: TeacherWeights = TeacherWeights()
    rate: float = 2e-4
    beta1: float = 0.5
    clip_norm: float = 10.0  # of each net's gradient; far above what a healthy run has
    critic_width: int = 64
    scales: int = 2  # of the critic; 3 for the local enhancer
    bfloat16: bool = False
    channels_last: bool = False
    compiled: bool = False


class TeacherTrainer:
    """Holds everything that changes while a stage is trained."""

    def __init__(
        self, stage: Stage, rates: TeacherRates, backbone: nn.Module | None, world: World
    ) -> None:
        """`backbone` compares (found, wanted, weight); None where the perceptual weight is 0."""
        layout = torch.channels_last if rates.channels_last else torch.contiguous_format
        self.stage, self.rates, self.world = stage, rates, world
        self.device = world.device
        self.section: Callable[[str], AbstractContextManager[Any]] = lambda _: nullcontext()
        stage.module.to(self.device, memory_format=layout)  # type: ignore[call-overload]
        self.critic = Critic(12 if stage.pairs else 6, rates.scales, rates.critic_width)
        self.critic.to(self.device, memory_format=layout)  # type: ignore[call-overload]
        self._backbone = None if backbone is None else backbone.to(self.device)
        betas = (rates.beta1, 0.999)
        self._adam = torch.optim.Adam(stage.net.parameters(), rates.rate, betas, fused=True)
        self._critic_adam = torch.optim.Adam(
            self.critic.parameters(), rates.rate, betas, fused=True
        )
        self._share_out()
        self._judge = world.parallel(self.critic)
        self.step = 0
        self.samples = 0

    def _share_out(self) -> None:
        """Wrap the stage's module; again whenever other weights learn than before."""
        module = self.world.parallel(self.stage.module)
        self._module: Callable[..., Tensor] = (
            torch.compile(module) if self.rates.compiled else module
        )

    def train(self, clips: Clips, progress: float) -> dict[str, float]:
        """One step; returns the losses by name. Raises NotFinite before anything is spoilt."""
        if self.stage.freeze(progress):
            self._share_out()
        for adam in (self._adam, self._critic_adam):
            _set_rate(adam, self.rates.rate * linear_decay(progress))
        with self.section("data"):
            clips = clips.to(self.device)
        with self.section("forward"), self._precision():
            made = self._module(*self.stage.inputs(clips))
            judged = self.stage.judged(clips, made)
        # First the critic: its maps of the true pictures serve the generator, too.
        critic_loss, real_maps = self._teach_critic(judged)
        with self.section("forward"), self._precision():
            terms = self._terms(judged, real_maps)
            weights = self.rates.weights
            total = torch.stack([getattr(weights, k) * v.float() for k, v in terms.items()]).sum()
        with self.section("backward"):
            self._adam.zero_grad(set_to_none=True)
            total.backward()
        with self.section("optimizer"):
            self._apply(total, critic_loss)
        self.step += 1
        self.samples += len(clips.label) * self.world.size
        held = {"total": total, "critic": critic_loss, **terms}
        values = self.world.mean(torch.stack([v.detach().float() for v in held.values()]))
        return dict(zip(held, values.tolist(), strict=True))

    def _teach_critic(self, judged: Judged) -> tuple[Tensor, list[Tensor]]:
        """The critic's gradient; its step is taken with the generator's. And its real maps."""
        pairs = self.stage.pairs
        with self.section("forward"), self._precision():
            true = together(judged.label, judged.wanted, pairs)
            false = together(judged.label, judged.found.detach(), pairs)
            both: Judgement = self._judge(torch.cat([true, false]))
            real, fake = _halves(both, len(true))
            loss = summed_critic_loss(real, fake)
        with self.section("backward"):
            self._critic_adam.zero_grad(set_to_none=True)
            loss.backward()
        return loss, [maps.detach() for maps in real.features]

    def _terms(self, judged: Judged, real_maps: list[Tensor]) -> dict[str, Tensor]:
        weights, terms = self.rates.weights, dict[str, Tensor]()
        if weights.adversarial or weights.features:
            self.critic.requires_grad_(False)
            fake = self.critic(together(judged.label, judged.found, self.stage.pairs))
            self.critic.requires_grad_(True)
            terms["adversarial"] = summed_generator_loss(fake)
            terms["features"] = feature_matching(real_maps, fake)
        flat = [part.flatten(0, 1) for part in (judged.found, judged.wanted, judged.weight)]
        if self._backbone is not None:
            terms["perceptual"] = self._backbone(*flat)
        terms["pixel"] = pixel_loss(*flat)
        return terms

    def _apply(self, total: Tensor, critic_loss: Tensor) -> None:
        """Both optimizers' steps, if every number is one."""
        nets = (self.stage.net, self.critic)
        norms = [nn.utils.clip_grad_norm_(n.parameters(), self.rates.clip_norm) for n in nets]
        # Gradients are the same in every process, so all stop alike.
        check_finite(self.step, norms, generator=total, critic=critic_loss)
        self._adam.step()
        self._critic_adam.step()

    def _precision(self) -> torch.autocast:
        kind = self.device.type
        return torch.autocast(kind, torch.bfloat16, enabled=self.rates.bfloat16)

    def content(self) -> dict[str, Any]:
        """Everything that `restore` needs: tensors and plain data."""
        return {
            "step": self.step,
            "samples": self.samples,
            "net": self.stage.net.state_dict(),
            "critic": self.critic.state_dict(),
            "adam": self._adam.state_dict(),
            "critic_adam": self._critic_adam.state_dict(),
            "rng": torch.get_rng_state(),
        }

    def restore(self, content: dict[str, Any]) -> None:
        """Go on exactly where `content` was taken."""
        self.step, self.samples = content["step"], content["samples"]
        self.stage.net.load_state_dict(content["net"])
        self.critic.load_state_dict(content["critic"])
        self._adam.load_state_dict(content["adam"])
        self._critic_adam.load_state_dict(content["critic_adam"])
        torch.set_rng_state(content["rng"])


def linear_decay(progress: float) -> float:
    """1 for the first half, then linearly to 0 (Wang et al., appendix)."""
    return min(1.0, 2 * max(1 - progress, 0.0))


def _halves(both: Judgement, count: int) -> tuple[Judgement, Judgement]:
    parts = [[maps.split(count) for maps in kind] for kind in (both.scores, both.features)]
    real, fake = ([[maps[n] for maps in kind] for kind in parts] for n in (0, 1))
    return Judgement(*real), Judgement(*fake)


def _set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate
