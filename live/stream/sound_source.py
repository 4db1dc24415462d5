"""The seam between the show's sound and where it comes from: protocol, silence, and a fake."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from live.stream.opus import BLOCK, CHANNELS, RATE_HZ, Samples


class SoundSource(Protocol):
    """Gives sound by the time at which it was captured. One thread takes; any may close."""

    @property
    def name(self) -> str:
        """For people: "the microphone", a file's name."""

    @property
    def lag_s(self) -> float:
        """How long after its end a block may be missing yet, seconds."""

    @property
    def trouble(self) -> str | None:
        """What is wrong just now, one sentence; None when well."""

    def take(self, captured_s: float) -> Samples:
        """The 20 ms from `captured_s` on, monotonic clock; asked for in order, without overlap.

        Never waits and never fails: what there is not is silence.
        """

    def close(self) -> None:
        """Free what is held. May be called twice."""


def silence() -> Samples:
    """A block of nothing."""
    return np.zeros((BLOCK, CHANNELS), np.int16)


@dataclass(slots=True)
class ScriptedSound:
    """A fake source: `wave` gives the loudness in [-1, 1] at each capture time, float64 (N,)."""

    wave: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    name: str = "script"
    lag_s: float = 0.0
    trouble: str | None = None
    closed: bool = False

    def take(self, captured_s: float) -> Samples:
        times_s = captured_s + np.arange(BLOCK) / RATE_HZ
        one = np.round(self.wave(times_s) * 32_767).astype(np.int16)
        return np.repeat(one[:, None], CHANNELS, axis=1)

    def close(self) -> None:
        self.closed = True
