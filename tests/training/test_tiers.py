"""The student's sizes keep to what they were made for, and all of each learns."""

from __future__ import annotations

import pytest
import torch

from live.errors import SetupError
from training.nets import Student, macs
from training.tiers import TIERS, shape_of


@pytest.mark.parametrize(
    ("tier", "size", "least", "most"),
    [
        ("cpu", (256, 256), 0.9, 1.2),
        ("512", (512, 512), 6, 10),
        ("gpu", (512, 1024), 30, 70),
    ],
)
def test_a_tier_costs_what_it_may(tier: str, size: tuple[int, int], least: int, most: int) -> None:
    with torch.device("meta"):
        net = Student(shape_of(tier))
    assert least < macs(net, size) / 1e9 < most
    assert size[0] % net.shape.multiple == 0 and size[1] % net.shape.multiple == 0


@pytest.mark.parametrize("tier", TIERS)
def test_every_parameter_learns(tier: str) -> None:
    torch.manual_seed(0)
    net = Student(shape_of(tier))
    rgba = net(torch.rand(1, 3, 64, 64) * 2 - 1, torch.rand(1, 4, 64, 64))
    (rgba - 0.5).square().mean().backward()
    still = [n for n, p in net.named_parameters() if p.grad is None or not p.grad.abs().sum()]
    assert not still


def test_an_unknown_tier_is_one_sentence() -> None:
    with pytest.raises(SetupError, match="'huge'; known: cpu, 512, gpu"):
        shape_of("huge")
