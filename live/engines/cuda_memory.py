"""Memory, streams and graphs on an NVIDIA GPU: the one home of `cuda.bindings`.

`Cuda` is what the engines need of it, `open_cuda` gives the real one; `live.engines.fake_cuda`
is the one for machines without a GPU. Addresses, streams and graphs are plain integers.
"""

from __future__ import annotations

import contextlib
import ctypes
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from live.errors import SetupError

PIP = "pip install cuda-bindings"


@dataclass(frozen=True, slots=True)
class Gpu:
    """The device that engines are built for."""

    name: str  # "NVIDIA GeForce RTX 4090"
    capability: str  # "sm_89"
    driver: str  # "580.95.05"
    memory_bytes: int
    free_bytes: int  # when it was opened


@dataclass(frozen=True, slots=True, eq=False)
class Pinned:
    """Host memory that the GPU reads and writes by itself."""

    address: int
    array: NDArray[np.uint8]  # (size,), the memory itself


class CudaError(RuntimeError):
    """A call that failed; `name` is CUDA's own, as in "cudaErrorMemoryAllocation"."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name

    @property
    def out_of_memory(self) -> bool:
        return self.name == "cudaErrorMemoryAllocation"


class Cuda(Protocol):
    """What the engines need of CUDA. Every method may raise CudaError."""

    gpu: Gpu

    def allocate(self, size: int) -> int:
        """The address of `size` new bytes on the device."""

    def free(self, address: int) -> None:
        """Give back what `allocate` gave."""

    def pin(self, size: int) -> Pinned:
        """`size` new bytes of pinned host memory."""

    def unpin(self, pinned: Pinned) -> None:
        """Give back what `pin` gave."""

    def open_stream(self) -> int:
        """A stream that waits for no other."""

    def close_stream(self, stream: int) -> None:
        """Give back what `open_stream` gave."""

    def upload(self, device: int, host: Pinned, stream: int) -> None:
        """Enqueue a copy of the whole of `host` to the device."""

    def download(self, host: Pinned, device: int, size: int, stream: int) -> None:
        """Enqueue a copy of `size` bytes from the device."""

    def clear(self, device: int, size: int, stream: int) -> None:
        """Enqueue writing `size` zeros."""

    def wait(self, stream: int) -> None:
        """Until everything enqueued is done. Releases the GIL."""

    def begin_capture(self, stream: int) -> None:
        """From now on record what is enqueued, instead of doing it."""

    def end_capture(self, stream: int) -> int:
        """A graph of what was recorded."""

    def launch(self, graph: int, stream: int) -> None:
        """Enqueue a graph."""

    def free_graph(self, graph: int) -> None:
        """Give back what `end_capture` gave."""


def open_cuda() -> Cuda:
    """The first GPU (CUDA_VISIBLE_DEVICES chooses).

    Raises SetupError where the package, a driver or a GPU is missing, the driver is too old, or the
    GPU cannot be used: another program has it to itself, or its memory is full.
    """
    try:
        runtime = import_module("cuda.bindings.runtime")
    except ImportError as error:
        raise SetupError(f"cuda.bindings cannot be imported ({error}); {PIP}") from error
    needs = int(runtime.cudaRuntimeGetVersion()[1])
    has = int(runtime.cudaDriverGetVersion()[1] or 0)
    if not has:
        raise SetupError(
            "no NVIDIA driver is installed, so no GPU can be used; install it, or run on the CPU"
        )
    code, count = runtime.cudaGetDeviceCount()
    if code == runtime.cudaError_t.cudaErrorInsufficientDriver:
        raise SetupError(
            f"the NVIDIA driver is too old: it knows CUDA {_version(has)}, needed is "
            f"{_version(needs)}; install a newer driver"
        )
    if int(code) or not count:
        reason = "" if not int(code) else f" ({_text(runtime, code)})"
        raise SetupError(
            f"the NVIDIA driver finds no GPU{reason}; look at nvidia-smi and CUDA_VISIBLE_DEVICES, "
            f"or run on the CPU"
        )
    try:
        return _RealCuda(runtime)
    except CudaError as error:
        full = "close other programs that use it" if error.out_of_memory else "look at nvidia-smi"
        raise SetupError(f"the GPU cannot be used: {error}; {full}, or run on the CPU") from error


class _RealCuda:
    def __init__(self, runtime: Any) -> None:
        self._api = runtime
        self._call("cudaSetDevice", 0)
        facts = self._call("cudaGetDeviceProperties", 0)
        free, total = self._call("cudaMemGetInfo")
        version = int(self._call("cudaDriverGetVersion"))
        self.gpu = Gpu(
            name=bytes(facts.name).split(b"\0")[0].decode("utf-8", "replace"),
            capability=f"sm_{facts.major}{facts.minor}",
            driver=_driver() or f"CUDA {_version(version)}",
            memory_bytes=int(total),
            free_bytes=int(free),
        )

    def allocate(self, size: int) -> int:
        return int(self._call("cudaMalloc", size))

    def free(self, address: int) -> None:
        self._call("cudaFree", address)

    def pin(self, size: int) -> Pinned:
        address = int(self._call("cudaHostAlloc", size, 0))
        memory = (ctypes.c_uint8 * size).from_address(address)
        return Pinned(address, np.ctypeslib.as_array(memory))

    def unpin(self, pinned: Pinned) -> None:
        self._call("cudaFreeHost", pinned.address)

    def open_stream(self) -> int:
        return int(self._call("cudaStreamCreateWithFlags", self._api.cudaStreamNonBlocking))

    def close_stream(self, stream: int) -> None:
        self._call("cudaStreamDestroy", stream)

    def upload(self, device: int, host: Pinned, stream: int) -> None:
        kind = self._api.cudaMemcpyKind.cudaMemcpyHostToDevice
        self._call("cudaMemcpyAsync", device, host.address, host.array.nbytes, kind, stream)

    def download(self, host: Pinned, device: int, size: int, stream: int) -> None:
        kind = self._api.cudaMemcpyKind.cudaMemcpyDeviceToHost
        self._call("cudaMemcpyAsync", host.address, device, size, kind, stream)

    def clear(self, device: int, size: int, stream: int) -> None:
        self._call("cudaMemsetAsync", device, 0, size, stream)

    def wait(self, stream: int) -> None:
        self._call("cudaStreamSynchronize", stream)

    def begin_capture(self, stream: int) -> None:
        # Of this thread alone: encoder and pose may use the GPU meanwhile.
        mode = self._api.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        self._call("cudaStreamBeginCapture", stream, mode)

    def end_capture(self, stream: int) -> int:
        graph = self._call("cudaStreamEndCapture", stream)
        try:
            return int(self._call("cudaGraphInstantiate", graph, 0))
        finally:
            self._call("cudaGraphDestroy", graph)

    def launch(self, graph: int, stream: int) -> None:
        self._call("cudaGraphLaunch", graph, stream)

    def free_graph(self, graph: int) -> None:
        self._call("cudaGraphExecDestroy", graph)

    def _call(self, name: str, *arguments: Any) -> Any:
        """What the function gives beside its error code: nothing, one thing or a tuple."""
        code, *results = getattr(self._api, name)(*arguments)
        if int(code):
            kind = self._api.cudaGetErrorName(code)[1].decode()
            raise CudaError(kind, f"{name}: {_text(self._api, code)} ({kind})")
        return results[0] if len(results) == 1 else tuple(results)


def _text(runtime: Any, code: Any) -> str:
    return str(runtime.cudaGetErrorString(code)[1].decode())


def _version(number: int) -> str:
    """13040 -> "13.4"."""
    return f"{number // 1000}.{number % 1000 // 10}"


def _driver() -> str:
    """The driver's own version, as nvidia-smi shows it; "" where it cannot be asked."""
    # RuntimeError: NVML's library is not found; the other is the base of its own errors.
    with contextlib.suppress(ImportError):
        nvml = import_module("cuda.bindings.nvml")
        with contextlib.suppress(RuntimeError, nvml.NvmlError):
            nvml.init_v2()
            try:
                return str(nvml.system_get_driver_version())
            finally:
                nvml.shutdown()
    return ""
