from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from live.stream.presentation import CLOCK_HZ, first, following


def test_the_cameras_spacing_is_kept_whatever_the_delay_does() -> None:
    at = first(100.0, 100.2)
    assert at.ticks == 0
    for number, delay_s in enumerate((0.05, 0.2, 0.01, 0.09), start=1):
        captured_s = 100.0 + number / 25
        at = following(at, captured_s, captured_s + delay_s)
        assert at.ticks == number * CLOCK_HZ // 25


def test_a_held_picture_moves_on_by_the_time_that_passed() -> None:
    at = following(first(5.0, 5.1), 5.0, 5.1 + 1 / 30)
    assert at.ticks == CLOCK_HZ // 30
    at = following(at, 5.0 + 2 / 30, 5.1 + 2 / 30)
    assert at.ticks == 2 * CLOCK_HZ // 30  # and the next new one stands where it was captured


def test_a_first_capture_at_zero_seconds_counts() -> None:
    assert following(first(0.0, 0.0), 0.04, 0.05).ticks == CLOCK_HZ // 25


def test_a_capture_clock_that_jumps_is_not_believed() -> None:
    for jump_s in (-500.0, 500.0):
        at = following(first(1000.0, 0.0), 1000.0 + jump_s, 0.04)
        assert at.ticks == round(0.04 * CLOCK_HZ)
        after = following(at, 1000.0 + jump_s + 0.04, 0.09)
        assert after.ticks == round(0.08 * CLOCK_HZ)  # in its own spacing again


times = st.floats(-1e5, 1e5, allow_nan=False)


@given(st.lists(st.tuples(times, times), min_size=1, max_size=30))
def test_the_streams_clock_always_rises(stamps: list[tuple[float, float]]) -> None:
    at = first(*stamps[0])
    for captured_s, now_s in stamps:
        after = following(at, captured_s, now_s)
        assert after.ticks > at.ticks
        at = after
