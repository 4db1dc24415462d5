from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from live.stream.keyframes import PER_SECOND, START_GAP_S, KeyFrameGate


def test_nobody_asked_nobody_gets() -> None:
    assert not KeyFrameGate().take(0.0)


def test_an_ask_is_granted_once() -> None:
    gate = KeyFrameGate()
    gate.ask()
    gate.ask()
    assert gate.take(0.0)
    assert not gate.take(0.1)


def test_an_early_ask_is_kept_not_lost() -> None:
    gate = KeyFrameGate()
    granted = []
    for now_s in (0.0, 0.1, 0.2):
        gate.ask()
        granted.append(gate.take(now_s))
    assert granted == [True, True, False]
    assert not gate.take(0.99)
    assert gate.take(1.0)


@given(st.lists(st.floats(0, 0.3), min_size=1, max_size=200))
def test_a_storm_of_asks_gets_two_a_second(pauses_s: list[float]) -> None:
    gate = KeyFrameGate()
    now_s, granted_s = 0.0, []
    for pause_s in pauses_s:
        now_s += pause_s
        gate.ask()
        if gate.take(now_s):
            granted_s.append(now_s)
    for earlier, later in zip(granted_s, granted_s[PER_SECOND:], strict=False):
        assert later - earlier >= 1.0


def test_who_begins_to_watch_does_not_wait_for_the_second_to_pass() -> None:
    gate = KeyFrameGate()
    for now_s in (0.0, 0.01):
        gate.ask()
        assert gate.take(now_s)
    gate.ask_to_start()
    assert not gate.take(0.1)  # a crowd shares one
    assert gate.take(0.01 + START_GAP_S + 0.001)
