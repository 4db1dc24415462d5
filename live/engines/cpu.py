"""The generator on the CPU: in float32, or with 8-bit convolutions where those pay.

Whether 8 bits are faster, and how exact, depends on the processor: without VNNI instructions ONNX
Runtime's products may even saturate. So both are tried on a real frame before the show.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from live.engines.base import Feedback, Feeds
from live.engines.heats import MOST_TIME, time_share
from live.engines.onnx_runtime import OnnxRuntimeEngine

LEAST_PSNR_DB = 32.0  # of the figure, 8 bits against float32: the parity report's bound
SEEN_LEVEL = 8  # what is brighter or more opaque than this, on either side, is the figure


@dataclass(frozen=True, slots=True)
class OnCpu:
    """The engine, what it gave for the rehearsal's frame, and how it is called."""

    engine: OnnxRuntimeEngine
    expected: dict[str, NDArray[np.uint8]]
    name: str


def open_on_cpu(
    engine: OnnxRuntimeEngine,
    small: bytes | None,
    what: str,
    threads: int,
    feedback: Feedback,
    rehearse: Feeds,
    clock: Callable[[], float] = time.perf_counter,
) -> OnCpu:
    """`engine` in float32, or in its stead `small` (ONNX, 8 bits) where it is faster and as good.

    The engine that is not taken is closed. Raises RuntimeError where `engine` cannot run, and
    whatever an 8-bit net that cannot be loaded raises: a bundle is whole or refused.
    """
    called = f"cpu, {threads} thread{'s' if threads > 1 else ''}"
    expected = _second_run(engine, rehearse)
    if small is None:
        return OnCpu(engine, expected, f"{called}, float32")
    rival = OnnxRuntimeEngine(small, f"8-bit {what}", threads, feedback)
    found = _second_run(rival, rehearse)
    psnr_db = min(figure_psnr_db(found[name], expected[name]) for name in expected)
    if psnr_db < LEAST_PSNR_DB:
        rival.close()
        return OnCpu(engine, expected, f"{called}, float32: 8 bits are off by {psnr_db:.0f} dB")
    share = time_share(rival, engine, rehearse, clock)
    loser = rival if share > MOST_TIME else engine
    loser.close()
    if loser is rival:
        return OnCpu(engine, expected, f"{called}, float32: 8 bits take {share:.2f} of its time")
    return OnCpu(rival, found, f"{called}, 8 bits: {share:.2f} of the time of float32")


def figure_psnr_db(found: NDArray[np.uint8], expected: NDArray[np.uint8]) -> float:
    """PSNR where either shows anything; infinite where they are equal."""
    seen = np.maximum(found, expected) > SEEN_LEVEL
    gap = found.astype(np.float32) - expected
    square = float(np.square(gap[seen]).mean()) if seen.any() else 0.0
    return 10 * float(np.log10(255**2 / square)) if square > 0 else float("inf")


def _second_run(engine: OnnxRuntimeEngine, rehearse: Feeds) -> dict[str, NDArray[np.uint8]]:
    """With a state that is no longer empty; reset afterwards."""
    engine.run(rehearse)
    found = engine.run(rehearse)
    engine.reset()
    return found
