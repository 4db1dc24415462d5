"""A net and the critic that it is trained against: their optimizers, and the net's average.

The live student and its nets for parts are trained by the same steps; only what is made of a batch
differs.
"""

from __future__ import annotations

import copy
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn

from training.discriminator import Discriminator, Judgement
from training.finite import check_finite
from training.losses import discriminator_loss, feature_matching, generator_loss
from training.muon import Muon
from training.schedule import average_decay, learning_rate

MOST_GRADIENT = 5.0  # norm of the net's


class Rates(Protocol):
    """Learning rates at their peaks."""

    @property
    def rate(self) -> float:
        """Adam's: of the net's ends, biases and gains."""

    @property
    def muon_rate(self) -> float:
        """Muon's: of the kernels between."""

    @property
    def critic_rate(self) -> float:
        """Of the critic's Adam."""


Net = TypeVar("Net", bound=nn.Module)


class Duel(Generic[Net]):
    """Both, on one device. The net has convolutions `stem` and `head`, its ends."""

    def __init__(self, net: Net, rates: Rates, device: torch.device) -> None:
        layout = torch.channels_last  # twice as fast in oneDNN and cuDNN
        self._rates = rates
        self.net: Net = net.to(device, memory_format=layout)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.net).requires_grad_(False).eval()
        self.critic = Discriminator().to(device, memory_format=layout)  # type: ignore[call-overload]
        inner = _inner_kernels(self.net)
        outer = [p for p in self.net.parameters() if not any(p is kernel for kernel in inner)]
        self._muon = Muon(inner, rates.muon_rate)
        self._adam = _adam(outer, rates.rate, (0.9, 0.99))
        self._critic_adam = _adam(list(self.critic.parameters()), rates.critic_rate, (0.5, 0.99))

    def judged(
        self, label: Tensor, truth: Tensor, picture: Tensor
    ) -> tuple[dict[str, Tensor], Judgement]:
        """The net's losses "adversarial" and "features", and what the critic makes of `picture`.

        label, truth and picture: (B, 3, h, w).
        """
        self.critic.requires_grad_(False)
        with torch.no_grad():
            real = self.critic(label, truth)
        fake = self.critic(label, picture)
        self.critic.requires_grad_(True)
        terms = {
            "adversarial": generator_loss(fake.scores),
            "features": feature_matching(real.features, fake.features),
        }
        return terms, fake

    def learn(self, total: Tensor, step: int, progress: float) -> None:
        """One step of the net and its average. Raises NotFinite before anything is spoilt."""
        _set_rate(self._muon, learning_rate(self._rates.muon_rate, step, progress))
        _set_rate(self._adam, learning_rate(self._rates.rate, step, progress))
        self.net.zero_grad(set_to_none=True)
        total.backward()
        norm = nn.utils.clip_grad_norm_(self.net.parameters(), MOST_GRADIENT)
        check_finite(step, [norm], generator=total)
        self._muon.step()
        self._adam.step()
        averages: list[Tensor] = list(self.average.parameters())
        news: list[Tensor] = list(self.net.parameters())
        with torch.no_grad():
            torch._foreach_lerp_(averages, news, 1 - average_decay(step))

    def learn_to_judge(
        self, label: Tensor, truth: Tensor, picture: Tensor, step: int, progress: float
    ) -> Tensor:
        """One step of the critic; its loss. Raises NotFinite before the critic is spoilt."""
        _set_rate(self._critic_adam, learning_rate(self._rates.critic_rate, step, progress))
        real, fake = self.critic(label, truth), self.critic(label, picture)
        loss = discriminator_loss(real.scores, fake.scores)
        self._critic_adam.zero_grad(set_to_none=True)
        loss.backward()
        gradients = [p.grad for p in self.critic.parameters() if p.grad is not None]
        check_finite(step, [nn.utils.get_total_norm(gradients)], critic=loss)
        self._critic_adam.step()
        return loss

    def content(self) -> dict[str, Any]:
        """A checkpoint's part that `restore` needs: tensors and plain data."""
        return {name: part.state_dict() for name, part in self._parts().items()}

    def restore(self, content: dict[str, Any]) -> None:
        """Go on exactly where `content` was taken."""
        for name, part in self._parts().items():
            part.load_state_dict(content[name])

    def _parts(self) -> dict[str, nn.Module | torch.optim.Optimizer]:
        return {
            "net": self.net,
            "average": self.average,
            "critic": self.critic,
            "muon": self._muon,
            "adam": self._adam,
            "critic_adam": self._critic_adam,
        }


def _inner_kernels(net: nn.Module) -> list[nn.Parameter]:
    """What Muon is for: every kernel but those of its convolutions `stem` and `head`, the ends."""
    ends = {id(net.get_parameter(f"{end}.weight")) for end in ("stem", "head")}
    return [p for p in net.parameters() if p.ndim == 4 and id(p) not in ends]


def _set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def _adam(
    parameters: list[nn.Parameter], rate: float, betas: tuple[float, float]
) -> torch.optim.Adam:
    return torch.optim.Adam(parameters, rate, betas, eps=1e-8, fused=True)
