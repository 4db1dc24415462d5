"""The novelty meter against a slow oracle, its properties, and the demo's own limits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as drawn
from numpy.typing import NDArray

from benchmarks.figure import arrays, clip, dancer
from live.frames import Pose
from live.neighbours import LIMBS
from live.normalize import fit_body_stats
from live.novelty import MOST, Novelty
from live.skeleton import INDEX, JOINTS
from live.subject import Codebook, load_subject
from tests.oracles import novelty as oracle

STAGE = (512, 512)
DANCE = clip(16)
BODY = fit_body_stats(*arrays(DANCE), STAGE)
DEMO = Path("live/assets/demo/subject")


def book_of(poses: list[Pose]) -> Codebook:
    points, scores = arrays(poses)
    return Codebook(points, scores, points[0], scores[0])


BOOK = book_of(DANCE[::4])


@pytest.fixture(scope="module")
def novelty() -> Novelty:
    return Novelty(BOOK, BODY, STAGE)


def known_by_the_book(book: Codebook) -> tuple[NDArray, NDArray]:
    poses = zip(book.points, book.scores, strict=True)
    found = [oracle.stance(points, scores, STAGE[0], BODY) for points, scores in poses]
    return np.array([one[0] for one in found]), np.array([one[1] > 0 for one in found], float)


def moved(pose: Pose, joint: str, x: float, y: float) -> Pose:
    points = pose.points.copy()
    points[INDEX[joint]] += (x, y)
    return replace(pose, points=points)


@given(
    at=st.integers(0, len(DANCE) - 1),
    shifts=drawn(np.float32, (15, 2), elements=st.floats(-60, 60, width=32)),
    hidden=st.sets(st.sampled_from([0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 12, 13]), max_size=5),
    unsure=st.floats(0.15, 0.5),
)
def test_it_agrees_with_the_oracle(
    at: int, shifts: NDArray, hidden: set[int], unsure: float
) -> None:
    points, scores = DANCE[at].points.copy(), DANCE[at].scores.copy()
    points[:15] += shifts
    scores[3] = unsure
    scores[list(hidden)] = 0
    known, seen = known_by_the_book(BOOK)
    expected = oracle.distance(*oracle.stance(points, scores, STAGE[0], BODY), known, seen)
    expected = min(expected / oracle.scale(known, seen), MOST)
    found = Novelty(BOOK, BODY, STAGE).measure(Pose(points, scores, 0.0, STAGE))
    assert found == pytest.approx(expected, rel=1e-3, abs=1e-3)


def test_a_pose_of_the_codebook_is_not_novel(novelty: Novelty) -> None:
    for points, scores in zip(BOOK.points, BOOK.scores, strict=True):
        pose = Pose(points, scores, 0.0, STAGE)
        assert novelty.measure(pose) < 1e-3
        assert max(novelty.limbs(pose).values()) < 1e-3


@given(at=st.integers(0, len(DANCE) - 1), aside=st.floats(-300, 300))
def test_a_step_aside_changes_nothing(at: int, aside: float) -> None:
    novelty, pose = Novelty(BOOK, BODY, STAGE), moved(DANCE[at], "left_wrist", 40, -90)
    away = replace(pose, points=pose.points + np.array([aside, 0], np.float32))
    assert novelty.measure(away) == pytest.approx(novelty.measure(pose), rel=1e-2, abs=1e-3)


@given(time_s=st.floats(0, 16), depth=st.floats(0, 1))
def test_depth_changes_nothing(time_s: float, depth: float) -> None:
    near = dancer(time_s, STAGE, BODY.height_near, BODY.toe_near)
    height = BODY.height_far + (BODY.height_near - BODY.height_far) * depth
    # The same pose, as tall as the body is where its feet stand.
    toe = max(near.points[INDEX["left_ankle"], 1], near.points[INDEX["right_ankle"], 1])
    share = (toe / STAGE[0] - BODY.toe_far) / (BODY.toe_near - BODY.toe_far)
    tall = BODY.height_far + (BODY.height_near - BODY.height_far) * share
    line = (BODY.toe_far + (BODY.toe_near - BODY.toe_far) * depth) * STAGE[0]
    middle = np.array([STAGE[1] / 2, toe], np.float32)
    points = (near.points - middle) * np.float32(height / tall) + np.array(
        [STAGE[1] / 2, line], np.float32
    )
    novelty = Novelty(BOOK, BODY, STAGE)
    found = novelty.measure(replace(near, points=points.astype(np.float32)))
    assert found == pytest.approx(novelty.measure(near), rel=1e-2, abs=1e-2)


@given(
    points=drawn(np.float32, (len(JOINTS), 2), elements=st.floats(width=32)),
    scores=drawn(np.float32, len(JOINTS), elements=st.floats(0, 1, width=32)),
)
def test_whatever_comes_it_is_a_number(points: NDArray, scores: NDArray) -> None:
    pose, novelty = Pose(points, scores, 0.0, STAGE), Novelty(BOOK, BODY, STAGE)
    assert 0 <= novelty.measure(pose) <= MOST
    assert all(0 <= one <= MOST for one in novelty.limbs(pose).values())


def test_it_rises_as_a_limb_goes_astray_and_says_which(novelty: Novelty) -> None:
    pose = DANCE[100]
    far = [novelty.measure(moved(pose, "left_wrist", 0, -up)) for up in range(0, 200, 20)]
    assert far[-1] > 2 and far[-1] > far[0]
    limbs = novelty.limbs(moved(pose, "left_wrist", 0, -200))
    assert tuple(limbs) == LIMBS
    assert max(limbs, key=limbs.__getitem__) == "left arm" and limbs["left arm"] > 2
    assert limbs["right arm"] < 2


def test_a_joint_that_is_not_seen_does_not_count_as_far(novelty: Novelty) -> None:
    pose = moved(DANCE[100], "left_wrist", 0, -200)
    scores = pose.scores.copy()
    scores[INDEX["left_wrist"]] = 0
    unseen = replace(pose, scores=scores)
    assert novelty.measure(unseen) < 1.5 < novelty.measure(pose)
    nobody = replace(pose, scores=pose.scores * 0)
    assert novelty.measure(nobody) == 0 and set(novelty.limbs(nobody).values()) == {0.0}


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_codebook_of_hardly_any_poses(count: int) -> None:
    novelty = Novelty(book_of(DANCE[:count]), BODY, STAGE)
    assert novelty.measure(DANCE[0]) < 1e-3
    assert 0 < novelty.measure(moved(DANCE[0], "left_wrist", 0, -200)) <= MOST


def test_a_codebook_of_too_many_poses_is_thinned() -> None:
    points, scores = arrays(DANCE)
    many = Codebook(np.tile(points, (40, 1, 1)), np.tile(scores, (40, 1)), points[0], scores[0])
    assert Novelty(many, BODY, STAGE).measure(DANCE[7]) <= 1


def test_a_codebook_that_never_saw_the_legs() -> None:
    points, scores = arrays(DANCE[::4])
    scores[:, [9, 10, 11, 12, 13, 14]] = 0
    novelty = Novelty(Codebook(points, scores, points[0], scores[0]), BODY, STAGE)
    assert novelty.measure(DANCE[0]) <= MOST
    assert novelty.limbs(DANCE[0])["left leg"] == MOST  # nobody knows what it does with them


def test_the_demo_knows_its_own_moves_and_not_a_handstand() -> None:
    subject = load_subject(DEMO)
    book, stage = subject.codebook, subject.manifest.stage_size
    novelty = Novelty(book, subject.manifest.body, stage)
    neutral = Pose(book.neutral_points, book.neutral_scores, 0.0, stage)
    assert novelty.measure(neutral) < 1
    hip = neutral.points[INDEX["mid_hip"]]
    assert novelty.measure(replace(neutral, points=2 * hip - neutral.points)) > 4
    # Between two moves that are known.
    halves = (book.points[1:] + book.points[:-1]) / 2
    found = [novelty.measure(Pose(one, book.scores[0], 0.0, stage)) for one in halves]
    assert np.median(found) > 0
