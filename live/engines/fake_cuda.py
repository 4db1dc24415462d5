"""A `Cuda` for machines without a GPU: device memory is host memory, streams run at once.

It keeps the rules that the real one has: graphs remember addresses, freed memory cannot be used,
and every copy is counted, so that a test can tell what crossed the bus.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from live.engines.cuda_memory import CudaError, Gpu, Pinned

GPU = Gpu("Fake RTX", "sm_89", "1.0", 8 << 30, 6 << 30)


class FakeCuda:
    """See `live.engines.cuda_memory.Cuda`."""

    def __init__(self, gpu: Gpu = GPU, memory_bytes: int = 1 << 40) -> None:
        self.gpu = gpu
        self.memory: dict[int, NDArray[np.uint8]] = {}  # address -> bytes
        self.pinned: dict[int, Pinned] = {}
        self.streams: set[int] = set()
        self.graphs: dict[int, list[Callable[[], None]]] = {}
        self.uploaded_bytes = self.downloaded_bytes = self.launches = 0
        self.gone = False  # the GPU fell off the bus: every call fails from now on
        self._left = memory_bytes
        self._next = 4096
        self._recording: list[Callable[[], None]] | None = None

    @property
    def capturing(self) -> bool:
        """Whether work is recorded instead of done."""
        return self._recording is not None

    def held(self) -> int:
        """How many things were given out and not given back."""
        return len(self.memory) + len(self.pinned) + len(self.streams) + len(self.graphs)

    def enqueue(self, work: Callable[[], None]) -> None:
        """Do `work` as a stream does: now, or into the graph that is being recorded."""
        self._check()
        if self._recording is not None:
            self._recording.append(work)
        else:
            work()

    def allocate(self, size: int) -> int:
        self._check()
        if size > self._left:
            raise CudaError("cudaErrorMemoryAllocation", "cudaMalloc: out of memory")
        self._left -= size
        address = self._new()
        self.memory[address] = np.full(size, 0xA5, np.uint8)  # as the device, no zeros
        return address

    def free(self, address: int) -> None:
        self._check()
        self._left += self.memory.pop(address).nbytes

    def pin(self, size: int) -> Pinned:
        self._check()
        pinned = Pinned(self._new(), np.zeros(size, np.uint8))
        self.pinned[pinned.address] = pinned
        return pinned

    def unpin(self, pinned: Pinned) -> None:
        self._check()
        del self.pinned[pinned.address]

    def open_stream(self) -> int:
        self._check()
        self.streams.add(self._new())
        return self._next

    def close_stream(self, stream: int) -> None:
        self._check()
        self.streams.remove(stream)

    def upload(self, device: int, host: Pinned, stream: int) -> None:
        def copy() -> None:
            self.memory[device][: host.array.nbytes] = self.pinned[host.address].array
            self.uploaded_bytes += host.array.nbytes

        self.enqueue(copy)

    def download(self, host: Pinned, device: int, size: int, stream: int) -> None:
        def copy() -> None:
            self.pinned[host.address].array[:size] = self.memory[device][:size]
            self.downloaded_bytes += size

        self.enqueue(copy)

    def clear(self, device: int, size: int, stream: int) -> None:
        self.enqueue(lambda: self.memory[device][:size].fill(0))

    def wait(self, stream: int) -> None:
        self._check()
        if self._recording is not None:
            raise CudaError("cudaErrorStreamCaptureUnsupported", "waited while capturing")

    def begin_capture(self, stream: int) -> None:
        self._check()
        self._recording = []

    def end_capture(self, stream: int) -> int:
        self._check()
        assert self._recording is not None
        graph = self._new()
        self.graphs[graph], self._recording = self._recording, None
        return graph

    def launch(self, graph: int, stream: int) -> None:
        self._check()
        self.launches += 1
        for work in self.graphs[graph]:
            work()

    def free_graph(self, graph: int) -> None:
        self._check()
        del self.graphs[graph]

    def _new(self) -> int:
        self._next += 4096
        return self._next

    def _check(self) -> None:
        if self.gone:
            raise CudaError("cudaErrorDeviceUnavailable", "the device is gone")
