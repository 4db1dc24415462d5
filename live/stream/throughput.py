"""How much has gone out lately, in bits per second."""

from __future__ import annotations

from collections import deque

SPAN_S = 1.0
"""What is looked back on: a receiver's own estimate covers about as much."""


class Throughput:
    """The rate of what was added within the last second before the newest addition."""

    def __init__(self) -> None:
        self._sizes: deque[tuple[float, int]] = deque()  # (when, bytes)
        self._bytes = 0

    def add(self, size: int, now_s: float) -> None:
        """Note `size` bytes that left at `now_s`, on any clock that never runs back."""
        self._sizes.append((now_s, size))
        self._bytes += size
        while now_s - self._sizes[0][0] > SPAN_S:
            self._bytes -= self._sizes.popleft()[1]

    @property
    def bits_per_s(self) -> float:
        """0 until the additions span half a second: too short a time says nothing."""
        if not self._sizes:
            return 0.0
        span_s = self._sizes[-1][0] - self._sizes[0][0]
        return 8 * self._bytes / span_s if span_s >= SPAN_S / 2 else 0.0
