"""Two engines against each other on one frame, before the show: which one is the faster here."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from live.engines.base import Feeds, RecurrentEngine

HEATS = 9  # runs of each, in turns: others may be at work
MOST_TIME = 0.9  # of the other's median; less of a gain is noise


def time_share(
    rival: RecurrentEngine,
    engine: RecurrentEngine,
    feeds: Feeds,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """The rival's median time as a share of the engine's. Both are reset afterwards."""
    times_s: dict[RecurrentEngine, list[float]] = {rival: [], engine: []}
    for _ in range(HEATS):
        for one, taken in times_s.items():
            began_s = clock()
            one.run(feeds)
            taken.append(clock() - began_s)
    rival.reset()
    engine.reset()
    return statistics.median(times_s[rival]) / max(statistics.median(times_s[engine]), 1e-9)
