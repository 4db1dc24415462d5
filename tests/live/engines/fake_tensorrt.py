"""A TensorRT module for machines without a GPU: ONNX Runtime computes, `FakeCuda` is the memory.

It keeps the rules of the real one that matter to us: an engine loads only on the card it was built
on, work goes to a stream and so into graphs, addresses are those of the moment of enqueueing.
"""

from __future__ import annotations

import enum
import hashlib
from types import SimpleNamespace
from typing import Any

import numpy as np

from live.engines.base import Tensor
from live.engines.fake_cuda import FakeCuda
from live.engines.onnx_runtime import OnnxRuntimeEngine

MAGIC = b"FAKEPLAN"


class Severity(enum.Enum):
    INTERNAL_ERROR = 0
    ERROR = 1
    WARNING = 2


class Logger:
    Severity = Severity

    def __init__(self) -> None:
        pass

    def log(self, severity: Any, text: str) -> None:
        raise NotImplementedError


class DataType(enum.Enum):
    FLOAT = "float32"
    UINT8 = "uint8"


class Mode(enum.Enum):
    INPUT = 1
    OUTPUT = 2


class Validity(enum.Enum):
    VALID = 0
    INVALID = 2


class Capability(enum.Enum):
    NONE = 0
    SM86 = 86
    SM89 = 89


class Flag(enum.IntEnum):
    STRONGLY_TYPED = 1
    TF32 = 2


class Network:
    model: bytes

    def open(self) -> None:
        engine = OnnxRuntimeEngine(self.model, "fake")
        self.inputs, self.outputs = engine.inputs, engine.outputs
        self.num_inputs, self.num_outputs = len(self.inputs), len(self.outputs)

    def get_input(self, n: int) -> Any:
        return _theirs(self.inputs[n])

    def get_output(self, n: int) -> Any:
        return _theirs(self.outputs[n])


def _theirs(tensor: Tensor) -> Any:
    return SimpleNamespace(name=tensor.name, shape=tensor.shape, dtype=DataType(tensor.dtype))


class Config:
    def __init__(self) -> None:
        self.timing: Any = None
        self.progress_monitor: Any = None
        self.cleared: list[Flag] = []
        self.num_compute_capabilities = 0
        self.capability: Capability | None = None

    def clear_flag(self, flag: Flag) -> None:
        self.cleared.append(flag)

    def set_compute_capability(self, capability: Capability, index: int) -> bool:
        self.capability = capability
        return True

    def create_timing_cache(self, content: bytes) -> Any:
        return SimpleNamespace(content=content, serialize=lambda: b"timed")

    def set_timing_cache(self, cache: Any, ignore_mismatch: bool) -> bool:
        self.timing = cache
        return not cache.content.startswith(b"foreign")


class FakeTensorRt:
    """Stands in for the module `tensorrt`, or with `portable` for TensorRT-RTX's."""

    __version__ = "11.0"
    ILogger, DataType, TensorIOMode = Logger, DataType, Mode
    EngineValidity, ComputeCapability = Validity, Capability
    NetworkDefinitionCreationFlag = BuilderFlag = Flag
    IProgressMonitor = type("IProgressMonitor", (), {})

    def __init__(self, cuda: FakeCuda) -> None:
        self.cuda = cuda
        self.builds = 0
        self.configs: list[Config] = []
        self.refused = ""  # what the next build says instead of succeeding
        self.capturable = True
        self.loaded_jit: list[bytes] = []

    def Builder(self, logger: Logger) -> Any:  # noqa: N802  # their name
        def build(network: Network, config: Config) -> bytes | None:
            if self.refused:
                logger.log(Severity.ERROR, self.refused)
                return None
            self.builds += 1
            if config.progress_monitor is not None:
                config.progress_monitor.phase_start("Building", None, 2)
                config.progress_monitor.step_complete("Building", 0)
                config.progress_monitor.phase_finish("Building")
            return MAGIC + self._card() + network.model

        def config() -> Config:
            self.configs.append(Config())
            return self.configs[-1]

        return SimpleNamespace(
            create_network=lambda flags: Network(),
            create_builder_config=config,
            build_serialized_network=build,
        )

    def OnnxParser(self, network: Network, logger: Logger) -> Any:  # noqa: N802
        def parse(model: bytes) -> bool:
            network.model = model
            network.open()
            return True

        return SimpleNamespace(parse=parse)

    def Runtime(self, logger: Logger) -> Any:  # noqa: N802
        def fits(plan: bytes) -> bool:
            return plan.startswith(MAGIC + self._card())

        def load(plan: bytes) -> Any:
            if not fits(plan):
                logger.log(Severity.ERROR, "the plan was made for another device")
                return None
            return FakeEngine(self, plan[len(MAGIC) + 8 :])

        def validity(plan: bytes) -> tuple[Validity, int]:
            return (Validity.VALID if fits(plan) else Validity.INVALID), 0

        return SimpleNamespace(deserialize_cuda_engine=load, get_engine_validity=validity)

    def _card(self) -> bytes:
        return hashlib.sha256(self.cuda.gpu.capability.encode()).digest()[:8]


class FakeEngine:
    def __init__(self, api: FakeTensorRt, model: bytes) -> None:
        self.api = api
        self.net = OnnxRuntimeEngine(model, "fake")
        self.tensors = {t.name: t for t in (*self.net.inputs, *self.net.outputs)}
        self.num_io_tensors = len(self.tensors)

    def get_tensor_name(self, n: int) -> str:
        return list(self.tensors)[n]

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self.tensors[name].shape

    def get_tensor_dtype(self, name: str) -> DataType:
        return DataType(self.tensors[name].dtype)

    def get_tensor_mode(self, name: str) -> Mode:
        return Mode.INPUT if self.tensors[name] in self.net.inputs else Mode.OUTPUT

    def create_runtime_config(self) -> Any:
        cache = SimpleNamespace(serialize=lambda: b"jitted", deserialize=self.api.loaded_jit.append)
        return SimpleNamespace(
            create_runtime_cache=lambda: cache, set_runtime_cache=lambda cache: True
        )

    def create_execution_context(self, config: Any = None) -> FakeContext:
        return FakeContext(self)


class FakeContext:
    def __init__(self, engine: FakeEngine) -> None:
        self.engine = engine
        self.places: dict[str, int] = {}

    def is_stream_capturable(self, stream: int) -> bool:
        return self.engine.api.capturable

    def set_tensor_address(self, name: str, place: int) -> bool:
        self.places[name] = place
        return name in self.engine.tensors

    def execute_async_v3(self, stream: int) -> bool:
        places = dict(self.places)  # a graph remembers these, whatever is set later
        net, memory = self.engine.net, self.engine.api.cuda.memory

        def view(tensor: Tensor) -> np.ndarray:
            return memory[places[tensor.name]].view(tensor.dtype).reshape(tensor.shape)

        def work() -> None:
            found = net.run({tensor.name: view(tensor) for tensor in net.inputs})
            for tensor in net.outputs:
                view(tensor)[...] = found[tensor.name]

        self.engine.api.cuda.enqueue(work)
        return True
