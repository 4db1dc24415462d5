"""What the teacher is trained to make small: pix2pixHD's objective with Chan et al.'s weights.

Every term is a mean over the batch's pictures, each counted alike, so that processes which share a
batch get the gradient that one alone would.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from training.discriminator import Judgement
from training.losses import check_weights, discriminator_loss, generator_loss


@dataclass(frozen=True, slots=True)
class TeacherWeights:
    """How much each term counts (Chan et al., section 3.3 and appendix); 0 leaves it out."""

    adversarial: float = 1.0
    features: float = 10.0
    perceptual: float = 5.0  # 10 for the local enhancer
    pixel: float = 0.0  # |difference|; not in the papers, a help where minutes are few

    def __post_init__(self) -> None:
        check_weights(asdict(self))


def summed_generator_loss(fake: Judgement) -> Tensor:
    """LSGAN (Mao et al. 2017) over all scales: the sum over D_k in Wang et al.'s equation 2."""
    return generator_loss(fake.scores) * len(fake.scores)


def summed_critic_loss(real: Judgement, fake: Judgement) -> Tensor:
    """The critics' side of it, half of it as in pix2pixHD: they learn half as fast."""
    return discriminator_loss(real.scores, fake.scores) * len(real.scores) / 2


def feature_matching(real: list[Tensor], fake: Judgement) -> Tensor:
    """Mean |difference| of each critic's maps (Wang et al., equation 4).

    Summed over layers, the mean over scales, as pix2pixHD's code weighs it. `real`: the maps of the
    true pictures, without a graph.
    """
    gaps = [(f - r).abs().mean() for r, f in zip(real, fake.features, strict=True)]
    return torch.stack(gaps).sum() / len(fake.scores)


def pixel_loss(found: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    """Mean weighted |difference|; weight has mean 1 in every picture. In units of [-1, 1]."""
    return ((found - wanted).abs() * weight).mean()
