from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.errors import SetupError
from live.frames import Pose
from live.ladder import Ladder, LadderSettings
from live.skeleton import JOINTS
from tests.tiny_subject import standing


def pose(shift_px: float = 0.0, seen: bool = True) -> Pose:
    points, scores = standing(100, 100)
    return Pose(points + np.float32(shift_px), scores * seen, 0.0, (100, 100))


def test_generated_held_neutral_and_back() -> None:
    ladder = Ladder(pose(), LadderSettings(hold_s=0.5, ease_s=1.0, return_s=0.4))
    assert ladder.step(None, 0.0)[1] == "neutral"
    for step in range(20):
        shown, rung = ladder.step(pose(20), step * 0.1)
        assert rung == "generated"
    assert np.allclose(shown.points, pose(20).points)
    shown, rung = ladder.step(None, 2.0)
    assert rung == "held" and np.allclose(shown.points, pose(20).points)
    shown, rung = ladder.step(None, 2.5)
    assert rung == "neutral"
    for step in range(1, 11):
        shown, rung = ladder.step(None, 2.5 + step * 0.1)
    assert np.allclose(shown.points[shown.scores > 0], pose().points[shown.scores > 0])
    shown, rung = ladder.step(pose(20), 4.0)
    assert rung == "generated"
    assert np.allclose(shown.points[0], pose().points[0]), "the return begins where we stand"
    shown, _ = ladder.step(pose(20), 4.5)
    assert np.allclose(shown.points, pose(20).points)


@given(st.lists(st.booleans(), min_size=1, max_size=120))
def test_no_step_jumps(seen: list[bool]) -> None:
    """Between two 30 fps steps nothing moves farther than the steepest smoothstep allows."""
    settings = LadderSettings(hold_s=0.1, ease_s=1.0, return_s=0.5)
    ladder = Ladder(pose(), settings)
    previous, _ = ladder.step(None, 0.0)
    for number, there in enumerate(seen, start=1):
        shown, _ = ladder.step(pose(20) if there else None, number / 30)
        both = (shown.scores > 0) & (previous.scores > 0)
        farthest = np.abs(shown.points - previous.points)[both].max()
        # 20 px at a smoothstep's steepest slope of 1.5 over 0.5 s; the anchor may lag a frame.
        assert farthest <= 20 * 1.5 / 0.5 / 30 * 2 + 1e-3
        previous = shown


def test_undefined_points_never_enter_a_blend() -> None:
    hidden = pose()
    points, scores = hidden.points.copy(), hidden.scores.copy()
    points[0], scores[0] = np.nan, 0.0
    ladder = Ladder(pose())
    shown, _ = ladder.step(Pose(points, scores, 0.0, (100, 100)), 0.0)
    assert np.isfinite(shown.points[shown.scores > 0]).all()
    assert shown.points.shape == (len(JOINTS), 2)


def test_reset_is_like_new() -> None:
    ladder = Ladder(pose())
    ladder.step(pose(30), 0.0)
    ladder.reset()
    shown, rung = ladder.step(None, 0.1)
    assert rung == "neutral" and np.allclose(shown.points, pose().points)


def test_a_wrong_time_is_refused() -> None:
    with pytest.raises(SetupError, match="hold_s is -1"):
        LadderSettings(hold_s=-1)
