"""Where the hands are: against a slow oracle, at the border, and of a pose that is broken."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from live.hand import SIDES, hand_square, seen_of_hand
from live.skeleton import HAND, INDEX, JOINTS
from tests.tiny_subject import standing

STAGE = (128, 128)
SIDE = 32
PALM = ("wrist", "index_1", "pinky_1", "thumb_3")
Points = NDArray[np.float32]


def slow_middle(points: Points, scores: Points, side: str) -> NDArray[np.float64] | None:
    """(x, y)."""
    seen = [INDEX[f"{side}_{name}"] for name in PALM if scores[INDEX[f"{side}_{name}"]] > 0.3]
    if not seen:
        return None
    middle = points.astype(np.float64)[seen].mean(0)
    elbow, wrist = INDEX[f"{side}_elbow"], INDEX[f"{side}_wrist"]
    if scores[elbow] > 0.3 and wrist in seen:
        forearm = points[wrist].astype(np.float64) - points[elbow]
        middle = middle + forearm * (0.37 if seen == [wrist] else 0.12)
    return middle


def any_pose(seed: int) -> tuple[Points, Points]:
    rng = np.random.default_rng(seed)
    points = rng.uniform(-30, 160, (len(JOINTS), 2)).astype(np.float32)
    return points, rng.uniform(0.0, 1, len(JOINTS)).astype(np.float32)


@given(st.integers(0, 10_000), st.sampled_from(SIDES))
def test_a_square_is_whole_and_around_the_hands_middle(seed: int, side: str) -> None:
    points, scores = any_pose(seed)
    for size in (STAGE, (64, 160)):
        middle = slow_middle(points, scores, side)
        square = hand_square(points, scores, size, SIDE, side)
        inside = middle is not None and bool(((middle >= 0) & (middle < size[::-1])).all())
        assert (square is not None) == inside
        if middle is None or square is None:
            continue
        for corner, at, most in zip(square, middle[::-1], size, strict=True):
            assert 0 <= corner <= most - SIDE
            assert abs(corner + SIDE / 2 - at) <= 0.5 or corner in (0, most - SIDE)


@pytest.mark.parametrize("place", [np.nan, np.inf, -np.inf, 3e38, -3e38])
@pytest.mark.parametrize("joint", ["left_wrist", "left_elbow", "left_index_1"])
def test_a_broken_pose_has_no_square(joint: str, place: float) -> None:
    """Warnings are errors here: numbers that no integer holds are not cast to one."""
    points, scores = standing(*STAGE)
    points[INDEX[joint], 0], scores[INDEX[joint]] = place, 1.0
    assert hand_square(points, scores, STAGE, SIDE, "left") is None
    assert hand_square(points, scores, STAGE, SIDE, "right") is not None


def test_scores_that_are_no_numbers_see_nothing() -> None:
    points, _ = standing(*STAGE)
    nothing = np.full(len(JOINTS), np.nan, np.float32)
    assert hand_square(points, nothing, STAGE, SIDE, "left") is None


def stretched(angle: float, length: float = 24.0) -> tuple[Points, Points]:
    """All 21 points of a left hand that goes on straight from its forearm, fingers apart."""
    points, scores = standing(*STAGE)
    ahead = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-ahead[1], ahead[0]])
    wrist = np.array([64.0, 64.0])
    points[INDEX["left_wrist"]] = wrist
    points[INDEX["left_elbow"]] = wrist - ahead * length / 0.74
    names = [f"left_{name}" for name in HAND]
    for finger, aside in enumerate((-0.35, -0.15, 0.0, 0.1, 0.2)):
        for joint in range(4):  # knuckles half way, the thumb's tip where other fingers begin
            along = (0.5 + 0.5 * joint / 3) if finger else 0.55 * (joint + 1) / 4
            point = wrist + length * (along * ahead + aside * across)
            points[INDEX[names[1 + 4 * finger + joint]]] = point
    points[INDEX["left_hand_wrist"]] = wrist
    scores[[INDEX[name] for name in names]] = 1.0
    return points.astype(np.float32), scores


@pytest.mark.parametrize("angle", np.linspace(0, 2 * np.pi, 12, endpoint=False))
@pytest.mark.parametrize("knuckles", [True, False])
def test_the_fingertips_are_inside(angle: float, knuckles: bool) -> None:
    points, scores = stretched(float(angle))
    if not knuckles:  # a backend that gives the body alone
        scores[[INDEX[f"left_{name}"] for name in PALM[1:]]] = 0
    square = hand_square(points, scores, STAGE, SIDE, "left")
    assert square is not None
    whole = points[[INDEX[f"left_{name}"] for name in HAND]][:, ::-1]
    assert (whole >= square).all() and (whole <= np.add(square, SIDE)).all()


def test_only_joints_that_are_seen_count() -> None:
    scores = np.zeros(len(JOINTS), np.float32)
    scores[[INDEX["left_index_1"], INDEX["left_pinky_1"]]] = 0.31, 0.29
    assert seen_of_hand(scores, "left") == [INDEX["left_index_1"]]
    assert seen_of_hand(scores, "right") == []


def test_a_hand_at_the_edge_and_beyond_it() -> None:
    points, scores = stretched(0.0)
    points[:, 0] += 127 - hand_middle(points, scores)[0]
    assert hand_square(points, scores, STAGE, SIDE, "left") == (46, 96)
    points[:, 0] += 2
    assert hand_square(points, scores, STAGE, SIDE, "left") is None
    assert hand_square(points, scores, STAGE, 129, "left") is None


def hand_middle(points: Points, scores: Points) -> NDArray[np.float64]:
    found = slow_middle(points, scores, "left")
    assert found is not None
    return found
