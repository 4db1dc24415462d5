from __future__ import annotations

import pytest
import torch

from training.muon import Muon, orthogonalized


@pytest.mark.parametrize("shape", [(16, 40), (40, 16), (24, 24)])
def test_the_singular_values_come_close_to_one(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    matrix = torch.randn(shape) * 7
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    found = orthogonalized(matrix, iterations=8)
    values = torch.linalg.svdvals(found)
    assert values.min() > 0.6 and values.max() < 1.3
    # It is U V^T up to those singular values: rotated back, nothing but a diagonal is left.
    rest = left.T @ found @ right.T
    off_diagonal = rest - torch.diag(torch.diagonal(rest))
    assert off_diagonal.abs().max() < 1e-3


@pytest.mark.parametrize("rank", [8, 48])
def test_it_equals_the_iteration_as_the_paper_writes_it(rank: int) -> None:
    torch.manual_seed(0)
    matrix = torch.randn(48, rank) @ torch.randn(rank, 432) + 1e-3 * torch.randn(48, 432)
    x = matrix.double() / matrix.double().norm()
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    torch.testing.assert_close(orthogonalized(matrix).double(), x, rtol=0, atol=1e-4)


def test_it_finds_a_minimum() -> None:
    torch.manual_seed(0)
    wanted = torch.randn(8, 4, 3, 3)
    found = torch.zeros_like(wanted, requires_grad=True)
    optimizer = Muon([found], lr=0.1)
    for step in range(300):
        optimizer.param_groups[0]["lr"] = 0.2 * (1 - step / 300)
        optimizer.zero_grad()
        (found - wanted).square().sum().backward()
        optimizer.step()
    assert (found.detach() - wanted).abs().max() < 0.02


def test_the_step_does_not_depend_on_the_gradients_size() -> None:
    torch.manual_seed(0)
    gradient = torch.randn(8, 4, 3, 3)
    steps = []
    for size in (1e-3, 1.0, 1e3):
        parameter = torch.zeros(8, 4, 3, 3, requires_grad=True)
        parameter.grad = gradient * size
        Muon([parameter], lr=0.1).step()
        steps.append(parameter.detach())
    torch.testing.assert_close(steps[0], steps[1], rtol=1e-2, atol=1e-3)
    torch.testing.assert_close(steps[1], steps[2], rtol=1e-2, atol=1e-3)


def test_a_parameter_without_gradient_is_left_alone() -> None:
    parameter = torch.ones(4, 4, requires_grad=True)
    Muon([parameter], lr=0.1).step()
    assert torch.equal(parameter.detach(), torch.ones(4, 4))
