"""How much memory a step of a part's net takes, and how many crops would fit."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn

from training.discriminator import Discriminator
from training.face_net import FaceShape, FaceStudent
from training.face_trainer import enlargement
from training.memory_use import FLOAT, available_bytes, kept_bytes, most_rows, told_of_memory
from training.nets import Student, StudentShape
from training.perceptual import PerceptualFeatures
from training.student_memory import COPIES, SLACK

HELD = 40  # planes of a crop: the batch, what was made of it and of the last one


def step_bytes(student: StudentShape, shape: FaceShape, rows: int, crop: tuple[int, int]) -> int:
    """About what a step of `rows` crops of (height, width) pixels needs, critic and all."""
    features = PerceptualFeatures().to("meta")
    side, seen = shape.side, shape.side * enlargement(shape)
    with torch.device("meta"):
        painter, net, critic = Student(student), FaceStudent(shape), Discriminator()
        given = torch.zeros(rows, 3, *crop), torch.zeros(rows, 4, *crop)
        square = torch.zeros(rows, 3, side, side), torch.zeros(rows, 4, side, side)
        picture = torch.zeros(rows, 3, seen, seen, requires_grad=True)

    def forward() -> None:
        net(*square)
        features(picture)
        # The picture is judged twice, for the net and for the critic; the truth once.
        for judged in (picture, picture.detach(), picture.detach()):
            critic(judged.detach(), judged)

    weights = sum(p.numel() for n in (net, critic) for p in n.parameters()) * FLOAT
    held = rows * HELD * crop[0] * crop[1] * FLOAT + _painting_bytes(painter, *given)
    return int((kept_bytes(forward) + held + COPIES * weights) * SLACK)


def _painting_bytes(painter: Student, label: Tensor, state: Tensor) -> int:
    """The student learns nothing, so that it keeps no more than one layer's maps, and a sum's."""
    most = 0

    def look(_: nn.Module, given: tuple[Tensor, ...], made: Tensor) -> None:
        nonlocal most
        most = max(most, 2 * (given[0].numel() + made.numel()) * FLOAT)

    for module in painter.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(look)
    with torch.no_grad():
        painter(label, state)
    return most


def within_memory(
    student: StudentShape, shape: FaceShape, rows: int, crop: tuple[int, int], device: torch.device
) -> AbstractContextManager[None]:
    """`told_of_memory` with the number of crops that should fit."""
    return told_of_memory(
        rows, lambda: crop, lambda size: advice(student, shape, rows, size, available_bytes(device))
    )


def advice(
    student: StudentShape, shape: FaceShape, rows: int, crop: tuple[int, int], available: int
) -> str:
    """A sentence for who ran out of memory: the largest number of crops that should fit."""
    if fewer := most_rows(rows, lambda n: step_bytes(student, shape, n, crop), available):
        return f"--batch {fewer} should fit, once what this training has written is deleted"
    return "not even --batch 1 should fit; use a machine with more memory"
