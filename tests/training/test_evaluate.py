from __future__ import annotations

import copy
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from live.errors import EXIT_BAD_INPUT
from live.frames import Pose, Region
from training.dataset import Dataset
from training.evaluate import main
from training.pose_distance import as_vectors, nearest, pose_error
from training.replay import replay, retargeted, smoothed
from training.run import load_trained


def test_the_nearest_pose_is_found(tiny_dataset: Dataset) -> None:
    data = tiny_dataset
    known = as_vectors(data.points, data.scores, data.stage)
    np.testing.assert_array_equal(nearest(known[20:30], known), np.arange(20, 30))
    # One who stands one pixel aside is still nearest to himself; one who is not seen is not.
    aside = as_vectors(data.points[40:41] + np.float32(0.01), data.scores[40:41], data.stage)
    assert nearest(aside, known)[0] == 40
    hidden = as_vectors(data.points[40:41], np.zeros_like(data.scores[40:41]), data.stage)
    assert np.square(hidden - known[40]).sum() > np.square(aside - known[40]).sum()


def test_replay_feeds_the_state_back(tiny_run: Path, tiny_dataset: Dataset) -> None:
    trained = load_trained(tiny_run)
    data = tiny_dataset
    still = copy.copy(data)  # a window that stands still: what differs comes from the state
    still.new_window = Still  # type: ignore[method-assign,assignment]
    points, scores, times_s = (all_[100:104] for all_ in (data.points, data.scores, data.times_s))
    run = list(replay(trained, (points, scores), times_s, still))
    (alone,) = replay(trained, (points[3:], scores[3:]), times_s[3:], still)
    assert len(run) == 4 and run[0].shape == (*data.stage, 3)
    (first,) = replay(trained, (points[:1], scores[:1]), times_s[:1], still)
    np.testing.assert_array_equal(run[0], first)
    assert (run[3] != alone).any()


class Still:
    """A window that does not follow."""

    def follow(self, pose: Pose, now_s: float) -> Region:
        return Region(40, 0, 80, 120)


def test_a_performer_who_is_the_target_stays_in_place(tiny_dataset: Dataset) -> None:
    data = tiny_dataset
    frames = np.arange(40, 60)
    points, scores = retargeted(data, frames, data.body, data.stage)
    seen = data.scores[frames] > 0
    gap = np.abs(points - data.points[frames])[seen & (scores > 0)]
    assert gap.max() < 0.05
    steady, steady_scores = smoothed((points, scores), list(data.times_s[frames]), data.stage)
    assert np.abs(steady - points)[seen].mean() < 2
    assert (steady_scores > 0).sum() == (scores > 0).sum()


def test_pose_error_is_a_share_of_the_bodys_height() -> None:
    truth, scores = np.zeros((73, 2), np.float32), np.zeros(73, np.float32)
    truth[1], truth[2], scores[1:3] = (0, 0), (0, 50), 0.9
    moved = truth + np.array([3, 4], np.float32)
    assert pose_error(moved, scores, truth, scores) == pytest.approx(100 * 5 / 50)
    assert pose_error(moved, np.zeros_like(scores), truth, scores) is None


