"""Losses against closed forms, worked out by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from training.losses import (
    LossWeights,
    alpha_loss,
    discriminator_loss,
    feature_matching,
    generator_loss,
    motion_loss,
    weighted_l1,
    weighted_square,
)
from training.perceptual import PerceptualFeatures, perceptual_distance


def flat(value: float, channels: int = 3) -> Tensor:
    return torch.full((1, channels, 2, 2), value)


def test_weighted_l1_is_the_weighted_mean() -> None:
    wanted = torch.zeros(1, 3, 1, 2)
    found = torch.tensor([0.2, 0.6]).expand(1, 3, 1, 2)
    weight = torch.tensor([3.0, 1.0]).reshape(1, 1, 1, 2)
    assert float(weighted_l1(found, wanted, weight)) == pytest.approx((3 * 0.2 + 0.6) / 4)
    assert float(weighted_l1(found, wanted, weight * 0)) == 0


def test_the_squared_loss_is_least_at_the_mean_and_the_absolute_one_at_the_median() -> None:
    wanted = torch.tensor([0.0, 0.0, 0.0, 1.0]).expand(1, 3, 1, 4)
    weight = torch.ones(1, 1, 1, 4)
    mean, median = (torch.full((1, 3, 1, 4), value) for value in (0.25, 0.0))
    assert float(weighted_square(mean, wanted, weight)) == pytest.approx(0.75 * 0.25)
    assert float(weighted_square(median, wanted, weight)) == pytest.approx(0.25)
    assert weighted_l1(median, wanted, weight) < weighted_l1(mean, wanted, weight)
    counted = torch.tensor([1.0, 0.0, 0.0, 3.0]).reshape(1, 1, 1, 4)
    assert float(weighted_square(median, wanted, counted)) == pytest.approx(0.75)


def test_alpha_loss_counts_holes_and_ghosts() -> None:
    solid = torch.tensor([1.0, 1.0, 0.0, 0.0]).reshape(1, 1, 1, 4)
    clear = torch.tensor([0.0, 0.0, 1.0, 0.0]).reshape(1, 1, 1, 4)
    alpha = torch.tensor([1.0, 0.6, 0.3, 0.5]).reshape(1, 1, 1, 4)
    assert float(alpha_loss(alpha, solid, clear)) == pytest.approx(0.4 / 2 + 0.3)
    assert float(alpha_loss(alpha, solid * 0, clear * 0)) == 0


def test_motion_loss_wants_the_true_change() -> None:
    weight = flat(1, 1)
    constant_error = motion_loss(flat(0.7), flat(0.4), flat(0.6), flat(0.3), weight)
    assert float(constant_error) == pytest.approx(0, abs=1e-6)
    frozen = motion_loss(flat(0.4), flat(0.4), flat(0.6), flat(0.3), weight)
    assert float(frozen) == pytest.approx(0.3)


def test_lsgan_at_known_scores() -> None:
    real, fake = [flat(1.0), flat(0.5)], [flat(0.0), flat(0.5)]
    assert float(discriminator_loss(real, fake)) == pytest.approx((0 + 0.25 + 0.25) / 2)
    assert float(generator_loss(fake)) == pytest.approx((1 + 0.25) / 2)


def test_feature_matching_is_relative_and_spares_the_discriminator() -> None:
    real = [flat(2.0).requires_grad_(), flat(10.0)]
    fake = [flat(1.0).requires_grad_(), flat(10.0)]
    loss = feature_matching(real, fake)
    assert float(loss.detach()) == pytest.approx(0.25)
    loss.backward()
    assert fake[0].grad is not None and real[0].grad is None


def test_weights_must_not_be_negative() -> None:
    with pytest.raises(ValueError, match="pixel"):
        LossWeights(pixel=-1)
    with pytest.raises(ValueError, match="alpha"):
        LossWeights(alpha=float("nan"))


def test_perceptual_distance_is_zero_only_for_equal_pictures() -> None:
    net = PerceptualFeatures()
    torch.manual_seed(0)
    picture = torch.rand(1, 3, 64, 64)
    near, far = (picture + 0.02).clamp(0, 1), picture.flip(3)
    with torch.no_grad():
        own = net(picture)
        distances = [float(perceptual_distance(own, net(p))) for p in (picture, near, far)]
    assert distances[0] == 0
    assert 0 < distances[1] < distances[2]
    assert [tuple(maps.shape[1:]) for maps in own] == [
        (16, 32, 32), (24, 16, 16), (40, 8, 8), (80, 4, 4),
    ]  # fmt: skip


def test_the_perceptual_weight_chooses_the_place() -> None:
    wanted = [torch.tensor([[1.0, 0.0], [0.0, 1.0]]).reshape(1, 2, 1, 2)]
    found = [torch.tensor([[1.0, 1.0], [0.0, 0.0]]).reshape(1, 2, 1, 2)]
    left = torch.tensor([1.0, 0.0]).reshape(1, 1, 1, 2)
    assert float(perceptual_distance(wanted, found, left)) == pytest.approx(0, abs=1e-5)
    assert float(perceptual_distance(wanted, found, 1 - left)) == pytest.approx(2, rel=1e-4)


def test_batch_normalization_is_folded_right() -> None:
    """The stem, against torch's own layers with the same weights."""
    from training.perceptual import BN_EPSILON, _load_weights

    weights = _load_weights()
    conv = torch.nn.Conv2d(3, 32, 3, 2, 1, bias=False)
    conv.weight.data = weights["_conv_stem.weight"]
    norm = torch.nn.BatchNorm2d(32, eps=BN_EPSILON).eval()
    norm.load_state_dict(
        {k.removeprefix("_bn0."): v for k, v in weights.items() if k.startswith("_bn0.")}
    )
    x = torch.randn(1, 3, 32, 32)
    torch.testing.assert_close(PerceptualFeatures().stem(x), norm(conv(x)), atol=1e-4, rtol=1e-4)
