"""Which engine runs a net: the one that was named, or the best that really works here."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live.engines.base import Feedback, Feeds, RecurrentEngine, Tensor, check_feeds
from live.engines.cpu import open_on_cpu
from live.engines.failover import FailoverEngine
from live.engines.heats import MOST_TIME, time_share
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.engines.onnx_runtime_device import CUDA, OnnxRuntimeDeviceEngine
from live.engines.tensorrt_library import TENSORRT, TENSORRT_RTX
from live.engines.tensorrt_open import open_tensorrt
from live.errors import SetupError, SubjectError

ENGINES = ("auto", "cpu", "cuda", "tensorrt", "tensorrt-rtx")
ORDER = ("tensorrt", "tensorrt-rtx", "cuda")
"""What auto tries, best first, before the CPU."""
FEEDBACK: Feedback = {"next_state": "state"}
SEEN_LEVEL = 8  # what is brighter or more opaque than this, on either side, is the figure

log = logging.getLogger(__name__)

Opener = Callable[[bytes, str], RecurrentEngine]
"""(model, what) -> the engine. Raises SetupError or SubjectError."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The engine, and one sentence for the person at the desk."""

    engine: RecurrentEngine
    why: str


@dataclass(frozen=True, slots=True)
class Role:
    """What a net is to the show: how it is fed back, and what its results may differ by."""

    option: str  # of the command line, which names its engine
    feedback: Feedback
    gap: Callable[[NDArray[Any], NDArray[Any]], float]  # (found, the CPU's) -> how far apart
    largest_gap: float  # a larger one is a fault
    unit: str  # of both
    why: str  # where to find out why no GPU's engine is taken
    races: bool = False  # whether auto takes a GPU's engine only where it beats the CPU's


def gpu_openers(feedback: Feedback = FEEDBACK) -> dict[str, Opener]:
    """How each engine that needs a GPU is opened."""
    return {
        "cuda": lambda model, what: OnnxRuntimeDeviceEngine(model, what, CUDA, feedback),
        "tensorrt": lambda model, what: open_tensorrt(TENSORRT, model, what, feedback),
        "tensorrt-rtx": lambda model, what: open_tensorrt(TENSORRT_RTX, model, what, feedback),
    }


def picture_gap(found: NDArray[np.uint8], expected: NDArray[np.uint8]) -> float:
    """Mean absolute difference where either shows anything, in levels."""
    seen = np.maximum(found, expected) > SEEN_LEVEL
    difference = np.abs(found.astype(np.float32) - expected)[seen]
    return float(difference.mean()) if difference.size else 0.0


def number_gap(found: NDArray[Any], expected: NDArray[Any]) -> float:
    """The largest difference, as a share of the largest number (of 1 where all are smaller)."""
    if not np.isfinite(found).all():
        return float("inf")
    return float(np.abs(found - expected).max() / max(np.abs(expected).max(), 1.0))


GENERATOR = Role(
    "--engine", FEEDBACK, picture_gap, 4.0, "of 255 levels on average", "--doctor says why"
)
# Float16 is off by 0.0004 of the largest number. The nets are small and the pictures are on the
# host: whether a GPU pays is not a matter of course, so auto finds out.
POSE = Role(
    "--pose-engine", {}, number_gap, 0.02, "of its largest number",
    "name one with --pose-engine to be told why", races=True,
)  # fmt: skip

# Nets of parts are tiny, and nothing of them stays on the GPU from one picture to the next.
RETOUCH = Role(
    "--engine", {}, picture_gap, 4.0, "of 255 levels on average",
    "name one with --engine to be told why", races=True,
)  # fmt: skip


def open_engine(
    model: bytes,
    what: str,
    engine: str,
    threads: int,
    rehearse: Feeds,
    openers: Mapping[str, Opener] | None = None,
    small: bytes | None = None,
    role: Role = GENERATOR,
) -> Chosen:
    """Open a net and try it on `rehearse`, a real frame: {"label": uint8 (1, h, w, 3)}.

    `engine` is one of `ENGINES`. An engine on a GPU is held against the CPU's result of the same
    frame, and the CPU's engine stays open to take over if the GPU is lost. `small` is the same net
    with 8-bit convolutions, which the CPU takes where it is faster and as good. Raises SetupError
    where the named engine cannot run, with its reason and the remedy; SubjectError for a bad model.
    """
    if engine not in ENGINES:
        raise SetupError(f"{role.option} is {engine!r}; known: {', '.join(ENGINES)}")
    openers = gpu_openers(role.feedback) if openers is None else openers
    cpu = OnnxRuntimeEngine(model, what, threads, role.feedback)
    _tried(cpu, rehearse, what)
    chosen = open_on_cpu(cpu, small, what, threads, role.feedback, rehearse)
    cpu, expected = chosen.engine, chosen.expected
    if engine == "cpu":
        return Chosen(cpu, f"engine {chosen.name}")
    reasons: list[str] = []
    for name in ORDER if engine == "auto" else (engine,):
        try:
            found = _open_one(openers[name], model, what, rehearse, expected, role)
            if engine == "auto" and role.races:
                _must_win(found, cpu, rehearse)
        except (SetupError, SubjectError) as error:
            if engine != "auto":
                cpu.close()
                raise SetupError(f"{role.option} {name} cannot run here: {error}") from error
            reasons.append(f"{name}: {error}")
            continue
        why = "as asked" if engine != "auto" else "the best that works here"
        tried = f" ({'; '.join(reasons)})" if reasons else ""
        return Chosen(FailoverEngine(found, cpu, what), f"engine {found.name}, {why}{tried}")
    for reason in reasons:
        log.debug("%s", reason)
    how = "is faster" if role.races else "works"
    return Chosen(cpu, f"engine {chosen.name}; no GPU engine {how} here ({role.why})")


def _open_one(
    opener: Opener, model: bytes, what: str, rehearse: Feeds, expected: Feeds, role: Role
) -> RecurrentEngine:
    """The engine, tried. Raises SetupError where it opens but does not work."""
    engine = opener(model, what)
    try:
        found = _tried(engine, rehearse, what)
        gap = max(role.gap(found[name], result) for name, result in expected.items())
        if not gap <= role.largest_gap:
            raise SetupError(
                f"{engine.name} computes another result than the CPU, by {gap:.2g} {role.unit}; "
                f"update the driver and the runtime, and report it"
            )
    except BaseException:
        engine.close()
        raise
    return engine


def _must_win(engine: RecurrentEngine, cpu: RecurrentEngine, rehearse: Feeds) -> None:
    """Close `engine` and raise SetupError where it is not faster than the CPU's."""
    try:
        share = time_share(engine, cpu, rehearse)
    except RuntimeError as error:
        engine.close()
        raise SetupError(f"{engine.name} fails when it is raced: {error}") from error
    if share > MOST_TIME:
        engine.close()
        raise SetupError(f"{engine.name} works, and takes {share:.2f} of the CPU's time")


def _fed(engine: RecurrentEngine) -> tuple[Tensor, ...]:
    """The inputs that nothing is fed back into."""
    taken = set(engine.feedback.values())
    return tuple(tensor for tensor in engine.inputs if tensor.name not in taken)


def _tried(engine: RecurrentEngine, rehearse: Feeds, what: str) -> Feeds:
    """The result of the second of two runs, each way round of the state; it is reset after."""
    try:
        check_feeds(rehearse, _fed(engine), what)
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
