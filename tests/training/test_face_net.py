"""The face net itself: what it costs, what it leaves alone, and what it may not do."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from training.face_net import FaceShape, FaceStudent, edge_window


def square(side: int, count: int = 2, seed: int = 0) -> tuple[Tensor, Tensor]:
    """A label and a student's picture, of random numbers within their ranges."""
    torch.manual_seed(seed)
    rgba = torch.rand(count, 4, side, side)
    rgba[:, :3] *= rgba[:, 3:]
    return torch.rand(count, 3, side, side) * 2 - 1, rgba


def wild(side: int, seed: int = 0) -> FaceStudent:
    """A net whose corrections are as large as they can be."""
    torch.manual_seed(seed)
    net = FaceStudent(FaceShape(side))
    nn.init.normal_(net.head.weight, 0, 3)
    return net.eval()


def test_untrained_it_changes_nothing() -> None:
    label, rgba = square(64)
    assert torch.equal(FaceStudent(FaceShape(64))(label, rgba), rgba)


@pytest.mark.parametrize("side", [32, 48, 64, 128])
def test_what_is_at_the_edge_stays_and_what_is_in_the_middle_does_not(side: int) -> None:
    label, rgba = square(side)
    with torch.no_grad():
        found = wild(side)(label, rgba)
    changed = (found - rgba).abs().amax(1)
    edge = torch.ones(side, side, dtype=torch.bool)
    edge[1:-1, 1:-1] = False
    assert found.shape == rgba.shape
    assert not changed[:, edge].any()
    inner = slice(side // 4, 3 * side // 4)
    assert changed[:, inner, inner].mean() > 0.1


def test_the_window_rises_without_a_step() -> None:
    window = edge_window(64)[0, 0]
    assert window[0, 32] == 0 and window[32, -1] == 0
    assert (window[8:-8, 8:-8] == 1).all()
    assert torch.equal(window, window.flip(0)) and torch.equal(window, window.T)
    assert window.diff(dim=0).abs().max() < 0.25


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000))
def test_no_colour_is_above_its_alpha(seed: int) -> None:
    label, rgba = square(32, seed=seed)
    with torch.no_grad():
        found = wild(32, seed)(label, rgba)
    assert found.min() >= 0 and found.max() <= 1
    assert (found[:, :3] <= found[:, 3:]).all()


def test_it_costs_a_few_milliseconds_at_most() -> None:
    net, total = FaceStudent(FaceShape(64)), 0

    def count(conv: nn.Module, _: object, output: Tensor) -> None:
        nonlocal total
        assert isinstance(conv, nn.Conv2d)
        total += output.numel() * conv.weight[0].numel()

    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(count)
    net(*square(64, 1))
    assert 0.10e9 < total < 0.25e9


def test_every_weight_gets_a_gradient_once_the_last_is_not_zero() -> None:
    net = wild(32)
    net(*square(32)).square().sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_folding_changes_no_picture() -> None:
    net, (label, rgba) = wild(32), square(32)
    with torch.no_grad():
        found, expected = net.fold()(label, rgba), wild(32)(label, rgba)
        torch.testing.assert_close(found, expected, atol=1e-3, rtol=0)


def test_a_shape_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 8"):
        FaceShape(30)
    with pytest.raises(ValueError, match="depths do not fit"):
        FaceShape(32, (8, 16), (1,))
    shape = FaceShape(48, (8, 16), (1, 2))
    assert FaceShape.from_json(shape.to_json()) == shape
