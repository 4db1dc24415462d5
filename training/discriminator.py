"""A small multi-scale PatchGAN that judges picture and label together (pix2pixHD, Wang 2018)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.nets import conv3x3


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """What the discriminators think of a batch: one score map a scale, and every map inside."""

    scores: list[Tensor]
    features: list[Tensor]


class Discriminator(nn.Module):
    """Patch discriminators at full and half resolution, both on 2x2 pixel-unshuffled input."""

    def __init__(self, scales: int = 2, width: int = 32) -> None:
        super().__init__()
        self.patches = nn.ModuleList(_Patch(width) for _ in range(scales))

    def forward(self, label: Tensor, picture: Tensor) -> Judgement:
        """label: (B, 3, h, w) in [-1, 1]; picture: (B, 3, h, w) in [0, 1]; h, w multiples of 16."""
        x = torch.cat([label, picture * 2 - 1], 1)
        scores: list[Tensor] = []
        features: list[Tensor] = []
        for scale, patch in enumerate(self.patches):
            maps = patch(F.avg_pool2d(x, 2**scale) if scale else x)
            scores.append(maps[-1])
            features += maps[:-1]
        return Judgement(scores, features)


class _Patch(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        norm = nn.utils.parametrizations.spectral_norm
        self.layers = nn.ModuleList(
            [
                conv3x3(6 * 4, width),
                norm(conv3x3(width, 2 * width, stride=2)),
                norm(conv3x3(2 * width, 4 * width, stride=2)),
                conv3x3(4 * width, 1),
            ]
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        x = F.pixel_unshuffle(x, 2)
        maps: list[Tensor] = []
        for layer in self.layers[:-1]:
            x = F.leaky_relu(layer(x), 0.2)
            maps.append(x)
        return [*maps, self.layers[-1](x)]
