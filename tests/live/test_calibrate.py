"""Calibration: from poses to statistics, to a file and back; broken files are refused by name."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.figure import arrays, clip
from live.calibrate import Calibration, calibrate, load_performer, save_performer
from live.errors import SetupError
from live.fit import fit_body_stats
from live.frames import Pose

POSES = clip(8.0)


def test_calibration_is_the_fit_of_the_clip() -> None:
    assert calibrate(POSES) == fit_body_stats(*arrays(POSES), (512, 512))


def test_missed_frames_and_passers_by_change_nothing_much() -> None:
    passer_by = [replace(pose, person=7, points=pose.points * 0.3) for pose in POSES[:30]]
    mixed: list[Pose | None] = [None, *passer_by, *POSES, None]
    assert calibrate(mixed) == calibrate(POSES)


def test_nobody_and_too_little_are_refused() -> None:
    with pytest.raises(SetupError, match="nobody was seen"):
        calibrate([None, None])
    blind = [replace(pose, scores=np.zeros_like(pose.scores)) for pose in POSES]
    with pytest.raises(SetupError, match="0 of 240 frames"):
        calibrate(blind)


def test_collector_counts_from_the_first_person_seen() -> None:
    collector = Calibration(4.0)
    for index in range(30):
        assert not collector.add(None, 100 + index / 30)
    assert collector.left_s == 4.0
    done = [collector.add(pose, 101 + index / 30) for index, pose in enumerate(POSES)]
    assert done.index(True) == pytest.approx(120, abs=1)
    assert all(done[done.index(True) :])
    assert collector.left_s == 0
    assert collector.result() == calibrate(POSES[: done.index(True)])


@pytest.mark.parametrize("seconds_s", [0, -1, 601, float("nan")])
def test_odd_durations_are_refused(seconds_s: float) -> None:
    with pytest.raises(SetupError, match="5 to 10 s"):
        Calibration(seconds_s)


def test_file_gives_back_the_same(tmp_path: Path) -> None:
    path = tmp_path / "performer.json"
    save_performer(calibrate(POSES), path)
    save_performer(calibrate(POSES), path)  # over an older one
    assert load_performer(path) == calibrate(POSES)
    assert [entry.name for entry in tmp_path.iterdir()] == ["performer.json"]


def _saved(tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    path = tmp_path / "performer.json"
    save_performer(calibrate(POSES), path)
    return path, json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "not JSON"), (b"{", "not JSON"), (b"\xff\xfe", "not JSON"), (b"[" * 99999, "JSON"),
        (b"[]", "no performer file"), (b"{}", "no performer file"), (b"null", "no performer file"),
    ],
)  # fmt: skip
def test_other_files_are_refused(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(content)
    with pytest.raises(SetupError, match=complaint) as caught:
        load_performer(path)
    assert str(path) in str(caught.value)
    assert "--calibrate" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"format": "other"}, "no performer file"), ({"version": 2}, "version 2"),
        ({"version": None}, "version None"), ({"extra": 1}, "extra"),
        ({"performer": []}, "fields"), ({"performer": {}}, "missing or unknown"),
    ],
)  # fmt: skip
def test_changed_files_are_refused(tmp_path: Path, change: dict, complaint: str) -> None:
    path, data = _saved(tmp_path)
    path.write_text(json.dumps(data | change), encoding="utf-8")
    with pytest.raises(SetupError, match=complaint) as caught:
        load_performer(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-1", '"tall"', "true", "1" + "0" * 400])
def test_changed_numbers_are_refused(tmp_path: Path, value: str) -> None:
    path, data = _saved(tmp_path)
    text = json.dumps(data).replace(str(data["performer"]["height_near"]), value)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SetupError, match="height_near"):
        load_performer(path)


def test_absent_files_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="cannot be read"):
        load_performer(tmp_path / "nowhere.json")
    with pytest.raises(SetupError, match="cannot be written"):
        save_performer(calibrate(POSES), tmp_path / "nowhere" / "performer.json")
