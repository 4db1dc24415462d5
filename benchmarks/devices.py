"""Engines on a GPU as `benchmarks.engines` opens them, and that GPU itself."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from live.engines.base import Feedback, RecurrentEngine
from live.engines.cuda_memory import open_cuda
from live.engines.engine_cache import EngineCache
from live.engines.onnx_runtime_device import CUDA, OnnxRuntimeDeviceEngine
from live.engines.onnx_runtime_device import TENSORRT as ONNX_TENSORRT
from live.engines.tensorrt_library import TENSORRT, TENSORRT_RTX, Flavour, load_library
from live.engines.tensorrt_open import TensorRtOpener
from live.errors import SetupError

PROVIDERS = (CUDA, ONNX_TENSORRT)
FLAVOURS = (TENSORRT, TENSORRT_RTX)
NAMES = (*(provider.short for provider in PROVIDERS), *(flavour.name for flavour in FLAVOURS))


def open_on_gpu(name: str, model: bytes, what: str, feedback: Feedback) -> RecurrentEngine:
    """`model` on the engine `name`, one of `NAMES`. Raises SetupError and SubjectError."""
    for provider in PROVIDERS:
        if provider.short == name:
            return OnnxRuntimeDeviceEngine(model, what, provider, feedback)
    return _built(next(one for one in FLAVOURS if one.name == name), model, what, feedback)


def _built(flavour: Flavour, model: bytes, what: str, feedback: Feedback) -> RecurrentEngine:
    """Built for this very run: the time to build is the time without a cache, and nets with random
    weights leave nothing in the user's."""
    library, cuda = load_library(flavour), open_cuda()
    with tempfile.TemporaryDirectory(prefix="understudy-engines-") as folder:
        return TensorRtOpener(library, cuda, EngineCache(Path(folder))).open(model, what, feedback)


def gpu_facts() -> dict[str, Any]:
    """Name, driver and memory of the GPU, or why there is none."""
    try:
        gpu = open_cuda().gpu
    except SetupError as error:
        return {"gpu": None, "why_no_gpu": str(error)}
    return {
        "gpu": f"{gpu.name} {gpu.capability}",
        "driver": gpu.driver,
        "gpu_memory_mb": gpu.memory_bytes >> 20,
    }


def free_gpu_mb() -> float | None:
    """What is free of the GPU's memory now; None where there is no GPU."""
    try:
        return open_cuda().gpu.free_bytes / 2**20
    except SetupError:
        return None
