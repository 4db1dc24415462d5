"""How much memory a step of the teacher takes, and what size would fit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch

from live.errors import SetupError
from training.memory_use import FLOAT, available_bytes, is_out_of_memory, kept_bytes
from training.teacher.critic import Critic, together
from training.teacher.nets import GlobalGenerator, LocalEnhancer, Teacher
from training.teacher.options import TeacherOptions
from training.teacher.stages import Unrolled
from training.teacher.world import World

ADAM = 4  # times the weights: themselves, gradients, two moments
SLACK = 1.4  # work space, the perceptual net, fragments


def step_bytes(options: TeacherOptions, stage: str, rows: int) -> int:
    """About what one process needs for a step of `rows` runs of frames."""
    size = options.size_of(stage)
    with torch.device("meta"):
        glob = GlobalGenerator(options.shape)
        net: Teacher = LocalEnhancer(glob) if stage == "local" else glob
        pairs = options.temporal
        critic = Critic(12 if pairs else 6, 3 if stage == "local" else 2, options.critic_width)
        label = torch.zeros(rows, options.unroll, 3, *size)
    saved = kept_bytes(lambda: critic(together(label, Unrolled(net, pairs)(label), pairs)))
    weights = sum(p.numel() for n in (net, critic) for p in n.parameters()) * FLOAT
    kept = saved - min(weights, saved)
    return int((kept * (0.5 if options.bfloat16 else 1.0) + ADAM * weights) * SLACK)


def advice(options: TeacherOptions, stage: str, processes: int, available: int) -> str:
    """A sentence for who ran out of memory: the largest batch or size that should fit."""
    if stage == "face":
        return "give a smaller --face or --batch"
    rows, size = max(options.batch // processes, 1), options.size_of(stage)
    for fewer in range(rows - 1, 0, -1):
        if step_bytes(options, stage, fewer) <= available:
            return f"--batch {fewer * processes} should fit"
    multiple = options.multiple_of(stage)
    for percent in range(90, 5, -5):
        height, width = (int(side * percent / 100) // multiple * multiple for side in size)
        if min(height, width) < 4 * multiple:
            break
        sizes = ((height, width),) if stage == "global" else (options.sizes[0], (height, width))
        smaller = replace(options, sizes=sizes, batch=processes)
        if step_bytes(smaller, stage, 1) <= available:
            return (
                f"--batch {processes} and {width}x{height} as the {stage} stage's --size should fit"
            )
    return "no size would fit; use a machine with more memory, or --bfloat16"


@contextmanager
def within_memory(options: TeacherOptions, stage: str, world: World) -> Iterator[None]:
    """Where memory runs out within it, SetupError is raised, with the size that should fit."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        help_ = advice(options, stage, world.size, available_bytes(world.device))
        raise SetupError(f"out of memory in the {stage} stage: {help_}") from error
