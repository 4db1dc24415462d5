from __future__ import annotations

import ctypes
import importlib
import importlib.util
import sys
from enum import IntEnum
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from live.engines.cuda_memory import PIP, CudaError, open_cuda
from live.errors import SetupError


class Code(IntEnum):
    cudaSuccess = 0  # noqa: N815  # CUDA's own names
    cudaErrorMemoryAllocation = 2  # noqa: N815
    cudaErrorInsufficientDriver = 35  # noqa: N815
    cudaErrorDevicesUnavailable = 46  # noqa: N815
    cudaErrorNoDevice = 100  # noqa: N815


class Runtime:
    """Answers as `cuda.bindings.runtime` does: a tuple, the error code first."""

    cudaError_t = Code  # noqa: N815
    cudaMemcpyKind = SimpleNamespace(cudaMemcpyHostToDevice=1, cudaMemcpyDeviceToHost=2)  # noqa: N815
    cudaStreamCaptureMode = SimpleNamespace(cudaStreamCaptureModeThreadLocal=1)  # noqa: N815
    cudaStreamNonBlocking = 1  # noqa: N815

    def __init__(self, driver: int, count: tuple[Any, ...]) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.results: dict[str, tuple[Any, ...]] = {
            "cudaRuntimeGetVersion": (0, 13040),
            "cudaDriverGetVersion": (0, driver),
            "cudaGetDeviceCount": count,
            "cudaGetDeviceProperties": (0, SimpleNamespace(name=b"RTX\0\0", major=8, minor=9)),
            "cudaMemGetInfo": (0, 100, 300),
        }

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> tuple[Any, ...]:
            self.calls.append((name, *arguments))
            if name == "cudaGetErrorName":
                return (0, Code(arguments[0]).name.encode())
            if name == "cudaGetErrorString":
                return (0, b"words")
            return self.results.get(name, (Code.cudaSuccess,))

        return call


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts a runtime where `cuda.bindings.runtime` is imported from; no NVML beside it."""

    def install(runtime: Runtime | None) -> None:
        for name in ("cuda", "cuda.bindings"):
            monkeypatch.setitem(sys.modules, name, ModuleType(name))
        monkeypatch.setitem(sys.modules, "cuda.bindings.nvml", None)
        monkeypatch.setitem(sys.modules, "cuda.bindings.runtime", runtime)

    return install


def test_a_missing_package_gives_the_pip_line(installed: Any) -> None:
    installed(None)
    with pytest.raises(SetupError, match=PIP):
        open_cuda()


@pytest.mark.parametrize(
    ("driver", "count", "says"),
    [
        (0, (Code.cudaErrorInsufficientDriver, None), "no NVIDIA driver is installed"),
        (
            12040, (Code.cudaErrorInsufficientDriver, None),
            r"driver is too old: it knows CUDA 12\.4, needed is 13\.4; install a newer",
        ),
        (13050, (Code.cudaErrorNoDevice, None), r"finds no GPU \(words\); look at nvidia-smi"),
        (13050, (Code.cudaSuccess, 0), "finds no GPU; look at nvidia-smi"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said(
    installed: Any, driver: int, count: tuple[Any, ...], says: str
) -> None:
    installed(Runtime(driver, count))
    with pytest.raises(SetupError, match=says):
        open_cuda()


@pytest.mark.parametrize(
    ("call", "code", "remedy"),
    [
        ("cudaSetDevice", Code.cudaErrorDevicesUnavailable, "look at nvidia-smi, or run on"),
        ("cudaMemGetInfo", Code.cudaErrorMemoryAllocation, "close other programs that use it"),
    ],
)
def test_a_gpu_that_cannot_be_used_is_said(
    installed: Any, call: str, code: Code, remedy: str
) -> None:
    """Another program has it to itself, or its memory is so full that it cannot even be opened."""
    runtime = Runtime(13050, (Code.cudaSuccess, 1))
    runtime.results[call] = (code, None, None)
    installed(runtime)
    with pytest.raises(
        SetupError, match=rf"the GPU cannot be used: {call}: words \({code.name}\); {remedy}"
    ):
        open_cuda()


def test_the_card_and_its_memory(installed: Any) -> None:
    runtime = Runtime(13050, (Code.cudaSuccess, 1))
    installed(runtime)
    cuda = open_cuda()
    assert (cuda.gpu.name, cuda.gpu.capability) == ("RTX", "sm_89")
    assert (cuda.gpu.driver, cuda.gpu.memory_bytes, cuda.gpu.free_bytes) == ("CUDA 13.5", 300, 100)
    block = ctypes.create_string_buffer(b"abcd", 4)
    runtime.results["cudaHostAlloc"] = (0, ctypes.addressof(block))
    pinned = cuda.pin(4)
    assert bytes(pinned.array) == b"abcd"
    pinned.array[0] = ord("z")
    assert block.raw == b"zbcd", "it is that memory, not a copy"
    cuda.upload(4096, pinned, 7)
    assert runtime.calls[-1] == ("cudaMemcpyAsync", 4096, pinned.address, 4, 1, 7)
    cuda.download(pinned, 4096, 4, 7)
    assert runtime.calls[-1] == ("cudaMemcpyAsync", pinned.address, 4096, 4, 2, 7)
    runtime.results["cudaMalloc"] = (Code.cudaErrorMemoryAllocation, None)
    with pytest.raises(
        CudaError, match=r"cudaMalloc: words \(cudaErrorMemoryAllocation\)"
    ) as found:
        cuda.allocate(10)
    assert found.value.out_of_memory


def test_a_graph_is_instantiated_once_and_its_template_destroyed(installed: Any) -> None:
    runtime = Runtime(13050, (Code.cudaSuccess, 1))
    runtime.results["cudaStreamEndCapture"] = (0, 11)
    runtime.results["cudaGraphInstantiate"] = (0, 22)
    installed(runtime)
    cuda = open_cuda()
    assert cuda.end_capture(5) == 22
    assert runtime.calls[-3:] == [
        ("cudaStreamEndCapture", 5), ("cudaGraphInstantiate", 11, 0), ("cudaGraphDestroy", 11),
    ]  # fmt: skip


def test_the_real_bindings_where_they_are() -> None:
    """The real library answers: with a card, or with what is missing."""
    if importlib.util.find_spec("cuda") is None:
        pytest.skip(f"no cuda.bindings here: {PIP}")
    driver = importlib.import_module("cuda.bindings.runtime").cudaDriverGetVersion()[1]
    if not driver:
        with pytest.raises(SetupError, match="no NVIDIA driver is installed"):
            open_cuda()
    else:
        cuda = open_cuda()
        address = cuda.allocate(64)
        stream = cuda.open_stream()
        pinned = cuda.pin(64)
        pinned.array[:] = 3
        cuda.clear(address, 64, stream)
        cuda.download(pinned, address, 64, stream)
        cuda.wait(stream)
        assert not pinned.array.any()
        cuda.free(address)
        cuda.unpin(pinned)
        cuda.close_stream(stream)
