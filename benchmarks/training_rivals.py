"""The two ways of a teacher's step that `benchmarks.training` holds against each other."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from live.skeleton import LabelStyle
from training.dataset import Dataset
from training.loader import Loader
from training.teacher.backbones import open_backbone
from training.teacher.clips import ClipBatches, Clips, ClipSettings
from training.teacher.critic import Critic, together
from training.teacher.nets import GlobalGenerator, TeacherShape
from training.teacher.objective import (
    TeacherWeights,
    feature_matching,
    summed_critic_loss,
    summed_generator_loss,
)
from training.teacher.stages import PictureStage
from training.teacher.trainer import TeacherRates, TeacherTrainer
from training.teacher.world import World


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """What the command line may set."""

    size: tuple[int, int] = (128, 256)  # (height, width), pixels
    width: int = 32  # channels of the generator at full resolution; the paper's has 64
    blocks: int = 9
    batch: int = 1
    steps: int = 6  # that count, of each
    warm_up: int = 2
    device: str = "auto"
    threads: int = 0  # 0 takes all
    bfloat16: bool = False
    data: Path | None = None  # a dataset; made up where there is none


class Rival(Protocol):
    """Somebody's way of one training step after another."""

    def step(self, number: int) -> None:
        """Get batch `number`, counted from 0 and one after another, and learn from it."""

    def close(self) -> None:
        """May be called twice."""


class Ours:
    """The trainer and the loader of `training.train`."""

    def __init__(self, options: TrainingOptions, data: Dataset, device: torch.device) -> None:
        gpu = device.type == "cuda"
        rates = TeacherRates(channels_last=gpu, bfloat16=options.bfloat16)
        self.stage = PictureStage(GlobalGenerator(_shape(options)))
        backbone = open_backbone("efficientnet")
        self._trainer = TeacherTrainer(self.stage, rates, backbone, World(0, 1, device))
        loader = Loader(_batches(options, data), prepare=Clips.pinned if gpu else None)
        self._coming = loader.ahead(0)
        self.section(lambda _: nullcontext())

    def section(self, section: Callable[[str], AbstractContextManager[Any]]) -> None:
        """Every part of a step shall run within `section(its name)`."""
        self._section = self._trainer.section = section

    def step(self, number: int) -> None:
        """The batch was made ahead, in other threads."""
        with self._section("wait"):
            clips = next(self._coming)
        self._trainer.train(clips, 0.0)

    def close(self) -> None:
        """End the threads that make batches."""
        self._coming.close()  # type: ignore[attr-defined]


class Plain:
    """pix2pixHD's training loop for two consecutive frames, as its papers tell it."""

    def __init__(self, options: TrainingOptions, data: Dataset, device: torch.device) -> None:
        self._batches = _batches(options, data)
        self.generator = GlobalGenerator(_shape(options)).to(device)
        self.critic = Critic(12, 2).to(device)
        self.backbone = open_backbone("efficientnet").to(device)
        self.weights, self._device = TeacherWeights(), device
        self._adams = [
            torch.optim.Adam(net.parameters(), 2e-4, (0.5, 0.999))
            for net in (self.generator, self.critic)
        ]

    def step(self, number: int) -> None:
        """Make a batch, then learn from it."""
        clips = self._batches.make(number).to(self._device)
        first = self.generator(clips.label[:, 0], torch.zeros_like(clips.label[:, 0]))
        second = self.generator(clips.label[:, 1], first)
        made = torch.stack([first, second], 1)
        false, true = (together(clips.label, p, True) for p in (made, clips.truth))
        apart = self.critic(false.detach())
        real, fake = self.critic(true), self.critic(false)
        flat = [part.flatten(0, 1) for part in (made, clips.truth, clips.weight)]
        loss = summed_generator_loss(fake)
        loss = loss + 10 * feature_matching([maps.detach() for maps in real.features], fake)
        self._learn(loss + 5 * self.backbone(*flat), self._adams[0])
        self._learn(summed_critic_loss(real, apart), self._adams[1])

    def _learn(self, loss: Tensor, adam: torch.optim.Adam) -> None:
        adam.zero_grad()
        loss.backward()
        adam.step()

    def close(self) -> None:
        """Nothing is open."""


RIVALS: dict[str, Callable[[TrainingOptions, Dataset, torch.device], Rival]] = {
    "ours": Ours,
    "plain": Plain,
}


def _shape(options: TrainingOptions) -> TeacherShape:
    return TeacherShape(options.width, blocks=options.blocks, local_width=options.width // 2)


def _batches(options: TrainingOptions, data: Dataset) -> ClipBatches:
    settings = ClipSettings(options.size, rows=options.batch)
    return ClipBatches(data, LabelStyle(), settings, seed=0)
