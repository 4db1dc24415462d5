"""How often a stage may fail: on made-up time."""

from __future__ import annotations

import pytest

from live.endurance import LONGEST_DELAY_S, Endurance
from live.errors import SetupError


def test_waits_longer_each_time_and_gives_up_at_the_last() -> None:
    endurance = Endurance(most=6, within_s=20.0)
    delays = [endurance.failed(number * 0.1) for number in range(6)]
    assert delays == [0.05, 0.1, 0.2, 0.4, LONGEST_DELAY_S, None]


def test_what_works_in_between_starts_over() -> None:
    endurance = Endurance(most=2)
    for number in range(100):
        assert endurance.failed(number * 0.01) == 0.05
        endurance.worked()


def test_what_fails_seldom_may_go_on_for_ever() -> None:
    endurance = Endurance(most=3, within_s=10.0)
    assert all(endurance.failed(number * 6.0) is not None for number in range(100))


@pytest.mark.parametrize(("most", "within_s"), [(0, 1.0), (1, 0.0), (3, float("nan"))])
def test_nonsense_is_refused(most: int, within_s: float) -> None:
    with pytest.raises(SetupError):
        Endurance(most, within_s)
