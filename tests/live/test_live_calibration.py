from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.figure import arrays, clip
from live.calibrate import load_performer
from live.frames import Pose, Sighting
from live.live_calibration import LiveCalibration
from live.normalize import Normalizer, fit_body_stats

WALK = clip(10.0)
TARGET = fit_body_stats(*arrays(WALK), WALK[0].size)


def show(calibration: LiveCalibration, poses: list[Pose | None]) -> None:
    for number, pose in enumerate(poses):
        at_s = number / 30
        seen = replace(pose, captured_s=at_s) if pose else None
        calibration.see(Sighting(seen, at_s, number))


def test_the_first_seconds_are_measured_told_and_kept(tmp_path: Path) -> None:
    kept = tmp_path / "me.json"
    normalizer = Normalizer(TARGET, (512, 512))
    show(LiveCalibration(3.0, normalizer, kept), [None] * 30 + list(WALK[:150]))
    expected = fit_body_stats(*arrays(WALK[:91]), WALK[0].size)
    assert load_performer(kept).height_near == pytest.approx(expected.height_near, rel=0.02)


def test_a_calibration_that_fails_says_so_and_the_show_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = tmp_path / "me.json"
    calibration = LiveCalibration(1.0, Normalizer(TARGET, (512, 512)), kept)
    unseen = [replace(pose, scores=pose.scores * 0) for pose in WALK[:60]]
    show(calibration, list(unseen))
    assert "the calibration failed" in caplog.text
    assert not kept.exists()


def test_a_full_disk_does_not_end_the_show(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = tmp_path / "missing" / "me.json"
    normalizer = Normalizer(TARGET, (512, 512))
    show(LiveCalibration(1.0, normalizer, nowhere), list(WALK[:60]))
    assert "cannot be written" in caplog.text


@pytest.mark.parametrize("seen", [True, False])
def test_its_end_is_told_once(seen: bool) -> None:
    ended: list[bool] = []
    calibration = LiveCalibration(1.0, Normalizer(TARGET, (512, 512)), None, ended.append)
    scores = 1 if seen else 0
    poses = [replace(pose, scores=pose.scores * scores) for pose in WALK[:60]]
    show(calibration, list(poses[:20]))
    assert ended == []
    show(calibration, list(poses))
    assert ended == [seen]
