from __future__ import annotations

import numpy as np
import pytest

from tests.training.tiny_footage import KnownPose, picture_at, pose_at
from training.estimators import POSE_ESTIMATORS
from training.found_poses import compare, find_errors, other_backend


def test_who_drives_does_not_judge() -> None:
    assert other_backend("blazepose") == "mediapipe"
    assert other_backend("openpose") == "mediapipe"
    assert other_backend("mediapipe") == "blazepose"


def test_a_frame_counts_where_the_truth_shows_somebody() -> None:
    pose = pose_at(3).points, pose_at(3).scores
    height = float(np.ptp(pose[0][pose[1] > 0.3], axis=0).max())
    aside = pose[0] + np.array([height / 10, 0], np.float32), pose[1]
    nobody = pose[0], np.zeros_like(pose[1])
    errors = compare([pose, aside, None, pose, None], [pose, pose, pose, None, nobody])
    assert errors.asked.tolist() == [True, True, True, False, False]
    assert errors.missed.tolist() == [False, False, True, False, False]
    assert errors.missed_share == pytest.approx(1 / 3)
    assert errors.mean == pytest.approx((0 + 10) / 2, rel=1e-4)


def test_nobody_in_any_truth_is_no_share() -> None:
    errors = compare([None], [None])
    assert errors.mean is None and errors.missed_share is None


def test_every_run_is_searched_and_the_estimator_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    known = KnownPose(still=True)
    closed: list[bool] = []
    monkeypatch.setattr(known, "close", lambda: closed.append(True))
    monkeypatch.setitem(POSE_ESTIMATORS, "known", lambda: known)
    truths = [picture_at(n, still=True) for n in range(4)]
    errors = find_errors("known", truths, {"same": truths, "other": truths})
    assert known.asked == 12 and closed == [True]
    assert errors["same"].mean == pytest.approx(0) and errors["other"].missed_share == 0
    # A tracker's clock never runs backwards, whichever run it looks at.
    assert known.times_s == sorted(set(known.times_s))
