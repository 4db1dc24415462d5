"""pix2pixHD's discriminators, and what the teacher's losses make of them, in closed form."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from training.discriminator import Judgement
from training.teacher.critic import Critic, together
from training.teacher.objective import (
    TeacherWeights,
    feature_matching,
    pixel_loss,
    summed_critic_loss,
    summed_generator_loss,
)


def judgement(scores: list[float], features: list[float]) -> Judgement:
    def flat(value: float) -> torch.Tensor:
        return torch.full((2, 1, 3, 3), value)

    return Judgement([flat(s) for s in scores], [flat(f) for f in features])


def test_a_patch_has_the_papers_layers() -> None:
    """Weights and biases of C64-C128-C256-C512 and the last, 4x4 each, on 6 channels."""
    patch = Critic(6, scales=1)
    widths = (6, 64, 128, 256, 512, 1)
    wanted = sum(16 * a * b + b for a, b in pairwise(widths))
    assert sum(p.numel() for p in patch.parameters()) == wanted == 2_767_809


@pytest.mark.parametrize("scales", [1, 2, 3])
def test_every_scale_judges_and_learns(scales: int) -> None:
    torch.manual_seed(0)
    critic = Critic(12, scales, width=4)
    found = critic(torch.rand(2, 12, 64, 80) * 2 - 1)
    assert len(found.scores) == scales and len(found.features) == 4 * scales
    assert [tuple(s.shape[2:]) for s in found.scores] == [(11, 13), (7, 8), (5, 6)][:scales]
    summed_generator_loss(found).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in critic.parameters()
               if p.ndim == 4)  # fmt: skip


def test_critics_see_two_labels_then_two_pictures() -> None:
    label = torch.arange(3.0).reshape(1, 3, 1, 1, 1).expand(2, 3, 3, 4, 4)
    picture = label + 10
    seen = together(label, picture, pairs=True)
    assert seen.shape == (4, 12, 4, 4)
    assert seen[0, :, 0, 0].tolist() == [0, 0, 0, 1, 1, 1, 10, 10, 10, 11, 11, 11]
    assert seen[1, ::3, 0, 0].tolist() == [1, 2, 11, 12]
    single = together(label, picture, pairs=False)
    assert single.shape == (6, 6, 4, 4) and single[2, ::3, 0, 0].tolist() == [2, 12]


def test_lsgan_is_summed_over_scales() -> None:
    real, fake = judgement([1.0, 0.5], []), judgement([0.0, 0.5], [])
    assert float(summed_generator_loss(fake)) == pytest.approx(1 + 0.25)
    assert float(summed_critic_loss(real, fake)) == pytest.approx((0 + 0 + 0.25 + 0.25) / 2)


def test_feature_matching_sums_layers_and_averages_scales() -> None:
    real = judgement([], [1.0, 2.0, 3.0, 4.0])
    fake = judgement([0.0, 0.0], [1.5, 2.0, 3.0, 6.0])
    assert float(feature_matching(real.features, fake)) == pytest.approx((0.5 + 2) / 2)


def test_the_pixel_loss_is_weighted() -> None:
    weight = torch.tensor([2.0, 0.0]).reshape(1, 1, 1, 2)
    found = torch.tensor([0.3, 0.9]).expand(1, 3, 1, 2)
    assert float(pixel_loss(found, torch.zeros(1, 3, 1, 2), weight)) == pytest.approx(0.3)


def test_weights_must_not_be_negative() -> None:
    with pytest.raises(ValueError, match="features"):
        TeacherWeights(features=-1)
