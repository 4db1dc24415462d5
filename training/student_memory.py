"""How much memory a step of the student takes, and how many crops would fit."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import torch

from training.discriminator import Discriminator
from training.memory_use import FLOAT, available_bytes, kept_bytes, most_rows, told_of_memory
from training.nets import Student, StudentShape, compose
from training.perceptual import PerceptualFeatures

COPIES = 4  # of the weights: themselves, gradients, momentum, their average
SLACK = 1.4  # work space, fragments


def step_bytes(shape: StudentShape, rows: int, crop: tuple[int, int]) -> int:
    """About what a step of `rows` crops of (height, width) pixels needs, critic and all."""
    features = PerceptualFeatures().to("meta")
    with torch.device("meta"):
        net, critic = Student(shape), Discriminator()
        label, plate = (torch.zeros(rows, 3, *crop) for _ in range(2))
        state = torch.zeros(rows, 4, *crop)

    def forward() -> None:
        picture = compose(net(label, state), plate)
        features(picture)
        # The picture is judged twice, for the student and for the critic; the truth once.
        for judged in (picture, picture.detach(), plate):
            critic(label, judged)

    weights = sum(p.numel() for n in (net, critic) for p in n.parameters()) * FLOAT
    return int((kept_bytes(forward) + COPIES * weights) * SLACK)


def advice(shape: StudentShape, rows: int, crop: tuple[int, int], available: int) -> str:
    """A sentence for who ran out of memory: the largest number of crops that should fit."""
    if fewer := most_rows(rows, lambda n: step_bytes(shape, n, crop), available):
        return f"--batch {fewer} should fit, in a new --out"
    return (
        "not even --batch 1 should fit; take a smaller --tier, prepare with a smaller --size, or "
        "use a machine with more memory"
    )


def foresight(
    shape: StudentShape, rows: int, crop: tuple[int, int], device: torch.device
) -> str | None:
    """A warning where a step will not fit: backbone and critic begin long after the start."""
    needed, available = step_bytes(shape, rows, crop), available_bytes(device)
    if needed <= available:
        return None
    return (
        f"from the critic's phase on a step of {rows} crops needs about {needed / 1e9:.1f} GB, and "
        f"{device.type} has {available / 1e9:.1f}: {advice(shape, rows, crop, available)}"
    )


def within_memory(
    shape: StudentShape, rows: int, crop: Callable[[], tuple[int, int]], device: torch.device
) -> AbstractContextManager[None]:
    """`told_of_memory` with the number of crops that should fit."""
    return told_of_memory(
        rows, crop, lambda size: advice(shape, rows, size, available_bytes(device))
    )
