from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from live.stream.pacing import BURST_BYTES, SPREAD_S, STEP_S, due_s, rate

packets = st.lists(st.integers(20, 1400), min_size=1, max_size=300)


def schedule(sizes: list[int], began_s: float) -> list[float]:
    """When each packet of a picture made of `sizes` leaves."""
    speed, sent, due = rate(sum(sizes)), 0, []
    for size in sizes:
        due.append(due_s(sent, speed, began_s))
        sent += size
    return due


@given(packets, st.floats(0, 1e6))
def test_packets_keep_their_order_and_have_left_within_the_spread(
    sizes: list[int], began_s: float
) -> None:
    due = schedule(sizes, began_s)
    assert due == sorted(due)
    assert due[0] == began_s
    assert due[-1] <= began_s + SPREAD_S + STEP_S + 1e-6


@given(packets)
def test_a_small_picture_leaves_at_once(sizes: list[int]) -> None:
    for sent, due in zip(sizes, schedule(sizes[:7], 1.0), strict=False):
        assert sent
        assert due == 1.0  # seven packets of at most 1400 bytes


def test_no_more_than_the_burst_leaves_at_once_and_the_rest_evenly() -> None:
    sizes = [1250] * 80  # 100 kB: a key frame of 1280x720
    due = schedule(sizes, 0.0)
    leaving = Counter(due)
    assert BURST_BYTES <= leaving.pop(0.0) * 1250 <= BURST_BYTES + 1250
    assert len(leaving) == SPREAD_S / STEP_S
    assert max(leaving.values()) * 1250 <= BURST_BYTES, "no bunch is larger than the burst"
    assert max(leaving.values()) - min(leaving.values()) <= 2
