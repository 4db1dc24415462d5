"""What the student is trained to make small. Every function returns a scalar tensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class LossWeights:
    """How much each term counts; 0 leaves it out."""

    pixel: float = 10.0
    square: float = 0.0  # of the squared difference: its best picture is the mean, so softer
    perceptual: float = 0.3
    alpha: float = 0.5
    motion: float = 1.0
    adversarial: float = 0.02
    features: float = 0.3

    def __post_init__(self) -> None:
        check_weights(asdict(self))


def check_weights(weights: Mapping[str, float]) -> None:
    """Raises ValueError for a weight, by its name, that is below 0 or no number."""
    for name, weight in weights.items():
        if not weight >= 0:
            raise ValueError(f"loss weight {name} is {weight}; it must be >= 0")


def weighted_l1(found: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    """sum(weight * |found - wanted|) / sum(weight), averaged over channels.

    found, wanted: (B, C, h, w); weight: (B, 1, h, w), not all zero.
    """
    gap = (found - wanted).abs().mean(1, keepdim=True)
    return (gap * weight).sum() / weight.sum().clamp_min(1e-6)


def weighted_square(found: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    """As `weighted_l1`, of the squared difference: what PSNR measures."""
    gap = (found - wanted).square().mean(1, keepdim=True)
    return (gap * weight).sum() / weight.sum().clamp_min(1e-6)


def alpha_loss(alpha: Tensor, solid: Tensor, clear: Tensor) -> Tensor:
    """Mean of 1 - alpha where `solid`, plus mean of alpha where `clear`; all (B, 1, h, w).

    No ghosts: alpha must be 0 where the picture is the plate, and 1 where it surely is not.
    """
    holes = ((1 - alpha) * solid).sum() / solid.sum().clamp_min(1.0)
    ghosts = (alpha * clear).sum() / clear.sum().clamp_min(1.0)
    return holes + ghosts


def motion_loss(
    found: Tensor, before: Tensor, wanted: Tensor, wanted_before: Tensor, weight: Tensor
) -> Tensor:
    """The change from one picture to the next, against the true change; weighted L1.

    `weight` (B, 1, h, w) may be all zero (no stream has a picture before): then the loss is 0.
    """
    return weighted_l1(found - before, wanted - wanted_before, weight)


def discriminator_loss(real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
    """LSGAN (Mao et al. 2017), equation 9 with a=0, b=1: mean((D(real)-1)^2) + mean(D(fake)^2)."""
    terms = [(r - 1).square().mean() + f.square().mean() for r, f in zip(real, fake, strict=True)]
    return torch.stack(terms).mean()


def generator_loss(fake: Sequence[Tensor]) -> Tensor:
    """LSGAN, equation 9 with c=1: mean((D(fake)-1)^2)."""
    return torch.stack([(score - 1).square().mean() for score in fake]).mean()


def feature_matching(real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
    """Mean |difference| of the discriminators' maps (pix2pixHD, Wang et al. 2018, equation 4).

    Each map counts by its own mean size, so that no layer rules.
    """
    terms = [
        (f - r.detach()).abs().mean() / r.detach().abs().mean().clamp_min(1e-3)
        for r, f in zip(real, fake, strict=True)
    ]
    return torch.stack(terms).mean()
