"""A small teacher: everything of the real one, in seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from training.schedule import Budget
from training.teacher.nets import TeacherShape
from training.teacher.options import TeacherOptions
from training.teacher.world import World

SHAPE = TeacherShape(width=8, downsamplings=2, blocks=2, local_width=4, local_blocks=1)
SIZE = (64, 80)  # of pictures of the tiny footage's stage of 128x160, pixels
ALONE = World(0, 1, torch.device("cpu"))


def small_options(data: Path, out: Path, steps: int, **more: Any) -> TeacherOptions:
    """A few steps of a small net."""
    given: dict[str, Any] = {
        "sizes": (SIZE,),
        "batch": 2,
        "shape": SHAPE,
        "face_shape": SHAPE,
        "rate": 1e-3,
        "critic_width": 8,
        "seed": 3,
        "device": "cpu",
        "threads": 1,
        "workers": 1,
        "save_every_s": 1e9,
        "sample_every_s": 1e9,
        "progress": False,
    }
    return TeacherOptions(data=data, out=out, budget=Budget(steps=steps), **{**given, **more})
