"""Which engine runs the generator: the one that was named, or the best that really works here."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from live.engines.base import Feedback, Feeds, RecurrentEngine
from live.engines.cpu import open_on_cpu
from live.engines.failover import FailoverEngine
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.engines.onnx_runtime_device import CUDA, OnnxRuntimeDeviceEngine
from live.engines.tensorrt_library import TENSORRT, TENSORRT_RTX
from live.engines.tensorrt_open import open_tensorrt
from live.errors import SetupError, SubjectError

ENGINES = ("auto", "cpu", "cuda", "tensorrt", "tensorrt-rtx")
ORDER = ("tensorrt", "tensorrt-rtx", "cuda")
"""What auto tries, best first, before the CPU."""
FEEDBACK: Feedback = {"next_state": "state"}
LARGEST_GAP = 4.0  # levels of 255: a larger mean difference from the CPU's figure is a fault
SEEN_LEVEL = 8  # what is brighter or more opaque than this, on either side, is the figure

log = logging.getLogger(__name__)

Opener = Callable[[bytes, str], RecurrentEngine]
"""(model, what) -> the engine. Raises SetupError or SubjectError."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The engine, and one sentence for the person at the desk."""

    engine: RecurrentEngine
    why: str


def gpu_openers() -> dict[str, Opener]:
    """How each engine that needs a GPU is opened."""
    return {
        "cuda": lambda model, what: OnnxRuntimeDeviceEngine(model, what, CUDA, FEEDBACK),
        "tensorrt": lambda model, what: open_tensorrt(TENSORRT, model, what, FEEDBACK),
        "tensorrt-rtx": lambda model, what: open_tensorrt(TENSORRT_RTX, model, what, FEEDBACK),
    }


def open_engine(
    model: bytes,
    what: str,
    engine: str,
    threads: int,
    rehearse: Feeds,
    openers: Mapping[str, Opener] | None = None,
    small: bytes | None = None,
) -> Chosen:
    """Open a generator and try it on `rehearse`, a real frame: {"label": uint8 (1, h, w, 3)}.

    `engine` is one of `ENGINES`. An engine on a GPU is held against the CPU's result of the same
    frame, and the CPU's engine stays open to take over if the GPU is lost. `small` is the same net
    with 8-bit convolutions, which the CPU takes where it is faster and as good. Raises SetupError
    where the named engine cannot run, with its reason and the remedy; SubjectError for a bad model.
    """
    if engine not in ENGINES:
        raise SetupError(f"--engine is {engine!r}; known: {', '.join(ENGINES)}")
    openers = gpu_openers() if openers is None else openers
    cpu = OnnxRuntimeEngine(model, what, threads, FEEDBACK)
    _tried(cpu, rehearse, what)
    chosen = open_on_cpu(cpu, small, what, threads, FEEDBACK, rehearse)
    cpu, expected = chosen.engine, chosen.expected
    if engine == "cpu":
        return Chosen(cpu, f"engine {chosen.name}")
    reasons: list[str] = []
    for name in ORDER if engine == "auto" else (engine,):
        try:
            found = _open_one(openers[name], model, what, rehearse, expected)
        except (SetupError, SubjectError) as error:
            if engine != "auto":
                cpu.close()
                raise SetupError(f"--engine {name} cannot run here: {error}") from error
            reasons.append(f"{name}: {error}")
            continue
        why = "as asked" if engine != "auto" else "the best that works here"
        tried = f" ({'; '.join(reasons)})" if reasons else ""
        return Chosen(FailoverEngine(found, cpu), f"engine {found.name}, {why}{tried}")
    for reason in reasons:
        log.debug("%s", reason)
    others = ", ".join(f"--engine {name}" for name in ORDER)
    return Chosen(cpu, f"engine {chosen.name}; no GPU's works here ({others} say why)")


def _open_one(
    opener: Opener, model: bytes, what: str, rehearse: Feeds, expected: Feeds
) -> RecurrentEngine:
    """The engine, tried. Raises SetupError where it opens but does not work."""
    engine = opener(model, what)
    try:
        found = _tried(engine, rehearse, what)
        gap = max(_gap(found[name], picture) for name, picture in expected.items())
        if not gap <= LARGEST_GAP:
            raise SetupError(
                f"{engine.name} computes another picture than the CPU, by {gap:.1f} of 255 levels "
                f"on average; update the driver and the runtime, and report it"
            )
    except BaseException:
        engine.close()
        raise
    return engine


def _gap(found: NDArray[np.uint8], expected: NDArray[np.uint8]) -> float:
    """Mean absolute difference where either shows anything, in levels."""
    seen = np.maximum(found, expected) > SEEN_LEVEL
    difference = np.abs(found.astype(np.float32) - expected)[seen]
    return float(difference.mean()) if difference.size else 0.0


def _tried(engine: RecurrentEngine, rehearse: Feeds, what: str) -> Feeds:
    """The result of the second of two runs, each way round of the state; it is reset after."""
    try:
        engine.run(rehearse)
        found = engine.run(rehearse)
        if not engine.sound():
            raise SetupError(f"{what} on {engine.name} gives numbers that are not finite")
        engine.reset()
    except ValueError as error:  # it takes another label
        raise SubjectError(f"{error}; export the subject again with this version") from error
    except RuntimeError as error:
        raise SetupError(f"{what} fails when it is tried: {error}") from error
    return found
