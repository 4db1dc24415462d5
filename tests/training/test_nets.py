from __future__ import annotations

import pytest
import torch

from tests.training.conftest import TINY
from training.nets import Residual, Student, StudentShape, compose, macs


def inputs(size: tuple[int, int], rows: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return torch.rand(rows, 3, *size) * 2 - 1, torch.rand(rows, 4, *size)


@pytest.mark.parametrize("size", [(64, 96), (32, 32), (96, 64)])
def test_the_output_is_premultiplied_and_in_range(size: tuple[int, int]) -> None:
    rgba = Student()(*inputs(size, 2))
    assert rgba.shape == (2, 4, *size)
    assert rgba.min() >= 0 and rgba.max() <= 1
    assert (rgba[:, :3] <= rgba[:, 3:] + 1e-7).all()


def test_the_default_costs_about_one_gmac() -> None:
    assert 0.9e9 < macs(Student(), (256, 256)) < 1.15e9


def test_the_macs_of_a_convolution_are_counted_right() -> None:
    shape = StudentShape(widths=(8,), encoder_blocks=(0,), decoder_blocks=(), head=8)
    stem, before, head = 7 * 16 * 8, 8 * 8 * 9, 8 * 64 * 9
    assert macs(Student(shape), (32, 32)) == (stem + before + head) * 8 * 8


def test_folding_changes_nothing_but_the_gains() -> None:
    net = Student(TINY).eval()
    for module in net.modules():
        if isinstance(module, Residual):
            torch.nn.init.uniform_(module.gain, -1, 1)
    given = inputs((32, 64))
    with torch.no_grad():
        before = net(*given)
        after = net.fold()(*given)
    torch.testing.assert_close(before, after, atol=1e-5, rtol=1e-4)
    gains = [m.gain for m in net.modules() if isinstance(m, Residual)]
    assert gains and all((gain == 1).all() for gain in gains)


def test_a_new_net_has_no_checkerboard() -> None:
    """ICNR: within a patch every pixel starts equal."""
    with torch.no_grad():
        rgba = Student(TINY)(*inputs((32, 32)))
    patches = torch.nn.functional.pixel_unshuffle(rgba, 4).reshape(4, 16, 8, 8)
    torch.testing.assert_close(patches, patches[:, :1].expand_as(patches), atol=1e-6, rtol=0)


def test_a_shift_by_whole_cells_shifts_the_output() -> None:
    """No position is built in: far from the border the net is the same everywhere."""
    net = Student(TINY).eval()
    label, state = inputs((128, 128))
    with torch.no_grad():
        here = net(label, state)
        there = net(label.roll(16, 3), state.roll(16, 3))
    torch.testing.assert_close(here[:, :, 48:80, 48:64], there[:, :, 48:80, 64:80])


def test_compose_is_premultiplied_over() -> None:
    rgba = torch.tensor([0.3, 0.2, 0.1, 0.5]).reshape(1, 4, 1, 1)
    plate = torch.tensor([0.8, 0.6, 0.4]).reshape(1, 3, 1, 1)
    torch.testing.assert_close(compose(rgba, plate).flatten(), torch.tensor([0.7, 0.5, 0.3]))


def test_shapes_that_do_not_fit_are_refused_and_json_keeps_the_rest() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        StudentShape(widths=(8, 16), encoder_blocks=(1,), decoder_blocks=(1,))
    with pytest.raises(ValueError, match="do not fit"):
        StudentShape(widths=(8, 16), encoder_blocks=(1, 1), decoder_blocks=())
    assert StudentShape.from_json(TINY.to_json()) == TINY
    assert StudentShape().multiple == 32 and TINY.multiple == 8
