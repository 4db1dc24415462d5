"""Engines timed side by side: in turns, so that what else the machine does hits all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BURST = 4  # runs in a row; the first finds cold caches and another's spinning threads: not counted
SLOW_S = 0.5  # a run that takes as long is timed one at a time: a cold start is nothing beside it

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Lap:
    """How long one engine takes, milliseconds a run."""

    median_ms: float
    p95_ms: float
    runs: int


def race(
    runners: Mapping[str, Callable[[], object]],
    seconds: float,
    clock: Clock = time.perf_counter,
    least_rounds: int = 3,
) -> dict[str, Lap]:
    """Time every runner for about `seconds` in all, at least `least_rounds` bursts each.

    Each runner is called once before anything is timed.
    """
    slow = {name: _timed_ms(run, clock) >= SLOW_S * 1e3 for name, run in runners.items()}
    times_ms: dict[str, list[float]] = {name: [] for name in runners}
    began_s, rounds = clock(), 0
    while rounds < least_rounds or clock() - began_s < seconds:
        for name, run in runners.items():
            times_ms[name] += [_timed_ms(run, clock)] if slow[name] else _burst(run, clock)
        rounds += 1
    return {name: _lap(times) for name, times in times_ms.items()}


def _burst(run: Callable[[], object], clock: Clock) -> list[float]:
    return [_timed_ms(run, clock) for _ in range(BURST)][1:]


def _timed_ms(run: Callable[[], object], clock: Clock) -> float:
    began_s = clock()
    run()
    return (clock() - began_s) * 1e3


def _lap(times_ms: Sequence[float]) -> Lap:
    return Lap(
        median_ms=float(np.median(times_ms)),
        p95_ms=float(np.percentile(times_ms, 95)),
        runs=len(times_ms),
    )


class Player:
    """Runs a generator engine on labels in turn, feeding its own state back: what the show does."""

    def __init__(self, engine: Any, labels: Sequence[NDArray[np.uint8]]) -> None:
        """engine: a generator's `Engine` or `RecurrentEngine`; labels: RGB uint8 (h, w, 3)."""
        self._engine = engine
        self._labels = labels
        self._number = 0
        height, width = labels[0].shape[:2]
        self._state: NDArray[Any] = np.zeros((1, 4, height, width), np.float32)
        self._keeps_state = bool(getattr(engine, "feedback", None))  # it feeds itself

    def __call__(self) -> NDArray[np.uint8]:
        """The next picture: premultiplied RGBA uint8 (h, w, 4)."""
        label = self._labels[self._number % len(self._labels)]
        self._number += 1
        if self._keeps_state:
            made = self._engine.run({"label": label[None]})
        else:
            made = self._engine.run({"label": label[None], "state": self._state})
            self._state = made["next_state"]
        picture: NDArray[np.uint8] = made["rgba"][0]
        return picture
