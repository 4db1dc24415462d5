"""How much memory a step takes, worked out without taking it; and what size would fit.

A step's pictures are traced on torch's `meta` device, which has shapes and no numbers; what
autograd would keep for the way back is counted.
"""

from __future__ import annotations

import os
from dataclasses import replace

import torch
from torch import Tensor

from training.teacher.critic import Critic, together
from training.teacher.nets import GlobalGenerator, LocalEnhancer, Teacher
from training.teacher.options import TeacherOptions
from training.teacher.stages import Unrolled

ADAM = 4  # times the weights: themselves, gradients, two moments
SLACK = 1.4  # work space, the perceptual net, fragments
FLOAT = 4  # bytes


def step_bytes(options: TeacherOptions, stage: str, rows: int) -> int:
    """About what one process needs for a step of `rows` runs of frames."""
    size = options.size_of(stage)
    with torch.device("meta"):
        glob = GlobalGenerator(options.shape)
        net: Teacher = LocalEnhancer(glob) if stage == "local" else glob
        pairs = options.temporal
        critic = Critic(12 if pairs else 6, 3 if stage == "local" else 2, options.critic_width)
        label = torch.zeros(rows, options.unroll, 3, *size)
    seen: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        held.append(tensor)  # so that no storage's place is used twice
        seen[storage._cdata] = storage.nbytes()
        return tensor

    held: list[Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        made = Unrolled(net, pairs)(label)
        critic(together(label, made, pairs))
    weights = sum(p.numel() for n in (net, critic) for p in n.parameters()) * FLOAT
    kept = sum(seen.values()) - min(weights, sum(seen.values()))
    return int((kept * (0.5 if options.bfloat16 else 1.0) + ADAM * weights) * SLACK)


def available_bytes(device: torch.device) -> int:
    """The device's memory, all of it."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


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


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch, on any device, could not get the memory that it asked for."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
