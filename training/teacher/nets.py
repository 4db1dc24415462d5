"""pix2pixHD's generators: a global one, and a local enhancer that doubles its resolution.

Wang et al.: 'High-Resolution Image Synthesis and Semantic Manipulation with Conditional GANs',
CVPR 2018, section 3.2 and its appendix; with the input of Chan et al., ICCV 2019, section 3.3: the
label and the picture before. Instance normalization without parameters, reflection padding, tanh.
In the appendix' notation the global one is

    c7s1-64, d128, d256, d512, d1024, 9 x R1024, u512, u256, u128, u64, c7s1-3

and the local one, around it,

    c7s1-32, d64, (+ the global one's u64), 3 x R64, u32, c7s1-3
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

INPUTS = 6  # label, and the picture before: RGB each
OUTPUTS = 3


@dataclass(frozen=True, slots=True)
class TeacherShape:
    """Widths and depths. The defaults are the paper's: 182.4 million parameters, global."""

    width: int = 64  # channels of the global generator at full resolution ("ngf")
    downsamplings: int = 4
    blocks: int = 9  # residual, at the lowest resolution
    local_width: int = 32  # of the enhancer, at its full resolution
    local_blocks: int = 3

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not (isinstance(value, int) and value >= 1):
                raise ValueError(f"{name} is {value!r}; it must be a whole number from 1")
        if self.width != 2 * self.local_width:
            raise ValueError(
                f"width {self.width} is not twice local_width {self.local_width}: "
                "what the two generators add up must be of one size"
            )

    @property
    def multiple(self) -> int:
        """Height and width of the global generator's pictures must be multiples of this."""
        return int(2**self.downsamplings)

    def to_json(self) -> dict[str, Any]:
        """Plain numbers by field name."""
        return asdict(self)


class GlobalGenerator(nn.Module):
    """Label and the picture before -> picture, at one resolution."""

    def __init__(self, shape: TeacherShape | None = None) -> None:
        super().__init__()
        self.shape = shape = shape or TeacherShape()
        widths = [shape.width * 2**level for level in range(shape.downsamplings + 1)]
        self.body = nn.Sequential(
            *_conv7(INPUTS, shape.width),
            *(layer for fine, coarse in _steps(widths) for layer in _down(fine, coarse)),
            *(ResidualBlock(widths[-1]) for _ in range(shape.blocks)),
            *(layer for coarse, fine in _steps(widths[::-1]) for layer in _up(coarse, fine)),
        )
        self.head = _head(shape.width)
        _init(self)

    def features(self, x: Tensor) -> Tensor:
        """What the picture is painted from: (B, width, H, W), before the last convolution."""
        found: Tensor = self.body(x)
        return found

    def forward(self, label: Tensor, before: Tensor) -> Tensor:
        """label, before: (B, 3, H, W) float in [-1, 1], RGB; H, W multiples of `shape.multiple`.

        `before` is the picture that was painted last, zeros where there is none. Returns
        (B, 3, H, W) in [-1, 1].
        """
        picture: Tensor = self.head(self.features(torch.cat([label, before], 1)))
        return picture


class LocalEnhancer(nn.Module):
    """A global generator at half the resolution, and what its pictures lack at the whole one."""

    def __init__(self, glob: GlobalGenerator) -> None:
        """`glob` becomes a part of this net; its own head is not used any more."""
        super().__init__()
        self.shape = shape = glob.shape
        self.glob = glob
        width = shape.local_width
        self.stem = nn.Sequential(*_conv7(INPUTS, width), *_down(width, 2 * width))
        self.body = nn.Sequential(
            *(ResidualBlock(2 * width) for _ in range(shape.local_blocks)),
            *_up(2 * width, width),
        )
        self.head = _head(width)
        for part in (self.stem, self.body, self.head):
            _init(part)

    def forward(self, label: Tensor, before: Tensor) -> Tensor:
        """As `GlobalGenerator.forward`; H and W are multiples of twice `shape.multiple`."""
        x = torch.cat([label, before], 1)
        # The paper's own pyramid: 3x3 means that do not count what is outside.
        half = F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)
        picture: Tensor = self.head(self.body(self.stem(x) + self.glob.features(half)))
        return picture

    def local_parameters(self) -> Iterator[nn.Parameter]:
        """What is trained while the global generator stands still (section 3.2)."""
        for part in (self.stem, self.body, self.head):
            yield from part.parameters()


Teacher = GlobalGenerator | LocalEnhancer


class ResidualBlock(nn.Module):
    """x + two 3x3 convolutions, each normalized (Johnson et al. 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3), _norm(channels),
            nn.ReLU(inplace=True),
            nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3), _norm(channels),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        inner: Tensor = self.body(x)
        return x + inner


def _steps(widths: list[int]) -> Iterator[tuple[int, int]]:
    return pairwise(widths)


def _norm(channels: int) -> nn.Module:
    return nn.InstanceNorm2d(channels, affine=False)


def _conv7(inputs: int, outputs: int) -> list[nn.Module]:
    """c7s1-k: reflection padding, 7x7, normalized, ReLU."""
    conv = nn.Conv2d(inputs, outputs, 7)
    return [nn.ReflectionPad2d(3), conv, _norm(outputs), nn.ReLU(inplace=True)]


def _down(inputs: int, outputs: int) -> list[nn.Module]:
    """dk: 3x3 at stride 2."""
    return [nn.Conv2d(inputs, outputs, 3, 2, 1), _norm(outputs), nn.ReLU(inplace=True)]


def _up(inputs: int, outputs: int) -> list[nn.Module]:
    """uk: 3x3 at stride 1/2."""
    conv = nn.ConvTranspose2d(inputs, outputs, 3, 2, 1, output_padding=1)
    return [conv, _norm(outputs), nn.ReLU(inplace=True)]


def _head(inputs: int) -> nn.Sequential:
    return nn.Sequential(nn.ReflectionPad2d(3), nn.Conv2d(inputs, OUTPUTS, 7), nn.Tanh())


def _init(net: nn.Module) -> None:
    """Gaussian of deviation 0.02 (Wang et al., appendix)."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
