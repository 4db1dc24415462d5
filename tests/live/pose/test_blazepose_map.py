"""33 landmarks onto the canonical skeleton."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from live.pose.blazepose_map import LANDMARKS, canonical_pose
from live.skeleton import INDEX, JOINTS

SIZE = (200, 400)


def _landmarks() -> NDArray[np.float32]:
    """Every landmark at a place of its own, fully seen."""
    index = np.arange(LANDMARKS, dtype=np.float32)
    ones = np.ones(LANDMARKS, np.float32)
    return np.stack([(index + 1) / 40, (40 - index) / 50, ones, ones], 1)


def test_every_landmark_arrives_in_pixels() -> None:
    landmarks = _landmarks()
    pose = canonical_pose(landmarks, SIZE, 1.5)
    assert pose.points.dtype == pose.scores.dtype == np.float32
    assert (pose.captured_s, pose.size) == (1.5, SIZE)
    expected = {
        "nose": 0, "left_eye": 2, "right_ear": 8, "left_mouth": 9, "right_eye_outer": 6,
        "left_wrist": 15, "left_hand_wrist": 15, "right_pinky_1": 18, "left_index_1": 19,
        "right_thumb_3": 22, "right_hip": 24, "left_ankle": 27, "left_heel": 29,
        "right_big_toe": 32,
    }  # fmt: skip
    for name, landmark in expected.items():
        at_px = landmarks[landmark, :2] * (400, 200)
        np.testing.assert_allclose(pose.points[INDEX[name]], at_px, rtol=1e-6)
        assert pose.scores[INDEX[name]] == 1
    unfilled = {JOINTS[joint] for joint in np.flatnonzero(pose.scores == 0)}
    assert {"left_small_toe", "right_small_toe", "left_middle_2"} <= unfilled
    # All 33 are used; wrists twice; neck and mid-hip besides.
    assert len(JOINTS) - len(unfilled) == LANDMARKS + 2 + 2


def test_means_take_the_lesser_score() -> None:
    landmarks = _landmarks()
    landmarks[11, 2] = 0.25  # visibility of the left shoulder
    landmarks[24, 3] = 0.5  # presence of the right hip
    pose = canonical_pose(landmarks, SIZE, 0)
    middle = (landmarks[11, :2] + landmarks[12, :2]) / 2 * (400, 200)
    np.testing.assert_allclose(pose.points[INDEX["neck"]], middle, rtol=1e-6)
    assert pose.scores[INDEX["neck"]] == 0.25
    assert pose.scores[INDEX["mid_hip"]] == 0.5


@pytest.mark.parametrize(
    ("outside", "score"), [(0.0, 1.0), (0.02, 1.0), (0.045, 0.5), (0.07, 0.0), (3.0, 0.0)]
)
@pytest.mark.parametrize("edge", ["left", "right", "top", "bottom"])
def test_guesses_outside_the_frame_fade(outside: float, score: float, edge: str) -> None:
    landmarks = _landmarks()
    axis = 0 if edge in ("left", "right") else 1
    landmarks[27, axis] = -outside if edge in ("left", "top") else 1 + outside
    pose = canonical_pose(landmarks, SIZE, 0)
    assert pose.scores[INDEX["left_ankle"]] == pytest.approx(score, abs=1e-5)
    at_px = landmarks[27, axis] * SIZE[1 - axis]
    assert pose.points[INDEX["left_ankle"], axis] == pytest.approx(at_px)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", range(4))
def test_what_is_not_finite_is_not_seen(value: float, column: int) -> None:
    landmarks = _landmarks()
    landmarks[11, column] = value
    pose = canonical_pose(landmarks, SIZE, 0)
    assert np.isfinite(pose.points).all()
    for name in ("left_shoulder", "neck"):
        assert pose.scores[INDEX[name]] == 0


def test_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(32, 4\)"):
        canonical_pose(_landmarks()[:32], SIZE, 0)
