"""When other desks are told: on a fake clock."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from live.desk.complaints import A_SECOND, Complaints
from live.desk.due import REST_S, Due

EVERY_S = 0.02


def due(*hands: str) -> Due:
    return Due(hands, lambda name: EVERY_S)


def test_what_changes_is_told_at_once_and_then_at_its_pace() -> None:
    told = due("tablet")
    assert told.take(0.0) == [] and told.next_s() is None
    told.changed(["x"], 1.0)
    assert told.next_s() == 1.0
    assert told.take(1.0) == [(0, "x")]
    told.changed(["x"], 1.001)
    told.changed(["x"], 1.002)
    assert told.take(1.003) == [] and told.next_s() == 1.0 + EVERY_S
    assert told.take(1.0 + EVERY_S) == [(0, "x")]
    assert told.next_s() is None, "twice changed is once told"


def test_who_moves_it_is_told_where_it_rests() -> None:
    told = due("tablet", "lights")
    for at_s in (1.0, 1.05, 1.1):
        told.moved("x", "tablet", at_s)
        told.changed(["x"], at_s)
        assert told.take(at_s) == [(1, "x")], "everybody else sees it move"
    assert told.take(1.1 + REST_S - 0.001) == []
    assert told.take(1.1 + REST_S) == [(0, "x")]


def test_another_hand_takes_over() -> None:
    told = due("tablet", "lights")
    told.moved("x", "tablet", 1.0)
    told.changed(["x"], 1.0)
    told.take(1.0)
    told.moved("x", "lights", 1.05)
    told.changed(["x"], 1.05)
    assert told.take(1.05) == [(0, "x")]
    assert told.take(1.05 + REST_S) == [(1, "x")]


@given(
    st.lists(
        st.tuples(
            st.floats(0, 0.2), st.sampled_from("xy"), st.sampled_from(["", "tablet", "lights"])
        ),
        max_size=30,
    )
)
def test_everybody_hears_of_the_last_change_of_everything(
    changes: list[tuple[float, str, str]],
) -> None:
    told, now_s = due("tablet", "lights"), 0.0
    last_s: dict[str, float] = {}
    heard_s: dict[tuple[int, str], float] = {}

    def hear_until(end_s: float) -> None:
        while (next_s := told.next_s()) is not None and next_s <= end_s:
            heard_s.update(dict.fromkeys(told.take(next_s), next_s))

    for wait_s, name, hand in changes:
        now_s += wait_s
        hear_until(now_s)
        if hand:
            told.moved(name, hand, now_s)
        told.changed([name], now_s)
        last_s[name] = now_s
    hear_until(math.inf)
    for name, changed_s in last_s.items():
        for target in (0, 1):
            assert changed_s <= heard_s[target, name] <= changed_s + REST_S + EVERY_S + 1e-9


def test_complaints_come_a_few_a_second_and_are_all_counted() -> None:
    complaints = Complaints("OSC")
    answered = [complaints.note("/x", "no such address", at / 100) for at in range(300)]
    assert complaints.count == 300
    assert sum(answered) == 3 * A_SECOND
