"""Taps become beats; what waits for one is due before it. On a fake clock."""

from __future__ import annotations

import random
from itertools import pairwise
from statistics import mean, median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.desk.desk import Desk
from live.desk.tempo import Tempo
from live.desk.tempo_grid import BAR, Grid, Taps, tapped


class Hand:
    """Taps on a clock of its own."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.desk = Desk(clock=lambda: self.now_s)
        self.tempo = Tempo(self.desk, clock=lambda: self.now_s)

    def tap(self, *after_s: float) -> None:
        for wait_s in after_s:
            self.now_s += wait_s
            self.desk.do("tap", by="console")

    @property
    def bpm(self) -> float:
        return float(self.desk.value("tempo"))


@pytest.fixture
def hand() -> Hand:
    return Hand()


def test_two_taps_are_a_tempo(hand: Hand) -> None:
    hand.tap(0.0)
    assert hand.bpm == 120.0, "one tap says where the bar begins, not how fast it goes"
    hand.tap(0.6)
    assert hand.bpm == pytest.approx(100)
    assert hand.tempo.grid.one_s == pytest.approx(1000.0)


def test_the_first_tap_is_the_bars_first_beat(hand: Hand) -> None:
    hand.tap(0.0, *[0.5] * 20)  # more than are counted
    assert hand.bpm == pytest.approx(120)
    grid = hand.tempo.grid
    assert grid.off_s(1000.0 + 20 * 0.5, BAR) == pytest.approx(0, abs=1e-9)
    assert grid.off_s(1000.0 + 21 * 0.5, BAR) == pytest.approx(0.5)
    assert hand.tempo.due_s("bar", hand.now_s + 0.1) == pytest.approx(1012.0)
    assert hand.tempo.due_s("beat", hand.now_s + 0.1) == pytest.approx(1010.5)
    assert hand.tempo.due_s("now", hand.now_s) == hand.now_s


def test_a_pause_begins_anew_and_keeps_the_tempo(hand: Hand) -> None:
    hand.tap(0.0, 0.5, 0.5, 0.5, 7.3)
    assert hand.bpm == pytest.approx(120)
    assert hand.tempo.grid.one_s == pytest.approx(1008.8)
    hand.tap(1.0)
    assert hand.bpm == pytest.approx(60)


def test_another_tempo_takes_two_taps(hand: Hand) -> None:
    hand.tap(0.0, *[0.5] * 8, 0.8, 0.8, 0.8)
    assert hand.bpm == pytest.approx(75)


def test_a_bounce_is_no_tap(hand: Hand) -> None:
    hand.tap(0.0)
    for _ in range(6):
        hand.tap(0.48, 0.02)
    assert hand.bpm == pytest.approx(120, rel=0.02)


def test_a_tempo_that_is_set_leaves_the_conductors_hand_where_it_is(hand: Hand) -> None:
    hand.tap(0.0, 0.5, 0.5)
    hand.now_s += 0.25  # half way from the third beat to the fourth
    hand.desk.set("tempo", 60, by="osc")
    assert hand.tempo.due_s("beat", hand.now_s) == pytest.approx(hand.now_s + 0.5)
    assert hand.tempo.due_s("bar", hand.now_s) == pytest.approx(hand.now_s + 1.5)


def test_what_waits_is_due_before_the_beat(hand: Hand) -> None:
    hand.tap(0.0, 0.5)
    hand.desk.set("tempo.lead", 120, by="console")
    assert hand.tempo.due_s("beat", 1000.6) == pytest.approx(1000.88)
    assert hand.tempo.due_s("beat", 1000.9) == pytest.approx(1001.38), "too late for the next one"
    hand.desk.set("tempo.lead", 1000, by="console")
    assert hand.tempo.due_s("beat", 1000.9) == pytest.approx(1001.0)


def test_without_a_lead_it_is_the_delay_that_the_show_measures(hand: Hand) -> None:
    hand.tap(0.0, 0.5)
    assert hand.tempo.lead_s() == 0.0, "nothing was measured yet"
    hand.desk.report({"delay": 80.0})
    assert hand.tempo.due_s("beat", 1000.6) == pytest.approx(1000.92)
    hand.desk.set("tempo.lead", 1, by="console")
    assert hand.tempo.due_s("beat", 1000.6) == pytest.approx(1000.999)


@given(
    st.floats(30, 300), st.floats(-1e4, 1e6), st.floats(0, 1e6), st.sampled_from([1, BAR]),
    st.floats(0, 1),
)  # fmt: skip
def test_the_next_one_is_the_next_one(
    bpm: float, one_s: float, now_s: float, beats: int, early_s: float
) -> None:
    grid = Grid(bpm, one_s)
    due_s = grid.next_s(now_s, beats, early_s)
    step_s = beats * grid.beat_s
    assert now_s - 1e-4 <= due_s <= now_s + step_s + 1e-4
    assert grid.off_s(due_s + early_s, beats) == pytest.approx(0, abs=1e-5)


@given(st.lists(st.floats(0, 3, allow_subnormal=False), max_size=60))
def test_any_taps_give_a_tempo_in_range(waits_s: list[float]) -> None:
    taps, grid, now_s = Taps(), Grid(), 0.0
    for wait_s in waits_s:
        now_s += wait_s
        taps, grid = tapped(taps, grid, now_s)
        assert 30 - 1e-6 <= grid.bpm <= 300 + 1e-6
        assert len(taps.times_s) <= 16


def test_a_human_hand_is_averaged_out() -> None:
    """Prints how far the next bar is off after eight taps of a hand that errs by 20 ms."""
    dice, ours, plain = random.Random(7), [], []
    for _ in range(500):
        times_s = [n * 0.5 + dice.gauss(0, 0.02) for n in range(8)]
        taps, grid = Taps(), Grid()
        for at_s in times_s:
            taps, grid = tapped(taps, grid, at_s)
        ours.append(abs(grid.next_s(5.8, BAR) - 6.0))
        # What a plain tapper does: the median interval, counted from the last tap.
        usual_s = median(b - a for a, b in pairwise(times_s))
        plain.append(abs(times_s[-1] + 5 * usual_s - 6.0))
    print(
        f"\nnext bar off by {mean(ours) * 1e3:.1f} ms; median interval {mean(plain) * 1e3:.1f} ms"
    )
    assert mean(ours) < mean(plain)
