"""What `export.engines` was asked to build, and for which GPUs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from export.engine_quantize import KINDS
from export.engine_sources import PRECISIONS, computes
from live.engines.cuda_memory import Cuda, open_cuda
from live.engines.tensorrt_build import capabilities
from live.engines.tensorrt_library import TENSORRT, TENSORRT_RTX, Flavour, Library, load_library
from live.errors import SetupError

FLAVOURS: dict[str, Flavour] = {flavour.name: flavour for flavour in (TENSORRT, TENSORRT_RTX)}
EVERY = "all"


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What the command line may set."""

    bundle: Path | None = None  # whose generator is built; None: only --pose
    precision: str = "fp32"
    engine: str | None = None  # "tensorrt" or "tensorrt-rtx"; None: whichever is installed
    targets: tuple[str, ...] = ()  # "sm_89", ... or "all"; none: the GPU of this machine
    data: Path | None = None  # the dataset the subject was trained on; None: quality is not known
    frames: int = 300  # of its held-out tail
    seconds: float = 5.0  # of the race of an 8-bit engine
    pose: bool = False  # BlazePose's networks, too
    weights: Path | None = None  # folder of pose weights given by hand

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
        if self.bundle is None and not self.pose:
            raise SetupError("name a BUNDLE, or --pose for BlazePose's networks")
        if self.data is not None and self.precision not in KINDS:
            raise SetupError(
                f"--data measures what 8 bits lose: name --precision {' or '.join(KINDS)}, too"
            )
        if self.frames < 2:
            raise SetupError(f"--frames is {self.frames}; at least 2 are needed")
        if not 0 <= self.seconds <= 3600:
            raise SetupError(f"--seconds is {self.seconds}; give 0 to 3600")


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One GPU to build for, with one library."""

    library: Library
    capability: str  # of the GPU to build for
    cuda: Cuda | None  # that GPU itself, if it is this machine's


def jobs_of(options: EngineOptions) -> list[Job]:
    """One for every GPU and library. Raises SetupError where there is none to build with."""
    if options.targets:
        library = load_library(TENSORRT_RTX)
        return [Job(library, target, None) for target in _targets(options, library)]
    try:
        cuda = open_cuda()
    except SetupError as error:
        raise SetupError(
            f"{error}; to build without a GPU name the kind to build for, as in --for sm_89"
        ) from error
    capability = cuda.gpu.capability
    if not computes(options.precision, capability):
        raise _too_old(options.precision, f"{cuda.gpu.name} ({capability})")
    return [Job(library, capability, cuda) for library in _installed(options.engine)]


def _targets(options: EngineOptions, library: Library) -> list[str]:
    """The GPUs that --for names; of "all", those that compute in the precision."""
    known = capabilities(library)
    if EVERY in options.targets:
        return [target for target in known if computes(options.precision, target)]
    targets = list(dict.fromkeys(options.targets))
    unknown = [target for target in targets if target not in known]
    if unknown:
        raise SetupError(
            f"--for {' '.join(unknown)}: {library.version} builds for {', '.join(known)}"
        )
    old = [target for target in targets if not computes(options.precision, target)]
    if old:
        raise _too_old(options.precision, " and ".join(old))
    return targets


def _too_old(precision: str, gpu: str) -> SetupError:
    return SetupError(f"{gpu} cannot compute {precision}, GPUs from sm_89 on can; use int8 or fp16")


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


def parse(arguments: Sequence[str] | None, about: str) -> EngineOptions:
    """The command line. Raises SetupError for values that cannot work."""
    parser = argparse.ArgumentParser(
        prog="python -m export.engines",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("bundle", type=Path, nargs="?", metavar="BUNDLE")
    parser.add_argument("--precision", default="fp32", help=f"{', '.join(PRECISIONS)}")
    parser.add_argument("--engine", help="tensorrt or tensorrt-rtx (default: what is installed)")
    parser.add_argument(
        "--for", dest="targets", nargs="+", default=(), metavar="SM", help="as sm_89; or all"
    )
    parser.add_argument("--data", type=Path, help="the dataset the subject was trained on")
    parser.add_argument("--frames", type=int, default=300, help="of its held-out footage")
    parser.add_argument("--seconds", type=float, default=5.0, help="of the race of 8 bits")
    parser.add_argument("--pose", action="store_true", help="BlazePose's networks, too")
    parser.add_argument("--weights", type=Path, metavar="FOLDER", help="pose weights given by hand")
    given = vars(parser.parse_args(arguments))
    return EngineOptions(**{**given, "targets": tuple(given["targets"])})
