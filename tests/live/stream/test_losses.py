from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from live.stream.losses import WINDOW_S, Losses, after


def test_a_flurry_of_reports_counts_as_one_second() -> None:
    window, share = after(None, 1000, 5, 10.0)
    assert (window, share) == (Losses(10.0, 1000, 5), None)
    for number in range(30):
        window, share = after(window, 1000 + 4 * number, 5 + number, 10.0 + number / 30)
        assert share is None
    window, share = after(window, 1200, 55, 11.0)
    assert share == 50 / 200
    assert window == Losses(11.0, 1200, 55)


def test_nothing_sent_says_nothing_and_counters_may_begin_anew() -> None:
    window, _ = after(None, 1000, 5, 10.0)
    assert after(window, 1000, 5, 12.0)[1] is None
    assert after(window, 3, 0, 12.0) == (Losses(12.0, 3, 0), None)


@given(
    st.lists(
        st.tuples(st.integers(0, 2**32 - 1), st.integers(-(2**23), 2**23 - 1), st.floats(0, 2))
    )
)
def test_whatever_is_reported_the_share_is_one(reports: list[tuple[int, int, float]]) -> None:
    window, now_s, since_s = None, 0.0, 0.0
    for highest, lost, pause_s in reports:
        now_s += pause_s
        window, share = after(window, highest, lost, now_s)
        if share is not None:
            assert 0 <= share <= 1
            assert now_s - since_s >= WINDOW_S
        since_s = window.since_s