def test_the_sheet_is_written(
    tiny_run: Path, tiny_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pair = ["--pair", str(tiny_data), str(tiny_data)]
    arguments = ["--frames", "6", "--height", "96", "--no-pose", "--out", str(tmp_path)]
    assert main([str(tiny_run), str(tiny_run), *pair, *arguments]) == 0
    printed = capsys.readouterr().out.strip().splitlines()
    sheet = json.loads(printed[-1])
    assert sheet == json.loads((tmp_path / "sheet.json").read_text())
    assert sheet["facts"]["measured_at_height"] == 96
    late_ms = sheet["facts"]["as_close_as_the_real_picture_of_ms_ago"]
    assert late_ms is None or late_ms > 0
    keys = {
        "name", "region", "ssim", "psnr_db", "perceptual", "pose_error", "missed", "flicker",
        "warp_error", "warp_over_real", "kid",
    }  # fmt: skip
    assert all(keys <= row.keys() for row in sheet["rows"] + sheet["paired"])
    assert {row["region"] for row in sheet["rows"]} == {"picture", "person", "face", "hands"}
    by_name = {row["name"]: row for row in sheet["rows"] if row["region"] == "person"}
    # One run given twice is two rows that say the same.
    first, second = f"student ({tiny_run.name})", f"student ({tiny_run.name}) 2"
    assert set(by_name) == {
        first, second, f"{first}, smoothed as live", "nearest neighbour", "previous frame", "plate",
    }  # fmt: skip
    assert {**by_name[first], "name": ""} == {**by_name[second], "name": ""}
    assert by_name[first]["psnr_db"] > by_name["plate"]["psnr_db"]
    assert f"| {first} | person |" in (tmp_path / "sheet.md").read_text()
    strip = cv2.imread(str(tmp_path / "strip.png"))
    assert strip is not None and strip.shape == (2 * 205 + 3 * 128, 8 * 256, 3)
    assert (tmp_path / "paired-1.png").is_file()
    _check_the_pair([row for row in sheet["paired"] if row["region"] == "picture"])


def _check_the_pair(rows: list[dict[str, Any]]) -> None:
    """The pair is the training footage itself, so whoever drives already is where the target is."""
    paired = {row["name"]: row for row in rows}
    assert paired["nearest neighbour, placed as the truth"]["psnr_db"] > 60
    for name in ("ours, placed as live", "the paper's, placed as live", "normalization off"):
        assert paired[name]["label_error"] == pytest.approx(0, abs=0.2)
    assert paired["plate"]["label_error"] is None


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["nowhere"], "run.json"),
        (["nowhere", "--frames", "1"], "at least 2"),
        (["nowhere", "--height", "63"], "--height is 63"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    arguments: list[str], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == EXIT_BAD_INPUT
    assert word in capsys.readouterr().err


def spoiled(data: Path, run: Path, folder: Path, **changes: Any) -> list[str]:
    """Copies of a dataset with `changes` in its facts, and of the run that was trained on it."""
    shutil.copytree(data, folder / "data")
    shutil.copytree(run, folder / "run")
    path = folder / "data" / "dataset.json"
    facts = json.loads(path.read_text())
    path.write_text(json.dumps(facts | changes))
    record = json.loads((folder / "run" / "run.json").read_text())
    record["data_sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    record["data"] = str(folder / "data")
    (folder / "run" / "run.json").write_text(json.dumps(record))
    return [str(folder / "run"), "--no-pose"]


@pytest.mark.parametrize(
    ("train_frames", "word"), [(120, "holds no picture out"), (119, "holds one picture out")]
)
def test_a_dataset_that_holds_too_little_out(
    train_frames: int, word: str, tiny_data: Path, tiny_run: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    arguments = spoiled(tiny_data, tiny_run, tmp_path, train_frames=train_frames)
    assert main(arguments) == EXIT_BAD_INPUT
    assert word in capsys.readouterr().err


def test_a_dataset_that_changed_is_refused(
    tiny_data: Path, tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = spoiled(tiny_data, tiny_run, tmp_path)
    shard = tmp_path / "data" / "shards" / "00000.bin"
    content = bytearray(shard.read_bytes())
    content[100] ^= 1
    shard.write_bytes(content)
    assert main(arguments) == EXIT_BAD_INPUT
    assert "00000.bin has changed since it was prepared" in capsys.readouterr().err
    facts = tmp_path / "data" / "dataset.json"
    facts.write_text(facts.read_text() + "\n")
    assert main(arguments) == EXIT_BAD_INPUT
    assert "is not the dataset that" in capsys.readouterr().err


def test_a_tail_without_anybody_is_refused(
    tiny_data: Path, tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = json.loads((tiny_data / "dataset.json").read_text())
    assert facts["shards"] == 1
    name = "shards/00000.npz"
    with np.load(tiny_data / name) as held:
        arrays = dict(held)
    arrays["scores"][facts["train_frames"] :] = 0
    np.savez(tmp_path / "spoiled.npz", **arrays)
    digest = hashlib.sha256((tmp_path / "spoiled.npz").read_bytes()).hexdigest()
    changed = spoiled(tiny_data, tiny_run, tmp_path, files=facts["files"] | {name: digest})
    (tmp_path / "spoiled.npz").replace(tmp_path / "data" / name)
    assert main(changed) == EXIT_BAD_INPUT
    assert "shows nobody in the 12 pictures" in capsys.readouterr().err
