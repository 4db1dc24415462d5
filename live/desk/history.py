"""Since when something has been so: what one look at a show's counters cannot tell."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from live.desk.health import BEYOND

FAILING_S = 2.0
"""After its last failure a stage counts as failing for so long."""
RESTARTS_S = 60.0
"""Restarts count for so long."""
RUNGS = ("generated", "held", "neutral", "plate")


class History:
    """What is remembered between two looks. For one thread; the moment is passed in, seconds."""

    def __init__(self, counts: Mapping[str, int], restarts: int, now_s: float) -> None:
        """counts: `Timing.counts` as they stand; restarts: of all stages, so far."""
        self.rung = ""  # that most of the newest pictures stand on
        self._counts = dict(counts)
        self._failed_s: dict[str, float] = {}
        self._restarts = deque([(now_s, restarts)])
        self._seen_s = self._known_s = now_s  # somebody; a pose within the subject's limits

    def note(self, counts: Mapping[str, int], now_s: float) -> None:
        """Take in how far the counters are by now."""
        grown = {name: number - self._counts.get(name, 0) for name, number in counts.items()}
        grown = {name: number for name, number in grown.items() if number}
        self._counts = dict(counts)
        rungs = {rung: grown[f"picture.{rung}"] for rung in RUNGS if f"picture.{rung}" in grown}
        if rungs:
            self.rung = max(rungs, key=rungs.__getitem__)
        for name in grown:
            if name.endswith(".failed"):
                self._failed_s[name.removesuffix(".failed")] = now_s

    def fails(self, stage: str, now_s: float) -> bool:
        """Whether the stage has just failed."""
        return now_s - self._failed_s.get(stage, float("-inf")) < FAILING_S

    def nobody_s(self, somebody: bool, now_s: float) -> float:
        """For so long nobody has been seen."""
        if somebody:
            self._seen_s = now_s
        return now_s - self._seen_s

    def beyond_s(self, novelty: float, now_s: float) -> float:
        """For so long the pose has been beyond the subject's limits."""
        if novelty <= BEYOND:
            self._known_s = now_s
        return now_s - self._known_s

    def restarts(self, total: int, now_s: float) -> int:
        """How many there were in the last `RESTARTS_S`; total: since the beginning."""
        known = self._restarts
        if known[-1][1] != total:
            known.append((now_s, total))
        # The last one before the window is what the window began with.
        while len(known) > 1 and known[1][0] < now_s - RESTARTS_S:
            known.popleft()
        return total - known[0][1]
