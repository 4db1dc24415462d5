"""When a show that ended is started again: a table of (how it ended, the pause)."""

from __future__ import annotations

from live.restarts import LONGEST_DELAY_S, MOST_FALSE_STARTS, Ended, Restarts

KILLED = Ended(-9, 60.0, True)


def test_an_end_as_it_should_be_is_the_end() -> None:
    assert Restarts().after(Ended(0, 100.0, True)) is None


def test_bad_input_is_the_end_only_where_it_never_ran() -> None:
    assert Restarts().after(Ended(2, 1.0, False)) is None
    restarts = Restarts()
    assert restarts.after(KILLED) == 0.0
    assert restarts.after(Ended(2, 1.0, False)) == 0.0, "its camera may come back"
    assert restarts.after(Ended(2, 1.0, False)) == 0.25


def test_one_that_lived_well_starts_at_once_every_time() -> None:
    restarts = Restarts()
    assert [restarts.after(KILLED) for _ in range(100)] == [0.0] * 100


def test_one_that_dies_at_once_is_tried_ever_more_seldom_and_for_ever() -> None:
    restarts = Restarts()
    restarts.after(KILLED)
    delays = [restarts.after(Ended(1, 3.0, True)) for _ in range(100)]
    assert delays[:7] == [0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0]
    assert set(delays[7:]) == {LONGEST_DELAY_S}
    assert restarts.after(KILLED) == 0.0


def test_one_that_never_becomes_a_show_is_given_up() -> None:
    restarts = Restarts()
    delays = [restarts.after(Ended(1, 0.2, False)) for _ in range(MOST_FALSE_STARTS)]
    assert None not in delays[:-1]
    assert delays[-1] is None
