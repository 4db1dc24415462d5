"""The most memory that a way of training takes, alone in a process of its own."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch

from benchmarks.process_memory import forget_peak, memory_mb
from benchmarks.training_rivals import RIVALS, TrainingOptions
from training.dataset import Dataset
from training.device import choose_device

STEPS = 2  # in the second one the optimizers hold what they ever will


def peak_mb(name: str, options: TrainingOptions, data: Path) -> float | None:
    """Of `RIVALS[name]` on the dataset in `data`, MB.

    On a CPU beyond what the process held before its nets were there (libraries that torch opens
    with its first step count, some 200 MB), and None where the system is not Linux; on a GPU what
    torch allocated there.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_peak_mb, name, options, data).result()


def _peak_mb(name: str, options: TrainingOptions, folder: Path) -> float | None:  # in the child
    device = choose_device(options.device)
    if options.threads:
        torch.set_num_threads(options.threads)
    data = Dataset(folder)
    before_mb = memory_mb("VmRSS")
    forget_peak()
    rival = RIVALS[name](options, data, device)
    for number in range(STEPS):
        rival.step(number)
    rival.close()
    if device.type == "cuda":
        return round(torch.cuda.max_memory_allocated(device) / 2**20, 1)
    most_mb = memory_mb("VmHWM")
    return None if before_mb is None or most_mb is None else round(most_mb - before_mb, 1)
