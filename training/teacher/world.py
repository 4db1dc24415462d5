"""The processes that train together: torch's own DistributedDataParallel, started by torchrun.

gloo between CPUs, NCCL between GPUs. A single process is a world of one and needs neither.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

from training.device import choose_device


@dataclass(frozen=True, slots=True)
class World:
    """This process among its equals."""

    rank: int
    size: int
    device: torch.device

    @property
    def first(self) -> bool:
        """The one that writes files and speaks."""
        return self.rank == 0

    def parallel(self, net: nn.Module) -> nn.Module:
        """`net` with gradients averaged over the processes; the first one's weights for all."""
        if self.size == 1:
            return net
        return DistributedDataParallel(net, gradient_as_bucket_view=True)

    def agreed(self, value: float) -> float:
        """The first process' `value`, for decisions that all must make alike."""
        if self.size == 1:
            return value
        held = torch.tensor([value], dtype=torch.float64, device=self.device)
        distributed.broadcast(held, 0)
        return float(held)

    def same(self, value: float) -> bool:
        """Whether every process has this very `value`; all get one answer."""
        if self.size == 1:
            return True
        held = torch.tensor([value, -value], dtype=torch.float64, device=self.device)
        distributed.all_reduce(held, distributed.ReduceOp.MAX)
        return float(held[0]) == -float(held[1])

    def mean(self, values: Tensor) -> Tensor:
        """Over the processes: losses are told of the whole batch."""
        if self.size > 1:
            distributed.all_reduce(values)
        return values / self.size

    def meet(self) -> None:
        """Nobody goes on before everybody is here."""
        if self.size > 1:
            distributed.barrier()


@contextmanager
def open_world(device: str) -> Iterator[World]:
    """The world that torchrun's environment tells of, or a world of one. Raises SetupError."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    chosen = choose_device(device)
    if size == 1:
        yield World(0, 1, chosen)
        return
    if chosen.type == "cuda":
        chosen = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(chosen)
    _join("nccl" if chosen.type == "cuda" else "gloo")
    try:
        yield World(distributed.get_rank(), size, chosen)
    finally:
        distributed.destroy_process_group()


def _join(backend: str) -> None:
    """Meet the others, of this attempt only.

    torchrun's store outlives a worker that was lost: without a prefix the new ones would look up
    the old ones' addresses, and wait for who is no more.
    """
    store, rank, size = next(rendezvous("env://"))
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    # Public, and not among what torch's stubs re-export.
    here = distributed.PrefixStore(f"attempt-{attempt}", store)  # type: ignore[attr-defined]
    distributed.init_process_group(backend, store=here, rank=rank, world_size=size)
