"""The guard: what is known stays, what is far outside is eased back, without jumps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as drawn
from numpy.typing import NDArray

from live.frames import Pose
from live.novelty import Novelty
from live.skeleton import INDEX, JOINTS
from tests.live.test_novelty import BODY, BOOK, DANCE, STAGE

BONES = [
    (INDEX[start], INDEX[end])
    for start, end in (
        ("neck", "nose"), ("neck", "left_shoulder"), ("neck", "right_shoulder"),
        ("mid_hip", "neck"), ("mid_hip", "left_hip"), ("mid_hip", "right_hip"),
        *((f"{side}_{start}", f"{side}_{end}")
          for side in ("left", "right")
          for start, end in (
              ("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"),
              ("ankle", "heel"), ("wrist", "index_1"),
          )),
        ("nose", "left_eye"), ("nose", "right_mouth"),
    )
]  # fmt: skip


def lengths(pose: Pose) -> NDArray:
    return np.array([np.hypot(*(pose.points[end] - pose.points[start])) for start, end in BONES])


def turned(pose: Pose, angle: float, names: tuple[str, ...]) -> Pose:
    """`pose` with these joints turned about the first of them, radians."""
    points = pose.points.copy()
    pivot = points[INDEX[names[0]]]
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    for name in names[1:]:
        points[INDEX[name]] = pivot + turn @ (points[INDEX[name]] - pivot)
    return replace(pose, points=points)


KICK = ("left_hip", "left_knee", "left_ankle", "left_heel", "left_big_toe", "left_small_toe")


def held(novelty: Novelty, pose: Pose, strength: float = 1.0, seconds: float = 2.0) -> Pose:
    """What becomes of a pose that is held."""
    out = pose
    for frame in range(int(seconds * 30)):
        out = novelty.guard(replace(pose), strength, frame / 30)
    return out


def test_without_strength_and_for_what_is_known_the_pose_itself_comes_back() -> None:
    novelty = Novelty(BOOK, BODY, STAGE)
    strange = turned(DANCE[10], -2.0, KICK)
    assert novelty.guard(strange, 0.0, 0.0) is strange
    for number, (points, scores) in enumerate(zip(BOOK.points, BOOK.scores, strict=True)):
        known = Pose(points, scores, 0.0, STAGE)
        assert novelty.guard(known, 1.0, number / 30) is known


def test_a_kick_that_was_never_trained_is_eased_back_and_the_rest_stays() -> None:
    novelty = Novelty(BOOK, BODY, STAGE)
    kick = turned(DANCE[10], -2.0, KICK)
    eased = held(novelty, kick)
    before, after = novelty.limbs(kick)["left leg"], novelty.limbs(eased)["left leg"]
    assert before > 5 and after < before / 2
    moved = np.hypot(*(eased.points - kick.points).T)
    arms = [INDEX[f"{side}_{name}"] for side in ("left", "right") for name in ("elbow", "wrist")]
    assert moved[arms].max() == 0
    assert moved[INDEX["left_big_toe"]] > 20  # the foot goes with its leg
    assert (eased.scores == kick.scores).all() and eased.person == kick.person


def test_half_the_strength_goes_half_the_way() -> None:
    kick = turned(DANCE[10], -2.0, KICK)
    way = [
        float(np.hypot(*(held(Novelty(BOOK, BODY, STAGE), kick, s).points - kick.points).T).max())
        for s in (0.25, 0.5, 1.0)
    ]
    assert 0 < way[0] < way[1] < way[2]


@given(
    at=st.integers(0, len(DANCE) - 1),
    shifts=drawn(np.float32, (15, 2), elements=st.floats(-150, 150, width=32)),
    strength=st.floats(0, 1),
)
def test_bones_keep_their_lengths(at: int, shifts: NDArray, strength: float) -> None:
    points = DANCE[at].points.copy()
    points[:15] += shifts
    pose = replace(DANCE[at], points=points)
    eased = held(Novelty(BOOK, BODY, STAGE), pose, strength, 0.5)
    np.testing.assert_allclose(lengths(eased), lengths(pose), atol=0.01)


@given(
    points=drawn(np.float32, (len(JOINTS), 2), elements=st.floats(-1e5, 1e5, width=32)),
    scores=drawn(np.float32, len(JOINTS), elements=st.floats(0, 1, width=32)),
)
def test_finite_in_finite_out(points: NDArray, scores: NDArray) -> None:
    eased = held(Novelty(BOOK, BODY, STAGE), Pose(points, scores, 0.0, STAGE), 1.0, 0.3)
    assert np.isfinite(eased.points).all()


def test_numbers_that_are_none_stay_where_they_were() -> None:
    kick = turned(DANCE[10], -2.0, KICK)
    points = kick.points.copy()
    points[INDEX["right_wrist"]] = np.nan
    eased = held(Novelty(BOOK, BODY, STAGE), replace(kick, points=points))
    assert np.isfinite(np.delete(eased.points, _RIGHT_HAND, 0)).all()


_RIGHT_HAND = [at for name, at in INDEX.items() if name.startswith("right_") and at > 30] + [4]


@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_it_has_no_jumps_in_time(strength: float) -> None:
    """A leg turns once round, through every direction: what the guard adds never leaps."""
    novelty, added, fps = Novelty(BOOK, BODY, STAGE), [], 60
    for frame in range(4 * fps):
        pose = turned(DANCE[10], 2 * np.pi * frame / (4 * fps), KICK)
        added.append(novelty.guard(pose, strength, frame / fps).points - pose.points)
    ankle = np.array(added)[:, INDEX["left_ankle"]]
    leg = float(np.hypot(*(DANCE[10].points[KNEE] - DANCE[10].points[HIP])) * 2)
    # Bones turn by 0.1 rad a frame at most; the leg's own turn adds to it.
    assert np.hypot(*np.diff(ankle, axis=0).T).max() < 0.2 * leg
    assert np.hypot(*ankle.T).max() > 0.5 * leg


HIP, KNEE = INDEX["left_hip"], INDEX["left_knee"]


def test_it_lets_go_when_the_pose_is_known_again_or_another_person_comes() -> None:
    novelty = Novelty(BOOK, BODY, STAGE)
    kick = turned(DANCE[10], -2.0, KICK)
    held(novelty, kick)
    known = [replace(DANCE[0]) for _ in range(90)]
    out = [novelty.guard(pose, 1.0, 2 + at / 30) for at, pose in enumerate(known)]
    assert out[0] is not known[0] and out[-1] is known[-1]
    held(novelty, kick)
    other = replace(DANCE[0], person=7)
    assert novelty.guard(other, 1.0, 2.0) is other


def test_time_that_stands_still_or_runs_back_changes_nothing_at_once() -> None:
    novelty = Novelty(BOOK, BODY, STAGE)
    kick = turned(DANCE[10], -2.0, KICK)
    eased = held(novelty, kick)
    again = novelty.guard(replace(kick), 1.0, 59 / 30)
    np.testing.assert_allclose(again.points, eased.points, atol=1e-3)
    assert novelty.guard(kick, 1.0, -100.0) is kick  # afresh: nothing is turned yet
