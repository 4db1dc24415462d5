"""Builds engines ahead of the show, into the cache that the show looks into.

    python -m export.engines BUNDLE [--precision fp32|fp16] [--engine tensorrt|tensorrt-rtx]
    python -m export.engines BUNDLE --for sm_86 sm_89   # TensorRT-RTX, needs no GPU; or: --for all
    python -m export.engines BUNDLE --precision int8|fp8 --data DATA
    python -m export.engines --pose [--weights FOLDER]  # BlazePose's networks, for --pose-engine

Without this the first start of the show builds them, in float32. Once a float16 engine is built
here, the show takes that.

8 bits (fp8: GPUs from sm_89 on) are calibrated on the bundle's own codebook, and change the
picture. So the show takes an 8-bit engine only after this command has, on the very GPU, held it
against the held-out footage of DATA (the dataset that the subject was trained on; at most 0.3 dB
PSNR and 2 % perceptual distance lost) and raced it against float16 (at least 10 % faster). What
loses too much is not kept; what was not measured (--for, or no --data) is kept, and not preferred.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from export.engine_options import EngineOptions, Job, jobs_of, parse
from export.engine_quantize import KINDS
from export.engine_sources import Source, generator_source, part_sources, pose_sources
from export.engine_trial import judged, keep
from live.engines.base import Tensor
from live.engines.cuda_memory import Cuda
from live.engines.engine_cache import EngineCache, EngineKey
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.engines.tensorrt_build import Plan, build_plan
from live.engines.tensorrt_library import Library
from live.engines.tensorrt_native import TensorRtEngine
from live.engines.tensorrt_open import engine_key
from live.errors import EXIT_BAD_INPUT, SetupError, UnderstudyError
from live.subject import load_subject


@dataclass(frozen=True, slots=True)
class Built:
    """One engine that was built and checked."""

    what: str
    key: EngineKey
    place: Path | None  # None: it is not kept
    content_bytes: int
    seconds: float
    started: bool  # it was run on this machine's GPU, too
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    remark: str = ""  # on 8 bits: whether the show prefers it, and why


def build_engines(
    options: EngineOptions, cache: EngineCache | None = None, quiet: bool = False
) -> list[Built]:
    """Build what was asked for; `quiet` shows no progress bars.

    Raises SubjectError for a bad bundle, WeightsError for bad pose weights, SetupError for what
    cannot be built or kept.
    """
    subject = load_subject(options.bundle) if options.bundle is not None else None
    jobs = jobs_of(options)  # before the calibration, which takes its time
    sources = []
    if subject is not None:
        sources.append(generator_source(subject, options.precision, options.data, options.frames))
        sources += part_sources(subject, options.precision)
    if options.pose:
        sources += pose_sources(options.precision, options.weights)
    cache = cache or EngineCache()
    return [_built(source, job, options, cache, quiet) for source in sources for job in jobs]


def _built(
    source: Source, job: Job, options: EngineOptions, cache: EngineCache, quiet: bool
) -> Built:
    library, cuda, precision = job.library, job.cuda, options.precision
    began_s = time.monotonic()
    title = f"{library.flavour.name} {precision} {job.capability}"
    plan = _build(library, source.converted, source.what, job.capability, title, quiet)
    check_io(plan, source.converted, source.what)
    if cuda is not None:
        _start(library, plan, source, cuda)
    gpu = cuda.gpu if cuda is not None else job.capability
    key = engine_key(library, source.model, gpu, precision)
    place, remark = None, ""
    if not source.losses:
        place = keep(cache, key, plan.content)
    if precision in KINDS:
        remark = judged(source, job, plan, options, cache)
    return Built(
        source.what,
        key,
        place,
        len(plan.content),
        time.monotonic() - began_s,
        cuda is not None,
        plan.inputs,
        plan.outputs,
        remark,
    )


def check_io(plan: Plan, model: bytes, what: str) -> None:
    """Hold the network that was compiled against what ONNX Runtime reads in `model`.

    Raises SetupError where inputs or outputs differ in name, shape or type. The engine itself
    shows its own only where there is a driver: deserializing needs one.
    """
    engine = OnnxRuntimeEngine(model, what)
    engine.close()
    for side, found, expected in (
        ("inputs", plan.inputs, engine.inputs),
        ("outputs", plan.outputs, engine.outputs),
    ):
        if set(found) != set(expected):
            raise SetupError(
                f"{what}: the built engine has the {side} {', '.join(map(str, found))}, the model "
                f"{', '.join(map(str, expected))}; report it with the version of the library"
            )


def _build(
    library: Library, model: bytes, what: str, capability: str, title: str, quiet: bool
) -> Plan:
    with tqdm(total=100, desc=title, unit="%", disable=quiet, leave=False) as bar:

        def show(share: float) -> None:
            bar.update(round(share * 100) - bar.n)

        target = capability if library.flavour.portable else ""
        return build_plan(library, model, what, target, progress=show)


def _start(library: Library, plan: Plan, source: Source, cuda: Cuda) -> None:
    engine = TensorRtEngine(library, plan.content, source.what, cuda, source.feedback)
    try:
        if set(engine.inputs) != set(plan.inputs) or set(engine.outputs) != set(plan.outputs):
            raise SetupError(
                f"{source.what}: the engine has other inputs or outputs than its network"
            )
    finally:
        engine.close()


def says(one: Built) -> str:
    """One line about an engine, for people."""
    how = "run on this GPU" if one.started else "inputs and outputs checked, not run: no GPU"
    where = f"; {one.place}" if one.place is not None else ""
    remark = f"; {one.remark}" if one.remark else ""
    return (
        f"{one.what}, {one.key.runtime} {one.key.precision} for {one.key.gpu}: "
        f"{one.content_bytes / 1e6:.1f} MB in {one.seconds:.1f} s, {how}{where}{remark}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        found = build_engines(parse(arguments, __doc__ or ""))
    except UnderstudyError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT
    for one in found:
        print(says(one))
    return 0


if __name__ == "__main__":
    sys.exit(main())
