"""The live student's net for a part: what its own picture of the face, or of a hand, lacks.

Chan et al. 2019, section 3.4: a residual on a square around the head, learned while the main
generator stands still; around a hand we do the same. Stateless: the student is fed its own
pictures, as it was trained on them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.nets import Residual, conv3x3

INPUTS = 7  # label, and the student's premultiplied RGBA
PATCH = 2  # pixel unshuffle and shuffle


@dataclass(frozen=True, slots=True)
class FaceShape:
    """Side of the square, and widths and depths from half its resolution downwards."""

    side: int  # pixels
    widths: tuple[int, ...] = (48, 80, 112)  # channels at 1/2, 1/4, 1/8
    blocks: tuple[int, ...] = (1, 1, 2)  # residual ones at each, on the way up

    def __post_init__(self) -> None:
        if len(self.blocks) != len(self.widths):
            raise ValueError(f"{len(self.blocks)} depths do not fit {len(self.widths)} widths")
        multiple = PATCH * 2 ** (len(self.widths) - 1)
        if self.side <= 0 or self.side % multiple:
            raise ValueError(f"the square's side is {self.side}; it is a multiple of {multiple}")

    def to_json(self) -> dict[str, Any]:
        """Plain lists and numbers by field name."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> FaceShape:
        """The inverse of `to_json`."""
        lists = {k: tuple(v) for k, v in data.items() if isinstance(v, list | tuple)}
        return cls(**{**data, **lists})


class FaceStudent(nn.Module):
    """Label and the student's picture of a part -> that picture, corrected.

    No normalization, as in `training.nets.Student`; maps of the U-Net are added.
    """

    def __init__(self, shape: FaceShape) -> None:
        """Untrained it changes nothing: the last convolution is zero."""
        super().__init__()
        self.shape = shape
        widths = shape.widths
        self.stem = conv3x3(INPUTS * PATCH * PATCH, widths[0])
        self.down = nn.ModuleList(
            conv3x3(fine, coarse, stride=2) for fine, coarse in pairwise(widths)
        )
        self.blocks = nn.ModuleList(
            nn.Sequential(*(Residual(width) for _ in range(count)))
            for width, count in zip(widths, shape.blocks, strict=True)
        )
        self.up = nn.ModuleList(nn.Conv2d(coarse, fine, 1) for fine, coarse in pairwise(widths))
        self.head = conv3x3(widths[0], 4 * PATCH * PATCH)
        nn.init.zeros_(self.head.weight)
        self.register_buffer("window", edge_window(shape.side), persistent=False)

    def forward(self, label: Tensor, rgba: Tensor) -> Tensor:
        """label: (B, 3, s, s) in [-1, 1]; rgba: (B, 4, s, s) premultiplied in [0, 1].

        Returns premultiplied RGBA in [0, 1], (B, 4, s, s); no colour exceeds its alpha, and what
        is at the square's edge is as it was.
        """
        x = self.stem(F.pixel_unshuffle(torch.cat([label, rgba], 1), PATCH))
        skips: list[Tensor] = []
        for down in self.down:
            skips.append(x)
            x = down(F.relu(x))
        x = self.blocks[-1](x)
        for level in reversed(range(len(self.up))):
            finer = F.interpolate(self.up[level](x), scale_factor=2.0, mode="nearest")
            x = self.blocks[level](finer + skips[level])
        residual = torch.tanh(F.pixel_shuffle(self.head(F.relu(x)), PATCH))
        return _limited(rgba + residual * self.get_buffer("window"))

    def fold(self) -> FaceStudent:
        """Fold the blocks' gains into their convolutions, for export. Changes this net."""
        for module in self.modules():
            if isinstance(module, Residual):
                module.fold()
        return self


def _limited(rgba: Tensor) -> Tensor:
    """Alpha in [0, 1], and colours between 0 and their alpha."""
    alpha = rgba[:, 3:].clamp(0, 1)
    return torch.cat([torch.minimum(rgba[:, :3].clamp_min(0), alpha), alpha], 1)


def edge_window(side: int) -> Tensor:
    """(1, 1, s, s): 0 at the edge, 1 from an eighth of the side inwards, half a cosine between.

    What is added to the square vanishes towards its edges, so that no seam can be seen.
    """
    fade = side / 8
    place = torch.arange(side, dtype=torch.float64)
    inwards = torch.minimum(place, side - 1 - place) / fade
    ramp = (0.5 - 0.5 * torch.cos(torch.pi * inwards.clamp_max(1))).float()
    return (ramp[:, None] * ramp[None, :])[None, None]
