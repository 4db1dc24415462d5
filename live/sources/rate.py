"""`Rate`: the frames per second that really arrive, whatever a device claims."""

from __future__ import annotations

from collections import deque


class Rate:
    """Events per second over the last `window_s` seconds, from their times alone."""

    def __init__(self, window_s: float = 2.0) -> None:
        self._window_s = window_s
        self._times_s: deque[float] = deque(maxlen=1000)
        self._per_s = 0.0

    @property
    def per_s(self) -> float:
        """0 until two events came; else (events - 1) / (last - first) within the window."""
        return self._per_s

    def add(self, at_s: float) -> None:
        """One event at `at_s` (seconds, not before the last one)."""
        times = self._times_s
        times.append(at_s)
        while len(times) > 2 and at_s - times[0] > self._window_s:
            times.popleft()
        lasted_s = at_s - times[0]
        self._per_s = (len(times) - 1) / lasted_s if lasted_s > 0 else 0.0

    def reset(self) -> None:
        """Forget everything, as after a gap that should not count."""
        self._times_s.clear()
        self._per_s = 0.0
