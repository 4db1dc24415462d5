"""`Endurance`: how often a stage may fail before it is given up; pure functions of (state, now)."""

from __future__ import annotations

from collections import deque

from live.errors import SetupError

FIRST_DELAY_S = 0.05
LONGEST_DELAY_S = 0.8


class Endurance:
    """Counts failures in a row and says how long to wait after each, or that it was the last.

    What works again in between, or fails less often than `most` times within `within_s`, may go
    on for ever.
    """

    def __init__(self, most: int = 8, within_s: float = 20.0) -> None:
        """`most` failures in a row within `within_s` seconds end it."""
        if most < 1 or not within_s > 0:
            raise SetupError(f"{most} failures within {within_s:g} s: both must be above 0")
        self.most = most
        self.within_s = within_s
        self._failed_s: deque[float] = deque(maxlen=most)

    def worked(self) -> None:
        """A step went well."""
        self._failed_s.clear()

    def failed(self, now_s: float) -> float | None:
        """A step failed at `now_s`: seconds to wait before the next one; None to give up."""
        self._failed_s.append(now_s)
        while now_s - self._failed_s[0] > self.within_s:
            self._failed_s.popleft()
        failures = len(self._failed_s)
        if failures >= self.most:
            return None
        return float(min(FIRST_DELAY_S * 2 ** (failures - 1), LONGEST_DELAY_S))
