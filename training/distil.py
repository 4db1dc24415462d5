"""What the student learns from a teacher's pictures, beside the footage.

Colours are taught where the person is; alpha, and what stands still, the plate knows better than
any teacher. A teacher's picture is easier to match than the footage: it depends on the label alone.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from training.discriminator import Judgement
from training.losses import check_weights, feature_matching, weighted_l1
from training.masks import BACKGROUND_WEIGHT
from training.perceptual import perceptual_distance


@dataclass(frozen=True, slots=True)
class DistilWeights:
    """How much each term counts, beside `training.losses.LossWeights`."""

    taught: float = 5.0  # |difference| to the teacher's picture
    taught_perceptual: float = 0.15
    taught_features: float = 0.15  # of the discriminator's maps

    def __post_init__(self) -> None:
        check_weights(asdict(self))


def taught_terms(
    picture: Tensor,
    taught: Tensor,
    weight: Tensor,
    found: list[Tensor],
    wanted: list[Tensor],
) -> dict[str, Tensor]:
    """picture, taught: (B, 3, h, w) in [0, 1]; weight: (B, 1, h, w), `Batch.weight`; found, wanted:
    perceptual features of the two."""
    person = weight * (weight > BACKGROUND_WEIGHT)
    return {
        "taught": weighted_l1(picture, taught, person),
        "taught_perceptual": perceptual_distance(wanted, found, person),
    }


def taught_features(
    critic: nn.Module, label: Tensor, taught: Tensor, fake: Judgement
) -> dict[str, Tensor]:
    """The critic's maps of the student's picture (`fake`) against those of the teacher's."""
    with torch.no_grad():
        wanted = critic(label, taught)
    return {"taught_features": feature_matching(wanted.features, fake.features)}
