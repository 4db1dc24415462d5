"""Builds a bundle's engines ahead of the show, into the cache that the show looks into.

    python -m export.engines BUNDLE [--precision fp32|fp16] [--engine tensorrt|tensorrt-rtx]
    python -m export.engines BUNDLE --for sm_86 sm_89   # TensorRT-RTX, needs no GPU; or: --for all

Without this the first start of the show builds them, in float32. Once a float16 engine is built
here, the show takes that.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from export.engine_precision import to_float16
from live.engines.base import Feedback, Tensor
from live.engines.choose import FEEDBACK
from live.engines.cuda_memory import Cuda, open_cuda
from live.engines.engine_cache import EngineCache, EngineKey
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.engines.tensorrt_build import Plan, build_plan, capabilities
from live.engines.tensorrt_library import TENSORRT, TENSORRT_RTX, Flavour, Library, load_library
from live.engines.tensorrt_native import TensorRtEngine
from live.engines.tensorrt_open import engine_key
from live.errors import EXIT_BAD_INPUT, SetupError, UnderstudyError
from live.subject import load_subject

FLAVOURS: dict[str, Flavour] = {flavour.name: flavour for flavour in (TENSORRT, TENSORRT_RTX)}
PRECISIONS = ("fp32", "fp16")
EVERY = "all"


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What the command line may set."""

    bundle: Path
    precision: str = "fp32"
    engine: str | None = None  # "tensorrt" or "tensorrt-rtx"; None: whichever is installed
    targets: tuple[str, ...] = ()  # "sm_89", ... or "all"; none: the GPU of this machine

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise SetupError(
                f"--precision is {self.precision!r}; known are {', '.join(PRECISIONS)}"
            )
        if self.engine is not None and self.engine not in FLAVOURS:
            raise SetupError(f"--engine is {self.engine!r}; known are {', '.join(FLAVOURS)}")
        if self.targets and self.engine == TENSORRT.name:
            raise SetupError(
                "--for needs --engine tensorrt-rtx: TensorRT builds only on the GPU that it runs on"
            )


@dataclass(frozen=True, slots=True)
class Built:
    """One engine that was built, checked and kept."""

    key: EngineKey
    place: Path
    content_bytes: int
    seconds: float
    started: bool  # it was run on this machine's GPU, too
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


def build_engines(
    options: EngineOptions, cache: EngineCache | None = None, quiet: bool = False
) -> list[Built]:
    """Build what was asked for; `quiet` shows no progress bars.

    Raises SubjectError for a bad bundle, SetupError for what cannot be built or kept.
    """
    model = load_subject(options.bundle).generator
    what = f"generator of {options.bundle}"
    source = model if options.precision == "fp32" else to_float16(model, what)
    cache = cache or EngineCache()
    built = []
    for library, capability, cuda in _jobs(options):
        title = f"{library.flavour.name} {options.precision} {capability}"
        began_s = time.monotonic()
        plan = _build(library, source, what, capability, title, quiet)
        check_io(plan, source, what)
        if cuda is not None:
            _start(library, plan, what, cuda)
        gpu = cuda.gpu if cuda is not None else capability
        key = engine_key(library, model, gpu, options.precision)
        place = _keep(cache, key, plan.content)
        seconds = time.monotonic() - began_s
        built.append(
            Built(
                key, place, len(plan.content), seconds, cuda is not None, plan.inputs, plan.outputs
            )
        )
    return built


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


def _jobs(options: EngineOptions) -> list[tuple[Library, str, Cuda | None]]:
    """(library, GPU to build for, the GPU itself if it is this machine's)."""
    if options.targets:
        library = load_library(TENSORRT_RTX)
        known = capabilities(library)
        targets = known if EVERY in options.targets else list(dict.fromkeys(options.targets))
        unknown = [target for target in targets if target not in known]
        if unknown:
            raise SetupError(
                f"--for {' '.join(unknown)}: {library.version} builds for {', '.join(known)}"
            )
        return [(library, target, None) for target in targets]
    try:
        cuda = open_cuda()
    except SetupError as error:
        raise SetupError(
            f"{error}; to build without a GPU name the kind to build for, as in --for sm_89"
        ) from error
    return [(library, cuda.gpu.capability, cuda) for library in _installed(options.engine)]


def _installed(name: str | None) -> list[Library]:
    if name is not None:
        return [load_library(FLAVOURS[name])]
    libraries, problems = [], []
    for flavour in FLAVOURS.values():
        try:
            libraries.append(load_library(flavour))
        except SetupError as error:
            problems.append(str(error))
    if not libraries:
        raise SetupError("; ".join(problems))
    return libraries


def _build(
    library: Library, model: bytes, what: str, capability: str, title: str, quiet: bool
) -> Plan:
    with tqdm(total=100, desc=title, unit="%", disable=quiet, leave=False) as bar:

        def show(share: float) -> None:
            bar.update(round(share * 100) - bar.n)

        target = capability if library.flavour.portable else ""
        return build_plan(library, model, what, target, progress=show)


def _start(library: Library, plan: Plan, what: str, cuda: Cuda) -> None:
    feedback: Feedback = FEEDBACK
    engine = TensorRtEngine(library, plan.content, what, cuda, feedback)
    try:
        if set(engine.inputs) != set(plan.inputs) or set(engine.outputs) != set(plan.outputs):
            raise SetupError(f"{what}: the engine has other inputs or outputs than its network")
    finally:
        engine.close()


def _keep(cache: EngineCache, key: EngineKey, content: bytes) -> Path:
    try:
        return cache.write(key, content)
    except OSError as error:
        raise SetupError(
            f"the engine of {len(content) / 1e6:.1f} MB cannot be kept in {cache.folder} "
            f"({error.strerror}); free some room there, or set UNDERSTUDY_CACHE to another folder"
        ) from error


def parse(arguments: Sequence[str] | None = None) -> EngineOptions:
    """The command line. Raises SetupError for values that cannot work."""
    parser = argparse.ArgumentParser(
        prog="python -m export.engines",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    parser.add_argument("--precision", default="fp32", help="fp32 (default) or fp16")
    parser.add_argument("--engine", help="tensorrt or tensorrt-rtx (default: what is installed)")
    parser.add_argument(
        "--for", dest="targets", nargs="+", default=(), metavar="SM", help="as sm_89; or all"
    )
    given = vars(parser.parse_args(arguments))
    return EngineOptions(**{**given, "targets": tuple(given["targets"])})


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        found = build_engines(parse(arguments))
    except UnderstudyError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT
    for one in found:
        how = "run on this GPU" if one.started else "inputs and outputs checked, not run: no GPU"
        print(
            f"{one.key.runtime} {one.key.precision} for {one.key.gpu}: "
            f"{one.content_bytes / 1e6:.1f} MB in {one.seconds:.1f} s, {how}; {one.place}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
