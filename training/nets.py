"""The live generator: label and last output in, premultiplied RGBA out, about 1 GMAC at 256x256.

All work happens at a quarter of the resolution and below: pixel unshuffle in, a residual U-Net,
pixel shuffle out. There are no normalization layers, so that a crop and a whole frame see the same
function and nothing has to be folded but the blocks' own gains.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LABEL_CHANNELS = 3
STATE_CHANNELS = 4
PATCH = 4  # pixel unshuffle and shuffle


@dataclass(frozen=True, slots=True)
class StudentShape:
    """Widths and depths of the student, from a quarter of the resolution downwards."""

    widths: tuple[int, ...] = (48, 96, 144, 192)  # channels at 1/4, 1/8, 1/16, 1/32
    encoder_blocks: tuple[int, ...] = (0, 1, 1, 2)  # residual blocks on the way down
    decoder_blocks: tuple[int, ...] = (1, 1, 1)  # and on the way up, finest first
    head: int = 48  # channels before the last convolution

    def __post_init__(self) -> None:
        if len(self.encoder_blocks) != len(self.widths):
            raise ValueError(
                f"{len(self.encoder_blocks)} encoder depths do not fit {len(self.widths)} widths"
            )
        if len(self.decoder_blocks) != len(self.widths) - 1:
            raise ValueError(
                f"{len(self.decoder_blocks)} decoder depths do not fit {len(self.widths)} widths"
            )

    @property
    def multiple(self) -> int:
        """Height and width of a picture must be multiples of this."""
        return int(PATCH * 2 ** (len(self.widths) - 1))

    def to_json(self) -> dict[str, Any]:
        """Plain lists and numbers by field name."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> StudentShape:
        """The inverse of `to_json`."""
        lists = {k: tuple(v) for k, v in data.items() if isinstance(v, list | tuple)}
        return cls(**{**data, **lists})


class Residual(nn.Module):
    """x + gain * conv(relu(conv(relu(x)))), 3x3; the gain starts small (SkipInit, De & Smith)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = conv3x3(channels, channels)
        self.second = conv3x3(channels, channels)
        self.gain = nn.Parameter(torch.full((channels, 1, 1), 0.2))

    def forward(self, x: Tensor) -> Tensor:
        inner: Tensor = self.second(F.relu(self.first(F.relu(x))))
        return x + self.gain * inner

    def fold(self) -> None:
        """Move the gain into the second convolution; afterwards the gain is 1."""
        with torch.no_grad():
            self.second.weight.mul_(self.gain[:, :, :, None])
            if self.second.bias is not None:
                self.second.bias.mul_(self.gain[:, 0, 0])
            self.gain.fill_(1.0)


class Student(nn.Module):
    """Label and state -> premultiplied RGBA. Maps of the U-Net are added, never concatenated."""

    def __init__(self, shape: StudentShape | None = None) -> None:
        super().__init__()
        self.shape = shape = shape or StudentShape()
        widths = shape.widths
        stem_channels = (LABEL_CHANNELS + STATE_CHANNELS) * PATCH * PATCH
        self.stem = nn.Conv2d(stem_channels, widths[0], 1)
        self.encoder = nn.ModuleList(map(_stack, widths, shape.encoder_blocks))
        self.down = nn.ModuleList(
            conv3x3(fine, coarse, stride=2) for fine, coarse in pairwise(widths)
        )
        self.up = nn.ModuleList(nn.Conv2d(coarse, fine, 1) for fine, coarse in pairwise(widths))
        self.decoder = nn.ModuleList(map(_stack, widths, shape.decoder_blocks))
        self.before = conv3x3(widths[0], shape.head)
        self.head = conv3x3(shape.head, 4 * PATCH * PATCH)
        _init_subpixel(self.head)

    def forward(self, label: Tensor, state: Tensor) -> Tensor:
        """label: (B, 3, H, W) float in [-1, 1]; state: (B, 4, H, W) premultiplied RGBA in [0, 1].

        Returns premultiplied RGBA in [0, 1], (B, 4, H, W); no colour exceeds its alpha. H and W
        are multiples of `shape.multiple`.
        """
        x = self.stem(F.pixel_unshuffle(torch.cat([label, state], 1), PATCH))
        skips: list[Tensor] = []
        for level, blocks in enumerate(self.encoder):
            x = blocks(x)
            if level < len(self.down):
                skips.append(x)
                x = self.down[level](F.relu(x))
        for level in reversed(range(len(self.up))):
            finer = F.interpolate(self.up[level](x), scale_factor=2.0, mode="nearest")
            x = self.decoder[level](finer + skips[level])
        x = self.head(F.relu(self.before(F.relu(x))))
        return premultiplied(F.pixel_shuffle(x, PATCH))

    def fold(self) -> Student:
        """Fold the blocks' gains into their convolutions, for export. Changes this net."""
        for module in self.modules():
            if isinstance(module, Residual):
                module.fold()
        return self


def premultiplied(raw: Tensor) -> Tensor:
    """(B, 4, H, W) of any real values -> colour times alpha, and alpha, through sigmoids."""
    squashed = torch.sigmoid(raw)
    alpha = squashed[:, 3:]
    return torch.cat([squashed[:, :3] * alpha, alpha], 1)


def compose(rgba: Tensor, plate: Tensor) -> Tensor:
    """Premultiplied (B, 4, H, W) over a plate (B, 3, H, W), both in [0, 1]."""
    return plate * (1 - rgba[:, 3:]) + rgba[:, :3]


def conv3x3(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    """A padded 3x3 convolution with He's initialization (He et al. 2015)."""
    conv = nn.Conv2d(inputs, outputs, 3, stride, 1)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    nn.init.zeros_(_bias(conv))
    return conv


def _stack(channels: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(Residual(channels) for _ in range(count)))


def _bias(conv: nn.Conv2d) -> Tensor:
    assert conv.bias is not None
    return conv.bias


def _init_subpixel(head: nn.Conv2d) -> None:
    """ICNR (Aitken et al. 2017): the pixels of a shuffled patch start equal, so no checkerboard.

    Alpha starts near 0.1: a figure is small, and most of a picture is plate.
    """
    with torch.no_grad():
        weight = head.weight[: head.out_channels // PATCH**2].clone()
        head.weight.copy_(weight.mul_(0.1).repeat_interleave(PATCH**2, 0))
        _bias(head).zero_()
        _bias(head)[3 * PATCH**2 :] = -2.0


def macs(net: Student, size: tuple[int, int]) -> int:
    """Multiply-accumulates of the convolutions for one picture of `size` (height, width)."""
    total = 0

    def count(conv: nn.Module, _: Any, output: Tensor) -> None:
        nonlocal total
        assert isinstance(conv, nn.Conv2d)
        total += output.numel() * conv.weight[0].numel()

    hooks = [m.register_forward_hook(count) for m in net.modules() if isinstance(m, nn.Conv2d)]
    device = next(net.parameters()).device
    with torch.no_grad():
        label = torch.zeros(1, LABEL_CHANNELS, *size, device=device)
        net(label, torch.zeros(1, STATE_CHANNELS, *size, device=device))
    for hook in hooks:
        hook.remove()
    return total
