from __future__ import annotations

import pytest

from live.timing import Timing, spread


def test_sections_are_timed_on_the_given_clock() -> None:
    now_s = 0.0

    def clock() -> float:
        return now_s

    timing = Timing(clock)
    for duration_s in (0.010, 0.020, 0.030):
        with timing.section("pose"):
            now_s += duration_s
    timing.count("dropped", 2)
    found = timing.spreads()["pose"]
    assert found.count == 3
    assert found.p50 == pytest.approx(20)
    assert found.p95 == pytest.approx(29)
    assert timing.counts() == {"dropped": 2}
    timing.reset()
    assert timing.spreads() == {} and timing.counts() == {}


def test_an_evening_costs_no_memory() -> None:
    timing = Timing(window=10)
    for number in range(100):
        timing.add("x", number * 1.0)
    found = timing.spreads()["x"]
    assert found.count == 10
    assert found.p50 == pytest.approx(94_500)


def test_nothing_measured_is_zero() -> None:
    assert spread([]).p99 == 0
