"""pix2pixHD's multi-scale patch discriminators (Wang et al., CVPR 2018, section 3.2 and appendix).

Each is C64-C128-C256-C512 of 4x4 convolutions, the first without normalization, LeakyReLU 0.2, and
a last one to a map of scores; the same net judges the picture at full, half, quarter size.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.discriminator import Judgement


class Critic(nn.Module):
    """Label and picture -> how real each patch looks, at several scales."""

    def __init__(self, channels: int, scales: int, width: int = 64, layers: int = 3) -> None:
        """`width` is the paper's ndf, `layers` its n_layers."""
        super().__init__()
        self.patches = nn.ModuleList(_Patch(channels, width, layers) for _ in range(scales))

    def forward(self, x: Tensor) -> Judgement:
        """x: (N, channels, h, w) in [-1, 1], from `together`. Maps are finest scale first."""
        scores: list[Tensor] = []
        features: list[Tensor] = []
        for patch in self.patches:
            maps = patch(x)
            scores.append(maps[-1])
            features += maps[:-1]
            x = F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)
        return Judgement(scores, features)


class _Patch(nn.Module):
    def __init__(self, inputs: int, width: int, layers: int) -> None:
        super().__init__()
        widths = [min(width * 2**level, 8 * width) for level in range(layers + 1)]
        self.stages = nn.ModuleList([_stage(inputs, widths[0], 2, norm=False)])
        for level in range(1, layers + 1):
            stride = 2 if level < layers else 1
            self.stages.append(_stage(widths[level - 1], widths[level], stride, norm=True))
        self.last = _conv(widths[-1], 1, 1)

    def forward(self, x: Tensor) -> list[Tensor]:
        maps: list[Tensor] = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return [*maps, self.last(x)]


def together(label: Tensor, picture: Tensor, pairs: bool) -> Tensor:
    """What a critic sees of (B, U, 3, h, w) labels and pictures.

    pairs: every two consecutive frames as (x_t, x_t+1, y_t, y_t+1), (B (U-1), 12, h, w): Chan et
    al., section 3.3, the equation of temporal smoothing. Otherwise (x, y) of each, (B U, 6, h, w).
    """
    if pairs:
        parts = [label[:, :-1], label[:, 1:], picture[:, :-1], picture[:, 1:]]
    else:
        parts = [label, picture]
    return torch.cat([part.flatten(0, 1) for part in parts], 1)


def _stage(inputs: int, outputs: int, stride: int, norm: bool) -> nn.Sequential:
    layers: list[nn.Module] = [_conv(inputs, outputs, stride)]
    if norm:
        layers.append(nn.InstanceNorm2d(outputs, affine=False))
    return nn.Sequential(*layers, nn.LeakyReLU(0.2, inplace=True))


def _conv(inputs: int, outputs: int, stride: int) -> nn.Conv2d:
    conv = nn.Conv2d(inputs, outputs, 4, stride, 2)
    nn.init.normal_(conv.weight, 0.0, 0.02)  # as the generators' (Wang et al., appendix)
    assert conv.bias is not None
    nn.init.zeros_(conv.bias)
    return conv
