"""Where torch computes, by name."""

from __future__ import annotations

import os

import torch

from live.errors import SetupError


def choose_device(name: str) -> torch.device:
    """`auto` is the GPU where there is one. Raises SetupError for a device that is not there."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name not in ("cpu", "cuda"):
        raise SetupError(f"--device is {name!r}; known: auto, cpu, cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise SetupError("--device cuda: this torch sees no GPU; use --device cpu")
    return torch.device(name)


def loader_threads(device: torch.device) -> int:
    """How many threads make the batches that `device` learns from."""
    # On a CPU the training itself wants every core; a GPU starves behind a single thread.
    return 1 if device.type == "cpu" else max(min(os.cpu_count() or 1, 8), 1)
