"""How much memory a training step takes, worked out without taking it; and whether it ran out.

A step is traced on torch's `meta` device, which has shapes and no numbers; what autograd would keep
for the way back is counted.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from live.errors import SetupError

FLOAT = 4  # bytes
OUT_OF_MEMORY = ("can't allocate memory", "out of memory", "_alloc_failed")
"""What torch's CPU allocator says, the CUDA driver itself, and cuDNN and cuBLAS."""


def kept_bytes(forward: Callable[[], object]) -> int:
    """What autograd would keep of `forward`, which works on tensors of the `meta` device."""
    seen: dict[int, int] = {}
    held: list[Tensor] = []

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        held.append(tensor)  # so that no storage's place is used twice
        seen[storage._cdata] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        forward()
    return sum(seen.values())


def available_bytes(device: torch.device) -> int:
    """The device's memory, all of it."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch, on any device, could not get the memory that it asked for."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    said = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in said for words in OUT_OF_MEMORY)


def most_rows(rows: int, needed: Callable[[int], int], available: int) -> int:
    """The most crops a step, fewer than `rows`, of which `needed` is within `available`; or 0."""
    return next((n for n in range(rows - 1, 0, -1) if needed(n) <= available), 0)


@contextmanager
def told_of_memory(
    rows: int, crop: Callable[[], tuple[int, int]], advice: Callable[[tuple[int, int]], str]
) -> Iterator[None]:
    """Where memory runs out within it, SetupError is raised, with what may help.

    rows: crops of a step; crop: their (height, width), pixels; advice: of a crop, a sentence.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        height, width = crop()
        raise SetupError(
            f"out of memory with {rows} crops of {width}x{height}: {advice((height, width))}"
        ) from error
