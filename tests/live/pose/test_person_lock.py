"""Whoever is pointed at is followed, and nobody else: two real people, both trackers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from live.frames import Frame, Image, Pose
from live.pose.base import PoseEstimator
from live.pose.blazepose import BlazePose
from live.pose.blazepose_open import open_blazepose
from live.pose.mediapipe_tasks import MediaPipePose
from live.pose.weights import PoseWeights
from tests.live.pose.test_blazepose import hip_x, read
from tests.live.pose.two_people import CLIP_SIZE, STAGE, TwoPeople

FRAME_S = 1 / 30
PEOPLE = ("man", "woman")
HIGH = {"man": 0.45, "woman": 0.6}  # where to point, share of the picture's height


@pytest.fixture(scope="module")
def blazepose(pose_weights: PoseWeights) -> Iterator[BlazePose]:
    with open_blazepose(pose_weights) as tracker:
        yield tracker


@pytest.fixture(scope="module")
def mediapipe(pose_weights: PoseWeights) -> Iterator[MediaPipePose]:
    with MediaPipePose(pose_weights) as tracker:
        yield tracker


@pytest.fixture(params=["blazepose", "mediapipe"])
def estimator(request: pytest.FixtureRequest) -> PoseEstimator:
    found: PoseEstimator = request.getfixturevalue(request.param)
    found.reset()
    return found


@pytest.fixture(scope="module")
def two(one_person_clip: Path, two_people_clip: Path) -> TwoPeople:
    return TwoPeople(one_person_clip, two_people_clip)


def play(estimator: PoseEstimator, pictures: list[Image], start_s: float) -> list[Pose | None]:
    return [
        estimator.estimate(Frame(picture, start_s + number * FRAME_S, number))
        for number, picture in enumerate(pictures)
    ]


def numbers(poses: list[Pose | None]) -> set[int]:
    return {pose.person for pose in poses if pose is not None}


def test_either_of_two_real_people_is_followed_when_pointed_at(
    estimator: PoseEstimator, two_people_clip: Path
) -> None:
    clip = read(two_people_clip, 60, CLIP_SIZE)
    largest = play(estimator, clip[:10], 10.0)
    assert hip_x(largest[-1]) > 240
    estimator.follow_at(160 / 408, 250 / 720)
    man = play(estimator, clip[10:40], 10.0 + 10 * FRAME_S)
    assert man[0] is not None and all(hip_x(pose) < 240 for pose in man)
    estimator.follow_at(285 / 408, 450 / 720)
    woman = play(estimator, clip[40:60], 10.0 + 40 * FRAME_S)
    assert woman[0] is not None and all(hip_x(pose) > 240 for pose in woman)
    seen = [numbers(poses) for poses in (largest, man, woman)]
    assert all(len(one) == 1 for one in seen) and len(set.union(*seen)) == 3


@pytest.mark.parametrize("front", PEOPLE)
@pytest.mark.parametrize("who", PEOPLE)
def test_they_cross_and_it_never_jumps_to_the_other(
    estimator: PoseEstimator, two: TwoPeople, who: str, front: str
) -> None:
    shares = np.clip((np.arange(75) - 10) / 50, 0, 1)
    places = [(130 + 600 * share, 685 - 600 * share) for share in shares]
    me = PEOPLE.index(who)
    estimator.follow_at(places[0][me] / STAGE[1], HIGH[who])
    pictures = [two.picture(at, *place, front) for at, place in enumerate(places)]
    poses = play(estimator, pictures, 100.0)
    for pose, place in zip(poses, places, strict=True):
        if pose is not None and abs(place[0] - place[1]) > 150:
            assert abs(hip_x(pose) - place[me]) < abs(hip_x(pose) - place[1 - me])
    assert hip_x(poses[-1]) == pytest.approx(places[-1][me], abs=60)
    assert len(numbers(poses)) == 1


@pytest.mark.parametrize("who", PEOPLE)
def test_one_leaves_and_is_waited_for_until_released(
    estimator: PoseEstimator, two: TwoPeople, who: str
) -> None:
    man = who == "man"

    def there(number: int, x: float | None, other: float) -> Image:
        return two.picture(number, *((x, other) if man else (other, x)))

    mine, others = (150.0, 700.0) if man else (700.0, 150.0)
    estimator.follow_at(mine / STAGE[1], HIGH[who])
    here = play(estimator, [there(at, mine, others) for at in range(10)], 200.0)
    assert all(abs(hip_x(pose) - mine) < 60 for pose in here)
    # The other one even comes to where the followed one was last seen.
    steps = np.linspace(others, mine, 90)
    gone = play(estimator, [there(at, None, float(x)) for at, x in enumerate(steps)], 200.4)
    assert gone == [None] * 90
    back = play(estimator, [there(at, 450.0, mine) for at in range(30)], 204.0)
    assert hip_x(back[-1]) == pytest.approx(450, abs=60)
    assert numbers(back) == numbers(here)
    gone = play(estimator, [there(at, None, mine) for at in range(10)], 206.0)
    assert gone[-1] is None
    estimator.follow_any()
    anybody = play(estimator, [there(at, None, mine) for at in range(10)], 207.0)
    assert hip_x(anybody[-1]) == pytest.approx(mine, abs=60)
    assert numbers(anybody).isdisjoint(numbers(here))


def test_the_light_may_change(estimator: PoseEstimator, two: TwoPeople) -> None:
    estimator.follow_at(150 / STAGE[1], HIGH["man"])
    play(estimator, [two.picture(at, 150, 700) for at in range(10)], 300.0)
    red = [two.picture(at, 150, 700) * np.array([0.4, 0.6, 1.3]) for at in range(10)]
    washed = [np.clip(one, 0, 255).astype(np.uint8) for one in red]
    assert all(abs(hip_x(pose) - 150) < 60 for pose in play(estimator, washed, 300.4))


def test_reset_lets_go_and_takes_the_largest(estimator: PoseEstimator, two: TwoPeople) -> None:
    pictures = [two.picture(at, 150, 700) for at in range(10)]
    largest = hip_x(play(estimator, pictures, 400.0)[-1])
    smaller = 150 if abs(largest - 700) < 100 else 700
    estimator.follow_at(smaller / STAGE[1], 0.55)
    assert abs(hip_x(play(estimator, pictures, 401.0)[-1]) - smaller) < 60
    estimator.reset()
    assert abs(hip_x(play(estimator, pictures, 402.0)[-1]) - largest) < 60


def test_the_pictures_are_what_they_should_be(two: TwoPeople, pictures: Path) -> None:
    shown = [two.picture(0, 150, 700), two.picture(20, 400, 430, "woman"), two.picture(40, 700, 90)]
    cv2.imwrite(str(pictures / "two_people.png"), np.hstack(shown))
