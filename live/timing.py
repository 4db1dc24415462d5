"""Section timers and counters. The clock is passed in, so tests run on a fake one."""

from __future__ import annotations

import itertools
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and tails of a set of durations, milliseconds."""

    count: int
    p50: float
    p95: float
    p99: float


def spread(durations_s: list[float]) -> Spread:
    """The spread of `durations_s` (seconds) in milliseconds; zeros for an empty list."""
    if not durations_s:
        return Spread(0, 0.0, 0.0, 0.0)
    p50, p95, p99 = np.percentile(np.asarray(durations_s) * 1e3, [50, 95, 99])
    return Spread(len(durations_s), float(p50), float(p95), float(p99))


class Timing:
    """Durations by section name and counters by name; safe to use from every stage's thread.

    Keeps the newest `window` durations of each section, so that an evening costs no memory.
    """

    def __init__(self, clock: Clock = time.monotonic, window: int = 20_000) -> None:
        self.clock = clock
        self._window = window
        self._lock = threading.Lock()
        self._durations_s: dict[str, deque[float]] = {}
        self._counts: dict[str, int] = defaultdict(int)

    def add(self, name: str, duration_s: float) -> None:
        """Record one duration (seconds) of section `name`."""
        with self._lock:
            kept = self._durations_s.get(name)
            if kept is None:
                kept = self._durations_s[name] = deque(maxlen=self._window)
            kept.append(duration_s)

    def count(self, name: str, by: int = 1) -> None:
        """Add `by` to counter `name`."""
        with self._lock:
            self._counts[name] += by

    @contextmanager
    def section(self, name: str) -> Iterator[None]:
        """Time the enclosed block as section `name`."""
        began_s = self.clock()
        try:
            yield
        finally:
            self.add(name, self.clock() - began_s)

    def spreads(self) -> dict[str, Spread]:
        """The spread of every section, by name."""
        with self._lock:
            copies = {name: list(kept) for name, kept in self._durations_s.items()}
        return {name: spread(durations_s) for name, durations_s in copies.items()}

    def recent(self, most: int) -> dict[str, list[float]]:
        """The newest `most` durations of every section, seconds, newest first. Quick."""
        with self._lock:
            return {
                name: list(itertools.islice(reversed(kept), most))
                for name, kept in self._durations_s.items()
            }

    def counts(self) -> dict[str, int]:
        """Every counter, by name."""
        with self._lock:
            return dict(self._counts)

    def reset(self) -> None:
        """Forget everything, as after a warm-up."""
        with self._lock:
            self._durations_s.clear()
            self._counts.clear()
