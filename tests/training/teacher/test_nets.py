"""The teacher's nets: the paper's numbers, shapes, and gradients that reach everything."""

from __future__ import annotations

import pytest
import torch

from training.teacher.nets import GlobalGenerator, LocalEnhancer, TeacherShape

SMALL = TeacherShape(width=8, downsamplings=2, blocks=2, local_width=4, local_blocks=1)


def count(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def test_the_global_generator_has_the_papers_size() -> None:
    with torch.device("meta"):
        net = GlobalGenerator()
    first = net.get_parameter("body.1.weight")
    of_the_picture_before = first[:, 3:].numel()
    assert round((count(net) - of_the_picture_before) / 1e6, 1) == 182.4


@pytest.mark.parametrize("local", [False, True])
def test_every_parameter_gets_a_gradient(local: bool) -> None:
    torch.manual_seed(0)
    glob = GlobalGenerator(SMALL)
    net = LocalEnhancer(glob) if local else glob
    label, before = torch.rand(2, 3, 32, 48) * 2 - 1, torch.zeros(2, 3, 32, 48)
    picture = net(label, before)
    assert picture.shape == label.shape
    assert picture.abs().max() <= 1
    (picture - label).square().mean().backward()
    without = [name for name, one in net.named_parameters() if one.grad is None]
    # The enhancer paints itself: the head of the generator inside has nothing to do.
    assert without == (["glob.head.1.weight", "glob.head.1.bias"] if local else [])


def test_the_picture_before_counts() -> None:
    torch.manual_seed(0)
    net = GlobalGenerator(SMALL).eval()
    label = torch.rand(1, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        assert not torch.equal(net(label, torch.zeros_like(label)), net(label, label))


def test_only_the_enhancers_own_part_is_local() -> None:
    net = LocalEnhancer(GlobalGenerator(SMALL))
    own = list(net.local_parameters())
    assert len(own) + len(list(net.glob.parameters())) == len(list(net.parameters()))


def test_widths_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="twice local_width"):
        TeacherShape(width=64, local_width=16)
