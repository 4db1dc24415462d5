"""What engines are built of: a bundle's nets or BlazePose's, in a precision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from export.engine_precision import to_float16
from export.engine_quantize import KINDS, to_8_bits
from export.engine_ranges import conv_ranges
from export.engine_sheet import measure_quality
from export.int8 import calibration_feeds
from export.precision import as_float32
from export.quantize import losses
from export.rehearsal import dance_labels
from live.engines.base import Feedback
from live.engines.choose import GENERATOR, POSE, RETOUCH
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.errors import SetupError
from live.frames import Image
from live.pose.blazepose_open import shipped_nets
from live.pose.weights import fetch_pose_weights
from live.subject import Subject
from training.dataset import Dataset

PRECISIONS = ("fp32", "fp16", *KINDS)
FP8_FROM = 89  # of the compute capability: Ada
LABELS = 60  # of a dance, to race on


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One net."""

    what: str
    model: bytes  # as the show opens it: its hash is the cache's key
    converted: bytes  # the same net, computing in the precision that was asked for
    feedback: Feedback
    labels: Sequence[Image] = ()  # what an 8-bit generator is raced on
    seen: bool = False  # whether its pictures were held against footage
    losses: tuple[str, ...] = ()  # what they lose there; not empty: it is not to be used


def generator_source(
    subject: Subject, precision: str, data: Path | None = None, frames: int = 300
) -> Source:
    """The generator of `subject`; in 8 bits, calibrated on its own codebook.

    Where `data` is given, the dataset that the subject was trained on, an 8-bit one is held against
    the first `frames` of its held-out footage, computed by ONNX Runtime with the very numbers that
    the engine is built of. Raises SubjectError and SetupError.
    """
    model, what = subject.generator, f"generator of {subject.origin}"
    if precision not in KINDS:
        converted = model if precision == "fp32" else to_float16(model, what)
        return Source(what, model, converted, GENERATOR.feedback)
    converted = small_generator(subject, precision, what)
    lost: tuple[str, ...] = ()
    if data is not None:
        lost = _held_against(subject, converted, Dataset(data), frames)
    labels = dance_labels(subject, LABELS)
    return Source(what, model, converted, GENERATOR.feedback, labels, data is not None, lost)


def part_sources(subject: Subject, precision: str) -> list[Source]:
    """The nets of parts that `subject` has; none in 8 bits, in which they are ruined."""
    if precision in KINDS:
        return []
    sources = []
    for name, model in subject.parts.items():
        what = f"{name} net of {subject.origin}"
        converted = model if precision == "fp32" else to_float16(model, what)
        sources.append(Source(what, model, converted, RETOUCH.feedback))
    return sources


def small_generator(subject: Subject, kind: str, what: str) -> bytes:
    """The generator with convolutions of `kind`, calibrated on the subject's own poses."""
    whole = as_float32(subject.generator)
    engine = OnnxRuntimeEngine(whole, what)
    feeds = calibration_feeds(subject, engine)
    engine.close()
    return to_8_bits(whole, conv_ranges(whole, feeds), kind, what)


def pose_sources(precision: str, weights: Path | None = None) -> list[Source]:
    """BlazePose's networks as the show runs them. Raises WeightsError and SetupError."""
    if precision in KINDS:
        raise SetupError(
            f"--pose --precision {precision}: nothing tells what 8 bits would cost the pose; "
            f"use fp16 or fp32"
        )
    nets = shipped_nets(fetch_pose_weights(weights))
    return [
        Source(
            what, model, model if precision == "fp32" else to_float16(model, what), POSE.feedback
        )
        for what, model in (
            ("BlazePose's detector", nets.detector),
            ("BlazePose's landmark network", nets.landmarks),
        )
    ]


def computes(precision: str, capability: str) -> bool:
    """Whether GPUs of `capability` ("sm_86") have the arithmetic of `precision` at all."""
    return precision != "fp8" or int(capability.removeprefix("sm_")) >= FP8_FROM


def _held_against(subject: Subject, small: bytes, data: Dataset, frames: int) -> tuple[str, ...]:
    engines = {
        "whole": OnnxRuntimeEngine(subject.generator, "generator.onnx"),
        "small": OnnxRuntimeEngine(small, "8-bit generator"),
    }
    try:
        sheets = measure_quality(subject, data, engines, frames)
    finally:
        for engine in engines.values():
            engine.close()
    return tuple(losses(sheets["whole"], sheets["small"]))
