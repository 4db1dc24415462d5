"""The lock by itself: made-up people in painted clothes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.frames import Image, Pose
from live.pose.around import around
from live.pose.clothes import clothes, unlike
from live.pose.follow import Follower
from live.skeleton import INDEX
from tests.live.pose.people import SIZE, nobody, person

RED, BLUE, GREEN = (30, 30, 220), (220, 60, 30), (40, 200, 40)
FRAME_S = 1 / 30


def painted(*people: tuple[Pose, tuple[int, int, int]]) -> Image:
    """A grey picture with everybody's torso in their colour, the last in front."""
    image = np.full((*SIZE, 3), 128, np.uint8)
    for pose, colour in people:
        left, right = (pose.points[INDEX[f"{side}_shoulder"]] for side in ("right", "left"))
        bottom = pose.points[INDEX["left_hip"], 1]
        top = int(max(left[1], 0))
        image[top : int(max(bottom, 0)), int(max(left[0], 0)) : int(max(right[0], 0))] = colour
    return image


def x_of(pose: Pose | None) -> float:
    assert pose is not None
    return float(pose.points[INDEX["nose"], 0])


class Stage:
    """Everybody in sight, frame after frame."""

    def __init__(self, dressed: bool = True) -> None:
        self.follower = Follower()
        self.now_s = 0.0
        self._dressed = dressed

    def show(
        self, *people: tuple[float, tuple[int, int, int]], after_s: float = FRAME_S
    ) -> Pose | None:
        self.now_s += after_s
        poses = [person(x, at_s=self.now_s) for x, _ in people]
        dressed = [(pose, colour) for pose, (_, colour) in zip(poses, people, strict=True)]
        self.follower.heed()
        return self.follower.choose(poses, painted(*dressed) if self._dressed else None)


@given(x=st.floats(0, 1), y=st.floats(0, 1), people=st.lists(st.integers(0, 11), min_size=1))
def test_whoever_is_pointed_at_or_nearest_is_followed(
    x: float, y: float, people: list[int]
) -> None:
    stage = Stage(dressed=False)
    places = [50.0 + 50 * number for number in sorted(set(people))]
    stage.follower.follow_at(x, y)
    stage.show(*((place, RED) for place in places))
    chosen = stage.show(*((place, RED) for place in places), after_s=0.6)
    assert abs(x_of(chosen) - x * SIZE[1]) == min(abs(place - x * SIZE[1]) for place in places)


def test_the_point_is_waited_at_before_the_nearest_is_taken() -> None:
    stage = Stage()
    assert x_of(stage.show((500, BLUE))) == 500
    stage.follower.follow_at(100 / 640, 200 / 480)
    assert stage.show((500, BLUE)) is None  # overlooked, perhaps
    found = stage.show((500, BLUE), (100, RED))
    assert found is not None and (x_of(found), found.person) == (100, 2)


def test_the_locked_one_is_waited_for_without_end_and_known_by_the_clothes() -> None:
    stage = Stage()
    stage.follower.follow_at(100 / 640, 200 / 480)
    stage.show((100, RED), (500, BLUE))
    for _ in range(300):
        assert stage.show((500, BLUE)) is None
    for x in range(500, 100, -10):  # to the very place
        assert stage.show((float(x), BLUE)) is None
    for _ in range(200):
        assert stage.show((100, BLUE)) is None
    back = stage.show((100, BLUE), (400, RED))
    assert back is not None and (x_of(back), back.person) == (400, 1)


@given(
    steps=st.lists(st.tuples(st.integers(-20, 20), st.integers(-20, 20)), min_size=10, max_size=40),
    hidden=st.lists(st.booleans(), min_size=40, max_size=40),
)
def test_it_never_jumps_to_the_other(steps: list[tuple[int, int]], hidden: list[bool]) -> None:
    stage, mine, others = Stage(), 200.0, 440.0
    stage.follower.follow_at(mine / 640, 200 / 480)
    stage.show((mine, RED), (others, BLUE))
    for (one, other), away in zip(steps, hidden, strict=False):
        mine = float(np.clip(mine + one, 60, 580))
        others = float(np.clip(others + other, 60, 580))
        if abs(mine - others) < 60:
            away = True  # behind the other one
        seen = [(others, BLUE)] if away else [(mine, RED), (others, BLUE)]
        chosen = stage.show(*seen)
        assert chosen is None or (not away and abs(x_of(chosen) - mine) < 1)


def test_of_two_who_are_dressed_alike_the_place_decides() -> None:
    stage = Stage()
    stage.follower.follow_at(100 / 640, 200 / 480)
    stage.show((100, RED), (500, RED))
    for _ in range(200):
        assert stage.show((500, RED)) is None
    assert x_of(stage.show((110, RED), (500, RED))) == 110


@pytest.mark.parametrize("dressed", [True, False])
def test_release_takes_the_largest(dressed: bool) -> None:
    stage = Stage(dressed)
    stage.follower.follow_at(100 / 640, 200 / 480)
    stage.show((100, RED), (500, BLUE))
    assert stage.show((500, BLUE), after_s=5.0) is None
    stage.follower.follow_any()
    released = stage.show((500, BLUE))
    assert released is not None and (x_of(released), released.person) == (500, 2)


def test_who_turns_round_alone_is_found_again() -> None:
    stage = Stage()
    stage.follower.follow_at(100 / 640, 200 / 480)
    stage.show((100, RED))
    seen = [stage.show((100, GREEN)) for _ in range(60)]
    assert seen[0] is None and seen[-1] is not None and seen[-1].person == 1


def test_another_light_is_no_other_person() -> None:
    one, two = person(100), person(400)
    image = painted((one, RED), (two, BLUE))
    red, blue = clothes(image, one, 0.1), clothes(image, two, 0.1)
    assert red is not None and blue is not None
    assert unlike(red, red) < 1e-6 and unlike(red, blue) > 0.5
    dim = clothes((image * np.array([0.4, 0.5, 0.9])).astype(np.uint8), one, 0.1)
    assert dim is not None and unlike(red, dim) < 0.3 < unlike(blue, dim)


@pytest.mark.parametrize(
    "pose", [nobody(), person(-500), replace(person(9), points=person(9).points * np.nan)]
)
def test_clothes_that_are_not_seen(pose: Pose) -> None:
    assert clothes(painted(), pose, 0.1) is None


@given(
    x=st.floats(-0.5, 1.5),
    y=st.floats(-0.5, 1.5),
    width=st.integers(1, 90),
    height=st.integers(1, 90),
)
def test_a_closer_look_is_within_the_picture(x: float, y: float, width: int, height: int) -> None:
    image = np.zeros((height, width, 3), np.uint8)
    part, left, top = around(image, (x, y))
    assert part.size > 0
    assert left + part.shape[1] <= width and top + part.shape[0] <= height


def test_where_to_look() -> None:
    stage = Stage()
    assert stage.follower.look_where(0.0) is None
    stage.follower.follow_at(0.25, 0.5)
    stage.follower.heed()
    assert stage.follower.look_where(0.0) == (0.25, 0.5)
    stage.show((160, RED))
    assert stage.follower.look_where(stage.now_s) == pytest.approx((0.25, 200 / 480))
    later = {stage.follower.look_where(stage.now_s + 1) for _ in range(4)}
    assert len(later) == 4
