"""The engines and precisions that parity knows, in one table, and what each must keep to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from export.generator_graph import generator_onnx
from export.int8 import calibration_feeds, quantized
from export.precision import as_float16, as_float32, stores_halves
from live.engines.base import Engine
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.engines.onnx_runtime_device import CUDA, OnnxRuntimeDeviceEngine
from live.engines.tensorrt_library import TENSORRT, TENSORRT_RTX, Flavour
from live.engines.tensorrt_open import open_tensorrt
from live.errors import SetupError
from live.subject import Subject
from training.nets import Student


@dataclass(frozen=True, slots=True)
class Bound:
    """What an engine must keep to; None: not asked."""

    max_abs: float | None = None  # of next_state, in [0, 1]
    psnr_db: float | None = None  # of rgba

    def holds(self, max_abs: float, psnr_db: float) -> bool:
        """NaN holds nothing."""
        near = self.max_abs is None or max_abs <= self.max_abs
        return near and (self.psnr_db is None or psnr_db >= self.psnr_db)

    def __str__(self) -> str:
        if self.max_abs is not None:
            return f"error <= {self.max_abs:.0e}"
        return f"PSNR >= {self.psnr_db:.0f} dB"


BOUNDS = {"fp32": Bound(max_abs=1e-3), "fp16": Bound(psnr_db=40.0), "int8": Bound(psnr_db=32.0)}
"""By the number format's first word: "fp16" holds for weights in halves, too."""


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What engines are built from."""

    subject: Subject
    student: Student  # folded, float32: the reference
    stored: bytes | None  # the bundle's model where it has the reference's very weights, else None


@dataclass(frozen=True, slots=True, eq=False)
class Built:
    """An engine that runs, or why it does not."""

    runtime: str
    precision: str
    engine: Engine | None
    why_not: str = ""

    @property
    def bound(self) -> Bound:
        return BOUNDS[self.precision.partition("-")[0]]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one engine is made."""

    runtime: str
    precision: str
    make: Callable[[Material], Engine]


def build(names: Sequence[str], material: Material) -> dict[str, Built]:
    """Every engine of `names`, or of all that are known where `names` is empty.

    Raises SetupError where one that was named cannot run here; one that was not named says why.
    """
    built: dict[str, Built] = {}
    for name in names or ENGINES:
        recipe = ENGINES[name]
        try:
            engine = recipe.make(material)
        except SetupError as error:
            if names:
                raise
            built[name] = Built(recipe.runtime, recipe.precision, None, str(error))
        else:
            built[name] = Built(recipe.runtime, recipe.precision, engine)
    return built


def _float32(material: Material) -> Engine:
    if material.stored is not None:
        return _cpu(as_float32(material.stored), "fp32")
    return _cpu(generator_onnx(material.student, _size(material), "float32"), "fp32")


def _half_weights(material: Material) -> Engine:
    """What the bundle holds; a bundle with float32 weights is exported anew."""
    model = material.subject.generator
    if not stores_halves(model):
        model = generator_onnx(material.student, _size(material), "float16")
    return _cpu(model, "fp16 weights")


def _float16(material: Material) -> Engine:
    return _cpu(as_float16(material.subject.generator), "fp16")


def _int8(material: Material) -> Engine:
    model = material.subject.generator
    plain = _cpu(model, "fp32")
    feeds = calibration_feeds(material.subject, plain)
    plain.close()
    return _cpu(quantized(model, feeds), "int8")


def _cuda_float32(material: Material) -> Engine:
    stored = material.stored
    if stored is None:
        stored = generator_onnx(material.student, _size(material), "float32")
    return _cuda(as_float32(stored), "fp32")


def _cuda_float16(material: Material) -> Engine:
    return _cuda(as_float16(material.subject.generator), "fp16")


def _cuda(model: bytes, what: str) -> Engine:
    return OnnxRuntimeDeviceEngine(model, f"generator.onnx ({what})", CUDA)


def _native(flavour: Flavour) -> Callable[[Material], Engine]:
    """State and next state cross the bus here, so that both sides can be given the same one."""
    return lambda material: open_tensorrt(
        flavour, as_float16(material.subject.generator), "generator.onnx (fp16)", {}
    )


def _cpu(model: bytes, what: str) -> Engine:
    return OnnxRuntimeEngine(model, f"generator.onnx ({what})")


def _size(material: Material) -> tuple[int, int]:
    return material.subject.manifest.generator_size


ENGINES = {
    "cpu-fp32": Recipe(OnnxRuntimeEngine.name, "fp32", _float32),
    "cpu-fp16-weights": Recipe(OnnxRuntimeEngine.name, "fp16-weights", _half_weights),
    "cpu-fp16": Recipe(OnnxRuntimeEngine.name, "fp16", _float16),
    "cpu-int8": Recipe(OnnxRuntimeEngine.name, "int8", _int8),
    "cuda-fp32": Recipe(CUDA.short, "fp32", _cuda_float32),
    "cuda-fp16": Recipe(CUDA.short, "fp16", _cuda_float16),
    "tensorrt-fp16": Recipe(TENSORRT.name, "fp16", _native(TENSORRT)),
    "tensorrt-rtx-fp16": Recipe(TENSORRT_RTX.name, "fp16", _native(TENSORRT_RTX)),
}
"""By the name that --engines takes."""
