"""Pick the largest, then stay with that one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.frames import Pose
from live.pose.bodies import seen_box
from live.pose.follow import Follower, FollowSettings
from live.skeleton import INDEX
from tests.live.pose.people import nobody, person


def _nose_x(pose: Pose | None) -> float:
    assert pose is not None
    return float(pose.points[INDEX["nose"], 0])


@given(heights=st.lists(st.integers(50, 400), min_size=1, max_size=5, unique=True))
def test_picks_the_largest(heights: list[int]) -> None:
    people = [person(100 * at, height=height) for at, height in enumerate(heights)]
    chosen = Follower().choose(people)
    assert _nose_x(chosen) == 100 * heights.index(max(heights))
    assert chosen is not None and chosen.person == 1


def test_stays_when_another_becomes_larger() -> None:
    follower = Follower()
    for step in range(100):
        at_s = step / 30
        shrinking = person(100 + step, height=300 - step, at_s=at_s)
        growing = person(450, height=150 + 3 * step, at_s=at_s)
        chosen = follower.choose([growing, shrinking])
        assert chosen is not None
        assert (_nose_x(chosen), chosen.person) == (100 + step, 1)


def test_waits_for_the_followed_person_rather_than_jump() -> None:
    follower = Follower()
    follower.choose([person(100)])
    assert follower.choose([person(500, at_s=0.03)]) is None  # two bodies away in one frame
    back = follower.choose([person(500, at_s=0.06), person(110, at_s=0.06)])
    assert _nose_x(back) == 110
    assert back is not None and back.person == 1


def test_a_body_of_another_size_in_the_same_place_is_another_one() -> None:
    follower = Follower()
    follower.choose([person(100, height=300)])
    assert follower.choose([person(100, height=100, at_s=0.03)]) is None


def test_comes_back_in_time_with_the_same_number() -> None:
    follower = Follower()
    follower.choose([person(100)])
    assert follower.choose([]) is None
    assert follower.choose([nobody(at_s=0.5)]) is None
    back = follower.choose([person(300, at_s=1.5), person(400, height=390, at_s=1.5)])
    assert back is not None
    assert (_nose_x(back), back.person) == (300, 1)  # the nearest, not the largest


@pytest.mark.parametrize("later_s", [2.5, -60.0])
def test_after_the_memory_the_largest_is_a_new_person(later_s: float) -> None:
    follower = Follower()
    follower.choose([person(100)])
    other = follower.choose([person(100, height=180, at_s=later_s), person(500, at_s=later_s)])
    assert other is not None
    assert (_nose_x(other), other.person) == (500, 2)


def test_reset_forgets_but_numbers_go_on() -> None:
    follower = Follower()
    follower.choose([person(100)])
    follower.reset()
    chosen = follower.choose([person(500, at_s=0.03)])
    assert chosen is not None
    assert chosen.person == 2


def test_seen_box_leaves_out_what_is_not_seen() -> None:
    box = seen_box(person(100, 200, 200), 0.1)
    assert box is not None
    assert box.tolist() == pytest.approx([76, 100, 124, 300])
    assert seen_box(nobody(), 0.1) is None


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="memory_s=0"):
        FollowSettings(memory_s=0)
