"""An estimator that hangs, throws or cannot be built: left behind, and built anew."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from live.errors import SetupError, WeightsError
from live.frames import Frame, Pose
from live.pose.base import PoseEstimator, ScriptedPose
from live.pose.watched import (
    MOST_LEFT_BEHIND,
    EstimatorAwayError,
    EstimatorLimits,
    WatchedEstimator,
)
from tests.tiny_subject import standing

LIMITS = EstimatorLimits(answer_s=0.1, first_answer_s=5.0, build_s=5.0, errors=3)


def frame(number: int = 0) -> Frame:
    return Frame(np.zeros((64, 64, 3), np.uint8), number / 30, number)


def seen() -> Pose:
    points, scores = standing(64, 64)
    return Pose(points, scores, 0.0, (64, 64))


class Works:
    """Made by `Factory`: sees somebody, until told otherwise."""

    def __init__(self, factory: Factory) -> None:
        self._factory = factory
        self.closed = self.resets = 0
        self.orders: list[tuple[float, float] | None] = []

    def estimate(self, frame: Frame) -> Pose | None:
        if self._factory.hangs:
            self._factory.freed.wait()
        if self._factory.throws:
            raise RuntimeError("the device is gone")
        return seen()

    def reset(self) -> None:
        self.resets += 1

    def follow_at(self, x: float, y: float) -> None:
        self.orders.append((x, y))

    def follow_any(self) -> None:
        self.orders.append(None)

    def close(self) -> None:
        self.closed += 1


class Factory:
    """Builds estimators, and says how they fail."""

    def __init__(self) -> None:
        self.made: list[Works] = []
        self.freed = threading.Event()
        self.hangs = self.throws = False
        self.broken: Exception | None = None

    def __call__(self) -> PoseEstimator:
        if self.broken is not None:
            raise self.broken
        self.made.append(Works(self))
        return self.made[-1]


@pytest.fixture
def factory() -> Factory:
    return Factory()


def ask_until(watched: WatchedEstimator, wanted: Callable[[Pose | Exception | None], bool]) -> None:
    """Ask again and again, as the show does, which survives whatever is raised."""
    deadline_s = time.monotonic() + 20
    while time.monotonic() < deadline_s:
        found: Pose | Exception | None
        try:
            found = watched.estimate(frame())
        except Exception as error:
            found = error
        if wanted(found):
            return
        threading.Event().wait(0.01)
    raise AssertionError("it did not happen")


def is_pose(found: object) -> bool:
    return isinstance(found, Pose)


def test_answers_as_the_one_inside_and_frees_it_on_its_own_thread(factory: Factory) -> None:
    watched = WatchedEstimator(factory, LIMITS)
    watched.await_first()
    assert is_pose(watched.estimate(frame()))
    watched.reset()
    watched.estimate(frame())
    watched.close()
    watched.close()
    assert (factory.made[0].resets, factory.made[0].closed, watched.renewals) == (1, 1, 0)
    with pytest.raises(EstimatorAwayError):
        watched.estimate(frame())


def test_one_that_hangs_is_left_behind_and_another_takes_over(factory: Factory) -> None:
    watched = WatchedEstimator(factory, LIMITS)
    watched.await_first()
    watched.estimate(frame())
    factory.hangs = True
    began_s = time.monotonic()
    with pytest.raises(TimeoutError, match="hangs"):
        watched.estimate(frame())
    factory.hangs = False
    ask_until(watched, is_pose)
    print(f"\nhung at 0, another answers after {time.monotonic() - began_s:.2f} s")
    assert (len(factory.made), watched.renewals) == (2, 1)
    assert factory.made[0].closed == 0, "nothing is freed that still computes"
    factory.freed.set()
    watched.close()
    deadline_s = time.monotonic() + 5
    while factory.made[0].closed == 0 and time.monotonic() < deadline_s:
        threading.Event().wait(0.01)
    assert [one.closed for one in factory.made] == [1, 1]


def test_one_that_throws_again_and_again_is_replaced_and_one_that_throws_once_is_not(
    factory: Factory,
) -> None:
    watched = WatchedEstimator(factory, LIMITS)
    watched.await_first()
    for _ in range(5):
        factory.throws = True
        for _ in range(LIMITS.errors - 1):
            with pytest.raises(RuntimeError, match="the device is gone"):
                watched.estimate(frame())
        factory.throws = False
        assert is_pose(watched.estimate(frame()))
    assert len(factory.made) == 1
    factory.throws = True
    ask_until(watched, lambda found: isinstance(found, EstimatorAwayError))
    factory.throws = False
    ask_until(watched, is_pose)
    assert len(factory.made) == 2
    assert factory.made[0].closed == 1
    watched.close()


def test_hung_ones_do_not_pile_up(factory: Factory) -> None:
    watched = WatchedEstimator(factory, EstimatorLimits(0.02, 0.02, 5.0, 3), clock=_racing())
    watched.await_first()
    factory.hangs = True
    ask_until(watched, lambda _: len(factory.made) >= MOST_LEFT_BEHIND)
    for _ in range(50):
        with pytest.raises((EstimatorAwayError, TimeoutError)):
            watched.estimate(frame())
    assert len(factory.made) == MOST_LEFT_BEHIND
    factory.hangs = False
    factory.freed.set()
    ask_until(watched, is_pose)
    watched.close()


def _racing() -> Callable[[], float]:
    """A clock that makes every pause short."""
    return lambda: time.monotonic() * 100


def test_the_first_that_cannot_be_built_is_refused(factory: Factory) -> None:
    factory.broken = WeightsError("no weights here")
    watched = WatchedEstimator(factory, LIMITS)
    with pytest.raises(WeightsError, match="no weights here"):
        watched.await_first()
    watched.close()


def test_a_later_one_that_cannot_be_built_is_tried_again(factory: Factory) -> None:
    watched = WatchedEstimator(factory, LIMITS, clock=_racing())
    watched.await_first()
    factory.throws, factory.broken = True, RuntimeError("out of memory")
    ask_until(watched, lambda _: watched.renewals >= 3)
    factory.throws, factory.broken = False, None
    ask_until(watched, is_pose)
    watched.close()


def test_a_hang_while_it_is_built_hangs_nobody() -> None:
    freed = threading.Event()

    def make() -> PoseEstimator:
        freed.wait()
        return ScriptedPose([])

    watched = WatchedEstimator(make, EstimatorLimits(build_s=0.05))
    with pytest.raises(SetupError, match=r"not ready within 0\.05 s"):
        watched.await_first()
    with pytest.raises(EstimatorAwayError):
        watched.estimate(frame())
    watched.close()
    freed.set()


def test_limits_are_checked() -> None:
    with pytest.raises(SetupError, match="answer_s is 0"):
        EstimatorLimits(answer_s=0)


def test_whom_to_follow_is_told_on_its_thread_and_again_to_the_next_one(factory: Factory) -> None:
    watched = WatchedEstimator(factory, LIMITS)
    watched.await_first()
    watched.follow_at(0.25, 0.5)
    watched.estimate(frame())
    assert factory.made[0].orders == [(0.25, 0.5)]
    watched.estimate(frame(1))
    factory.hangs = True
    with pytest.raises(TimeoutError, match="hangs"):
        watched.estimate(frame(2))
    factory.hangs = False
    ask_until(watched, is_pose)
    (place,) = factory.made[1].orders
    pose = seen()
    body = pose.points[pose.scores > 0]
    middle = (body.min(0) + body.max(0)) / 2 / 64
    assert place == pytest.approx(tuple(middle))  # where that one was seen last
    watched.follow_any()
    watched.estimate(frame(3))
    assert factory.made[1].orders[1:] == [None]
    watched.reset()
    factory.hangs = True
    with pytest.raises(TimeoutError, match="hangs"):
        watched.estimate(frame(4))
    factory.hangs = False
    ask_until(watched, is_pose)
    assert factory.made[2].orders == []
    watched.close()
    factory.freed.set()


def test_an_answer_to_an_earlier_frame_does_not_move_the_point(factory: Factory) -> None:
    watched = WatchedEstimator(factory, LIMITS)
    watched.await_first()
    watched.estimate(frame())  # somebody with the number 0 is followed
    watched.follow_at(0.9, 0.1)
    watched.estimate(frame(1))  # still number 0: this estimator has not found the other one yet
    factory.hangs = True
    with pytest.raises(TimeoutError, match="hangs"):
        watched.estimate(frame(2))
    factory.hangs = False
    ask_until(watched, is_pose)
    assert factory.made[1].orders == [(0.9, 0.1)]
    watched.close()
    factory.freed.set()
