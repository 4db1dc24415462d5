"""So many in so long, for each caller: token buckets that forget who has not come for a while."""

from __future__ import annotations

from dataclasses import dataclass

from live.timing import Clock

MOST_CALLERS = 4096
"""Whose counts are kept at once; who has more addresses than this is stopped by other limits."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one caller may do."""

    burst: int  # at once
    per_s: float  # and then so many in a second


class Limiter:
    """Counts by caller. Not thread-safe: it lives on one event loop."""

    def __init__(self, allowance: Allowance, clock: Clock) -> None:
        self._allowance = allowance
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}  # caller to (left, at seconds)

    def __len__(self) -> int:
        """Callers whose counts are kept."""
        return len(self._left)

    def wait_s(self, who: str) -> float:
        """Count one of `who`'s; how long to wait for the next where it is one too many, else 0."""
        now_s = self._clock()
        left = self._now(who, now_s)
        if left < 1:
            return (1 - left) / self._allowance.per_s
        self._left.pop(who, None)  # and in again at the end: the first is the longest away
        self._left[who] = (left - 1, now_s)
        if len(self._left) > MOST_CALLERS:
            del self._left[next(iter(self._left))]
        return 0.0

    def _now(self, who: str, now_s: float) -> float:
        left, at_s = self._left.get(who, (float(self._allowance.burst), now_s))
        return min(left + (now_s - at_s) * self._allowance.per_s, self._allowance.burst)
