"""OpenPose's JSON folders, right and wrong."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from live.errors import SourceError
from live.frames import Frame
from live.pose.openpose import OpenPosePose
from live.pose.openpose_json import read_people
from live.skeleton import INDEX, JOINTS

SIZE = (480, 640)


def _points(count: int, x: float = 100.0, spread: float = 5.0) -> list[float]:
    """`count` keypoints, each in a place of its own, scored 0.9."""
    return [value for at in range(count) for value in (x + at, 100.0 + spread * at, 0.9)]


def _person(body: int = 25, **others: Any) -> dict[str, Any]:
    return {"person_id": [-1], "pose_keypoints_2d": _points(body), **others}


def _text(*people: Any) -> bytes:
    return json.dumps({"version": 1.3, "people": people}).encode()


def _write(folder: Path, number: int, text: bytes) -> None:
    (folder / f"clip_{number:012d}_keypoints.json").write_bytes(text)


def _frame(sequence: int) -> Frame:
    return Frame(np.zeros((*SIZE, 3), np.uint8), sequence / 30, sequence)


def _looping(length: int) -> Callable[[int], int]:
    return lambda sequence: sequence % length


def test_body_25_with_face_and_hands() -> None:
    written = _person(
        face_keypoints_2d=_points(70, 300),
        hand_left_keypoints_2d=_points(21, 400),
        hand_right_keypoints_2d=_points(21, 500),
    )
    (pose,) = read_people(_text(written), SIZE, 2.0)
    assert (pose.size, pose.captured_s) == (SIZE, 2.0)
    np.testing.assert_allclose(pose.scores, 0.9, rtol=1e-6)
    places = {
        "nose": 100, "mid_hip": 108, "left_big_toe": 119, "left_small_toe": 120, "right_heel": 124,
        "right_eye_outer": 336, "left_eye_inner": 342, "right_mouth": 348, "left_mouth": 354,
        "left_hand_wrist": 400, "left_pinky_4": 420, "right_thumb_1": 501,
    }  # fmt: skip
    assert {name: pose.points[INDEX[name], 0] for name in places} == places


def test_coco_18_has_no_feet_and_its_mid_hip_is_made() -> None:
    (pose,) = read_people(_text(_person(18)), SIZE, 0)
    places = {"neck": 101, "right_hip": 108, "left_hip": 111, "right_eye": 114, "left_ear": 117}
    assert {name: pose.points[INDEX[name], 0] for name in places} == places
    assert pose.points[INDEX["mid_hip"], 0] == 109.5
    assert pose.scores[INDEX["mid_hip"]] == pytest.approx(0.9)
    seen = {JOINTS[joint] for joint in np.flatnonzero(pose.scores)}
    assert len(seen) == 19
    assert not any("toe" in name or "heel" in name for name in seen)


def test_numbers_that_are_not_finite_are_not_seen() -> None:
    written = _person()
    written["pose_keypoints_2d"][0:6] = [float("nan"), 1.0, 0.9, 1e300, 1.0, 0.9]
    written["pose_keypoints_2d"][8] = 7.0
    (pose,) = read_people(_text(written), SIZE, 0)
    assert pose.scores[:3].tolist() == [0, 0, 1]
    assert np.isfinite(pose.points).all()


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{", b"\xff\xfe\x00", b"[]", b"3", b'{"people": 3}', b'{"people": [3]}', b"{}",
        b'{"people": [{"pose_keypoints_2d": [1, 2]}]}', b"[" * 100_000,
        b'{"people": [{"pose_keypoints_2d": "' + b"x" * 75 + b'"}]}',
        b'{"people": [{"pose_keypoints_2d": [1e3' + b", 1" + b"0" * 400 + b", 1" * 73 + b"]}]}",
    ],
)  # fmt: skip
def test_a_malformed_file_is_nobody_said_once(
    text: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(4):
        _write(tmp_path, number, text if number in (1, 2) else _text(_person()))
    estimator = OpenPosePose(tmp_path, _looping(4))
    with caplog.at_level(logging.WARNING):
        seen = [estimator.estimate(_frame(sequence)) is not None for sequence in range(8)]
    assert seen == [True, False, False, True] * 2
    assert len(caplog.records) == 1
    assert "000000000001_keypoints.json" in caplog.text


def test_stays_with_the_larger_person_through_the_loop(tmp_path: Path) -> None:
    large = {"pose_keypoints_2d": _points(25, 100, spread=12)}
    small = {"pose_keypoints_2d": _points(25, 500, spread=6)}
    grown = {"pose_keypoints_2d": _points(25, 500, spread=14)}
    for number, people in enumerate([[small, large], [large, grown], [grown, large]]):
        _write(tmp_path, number, _text(*people))
    estimator = OpenPosePose(tmp_path, _looping(3))
    for sequence in range(7):
        pose = estimator.estimate(_frame(sequence))
        assert pose is not None
        assert (pose.points[0, 0], pose.person) == (100, 1)
    estimator.reset()
    pose = estimator.estimate(_frame(7))
    assert pose is not None
    assert (pose.points[0, 0], pose.person) == (500, 2)
    estimator.close()
    estimator.close()


def test_whoever_is_pointed_at_is_followed_until_released(tmp_path: Path) -> None:
    large = {"pose_keypoints_2d": _points(25, 100, spread=12)}
    small = {"pose_keypoints_2d": _points(25, 500, spread=6)}
    for number, people in enumerate([[small, large], [large, small], [large]]):
        _write(tmp_path, number, _text(*people))
    estimator = OpenPosePose(tmp_path, lambda sequence: sequence)

    def nose(sequence: int) -> tuple[float, int] | None:
        pose = estimator.estimate(_frame(sequence))
        return None if pose is None else (float(pose.points[0, 0]), pose.person)

    assert nose(0) == (100, 1)
    estimator.follow_at(510 / 640, 150 / 480)
    assert [nose(0), nose(1), nose(2)] == [(500, 2), (500, 2), None]
    estimator.follow_any()
    assert nose(2) == (100, 3)


def test_a_frame_without_a_file_is_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _write(tmp_path, 0, _text(_person()))
    estimator = OpenPosePose(tmp_path, lambda sequence: sequence)
    assert estimator.estimate(_frame(5)) is None
    assert "frame 5" in caplog.text


def test_a_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / ("a" * 300), tmp_path / "file"):
        with pytest.raises(SourceError, match=r"no folder .*--write_json"):
            OpenPosePose(folder, _looping(1))


def test_a_missing_or_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no folder .*absent"):
        OpenPosePose(tmp_path / "absent", _looping(1))
    (tmp_path / "notes.json").write_text("{}")
    with pytest.raises(SourceError, match="--write_json"):
        OpenPosePose(tmp_path, _looping(1))
