"""Makes `one_euro_golden.csv` beside it: `python -m tests.oracles.make_one_euro_golden`.

A noisy signal that rests, moves, jumps and rests again, sampled unevenly from time 0, and what the
published equations make of it. Every implementation of the filter must match.
"""

from __future__ import annotations

import math
import random
from pathlib import Path

from tests.oracles.one_euro import one_euro

GOLDEN = Path(__file__).with_name("one_euro_golden.csv")
MIN_CUTOFF_HZ, BETA, DERIVATIVE_CUTOFF_HZ = 1.5, 12.0, 3.0


def signal() -> tuple[list[float], list[float]]:
    """Times, seconds, and values, frame heights."""
    noise = random.Random(7)
    times_s, values, time_s = [], [], 0.0
    for index in range(120):
        place = 0.3 if index < 30 else 0.3 + 0.2 * math.sin((index - 30) / 12)
        place = 0.7 if index >= 90 else place
        times_s.append(round(time_s, 6))
        values.append(round(place + noise.gauss(0, 0.002), 6))
        time_s += noise.choice([1 / 30, 1 / 30, 1 / 30, 1 / 15, 1 / 60])
    return times_s, values


def text() -> str:
    """The golden file's content."""
    times_s, values = signal()
    filtered = one_euro(times_s, values, MIN_CUTOFF_HZ, BETA, DERIVATIVE_CUTOFF_HZ)
    rows = zip(times_s, values, filtered, strict=True)
    return "time_s,value,filtered\n" + "".join(f"{t:.6f},{v:.6f},{f:.9f}\n" for t, v, f in rows)


if __name__ == "__main__":
    GOLDEN.write_text(text(), encoding="utf-8")
