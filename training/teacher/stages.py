"""What is trained in each stage of the method: pictures, then faces within pictures.

A stage makes pictures out of a batch, by a module that the processes share, and says what they
should have been; the trainer knows no more of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from training.teacher.clips import Clips
from training.teacher.heads import cut_out
from training.teacher.nets import GlobalGenerator, LocalEnhancer, Teacher

Inputs = tuple[Tensor, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What critics and losses compare; (B, U, C, h, w) each, as in `Clips`."""

    label: Tensor
    found: Tensor
    wanted: Tensor
    weight: Tensor


class Stage(Protocol):
    """One of the method's stages."""

    net: nn.Module  # what is trained and kept
    module: nn.Module  # `inputs` -> pictures (B, U, 3, h, w), holding `net`
    pairs: bool  # critics see two consecutive frames at once

    def inputs(self, clips: Clips) -> Inputs: ...

    def judged(self, clips: Clips, made: Tensor) -> Judged: ...

    def freeze(self, progress: float) -> bool:
        """Set what learns at `progress`; True where that has changed."""
        ...


class Unrolled(nn.Module):
    """Paints frame after frame, each from its label and the picture before; the first from zeros.

    Chan et al., section 3.3: G(x_t) = G(x_t, G(x_t-1)). Where `feedback` is off every frame is
    painted from zeros: frame by frame, the baseline.
    """

    def __init__(self, net: Teacher, feedback: bool = True) -> None:
        super().__init__()
        self.net, self.feedback = net, feedback

    def forward(self, label: Tensor) -> Tensor:
        """(B, U, 3, h, w) labels -> pictures."""
        if not self.feedback:
            flat = label.flatten(0, 1)
            made: Tensor = self.net(flat, torch.zeros_like(flat))
            return made.unflatten(0, label.shape[:2])
        before = torch.zeros_like(label[:, 0])
        pictures = []
        for one in label.unbind(1):
            before = self.net(one, before)
            pictures.append(before)
        return torch.stack(pictures, 1)


class PictureStage:
    """Global generator, or local enhancer around one."""

    def __init__(self, net: Teacher, pairs: bool = True, frozen_share: float = 0.0) -> None:
        """The global generator inside an enhancer stands still for `frozen_share` of the time."""
        self.net: nn.Module = net
        self.pairs, self._frozen_share = pairs, frozen_share
        self.module: nn.Module = Unrolled(net, feedback=pairs)
        if isinstance(net, LocalEnhancer):
            net.glob.head.requires_grad_(False)  # has nothing to do
        self.freeze(0.0)

    def inputs(self, clips: Clips) -> Inputs:
        return (clips.label,)

    def judged(self, clips: Clips, made: Tensor) -> Judged:
        return Judged(clips.label, made, clips.truth, clips.weight)

    def freeze(self, progress: float) -> bool:
        if not isinstance(self.net, LocalEnhancer):
            return False
        learns = progress >= self._frozen_share
        first = next(self.net.glob.body.parameters())
        changed = first.requires_grad != learns
        self.net.glob.body.requires_grad_(learns)
        return changed


class Residual(nn.Module):
    """Adds to a painted face what it lacks (Chan et al., section 3.4): r + G(x)_F."""

    def __init__(self, net: GlobalGenerator) -> None:
        super().__init__()
        self.net = net

    def forward(self, label: Tensor, painted: Tensor) -> Tensor:
        """(B, U, 3, s, s) squares of label and picture -> the face, (B, U, 3, s, s)."""
        residual: Tensor = self.net(label.flatten(0, 1), painted.flatten(0, 1))
        return painted + residual.unflatten(0, painted.shape[:2])


class FaceStage:
    """The face net, on squares of pictures that the finished generator paints."""

    def __init__(self, net: GlobalGenerator, main: Teacher, side: int, feedback: bool) -> None:
        self.net: nn.Module = net
        self.pairs = False
        self.module: nn.Module = Residual(net)
        self._side = side
        self._main = Unrolled(main.requires_grad_(False).eval(), feedback)

    @torch.no_grad()
    def inputs(self, clips: Clips) -> Inputs:
        return self._cut(clips.label, clips), self._cut(self._main(clips.label), clips)

    def judged(self, clips: Clips, made: Tensor) -> Judged:
        parts = (clips.label, clips.truth, torch.ones_like(clips.weight))
        label, truth, weight = (self._cut(part, clips) for part in parts)
        return Judged(label, made, truth, weight)

    def freeze(self, progress: float) -> bool:
        return False

    def _cut(self, pictures: Tensor, clips: Clips) -> Tensor:
        squares = cut_out(pictures.flatten(0, 1), clips.heads.flatten(0, 1), self._side)
        return squares.unflatten(0, pictures.shape[:2])
