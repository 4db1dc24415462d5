from __future__ import annotations

import copy
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from live.errors import EXIT_BAD_INPUT
from live.frames import Pose, Region
from tests.training.tiny_footage import SIZE, picture_at
from training.dataset import Dataset
from training.evaluate import main
from training.masks import Box
from training.metrics import Scorer
from training.pose_distance import as_vectors, nearest
from training.replay import replay, retargeted, smoothed
from training.run import load_trained
from training.samples import psnr

WHOLE = Box(0, 0, SIZE[1], SIZE[0])


def test_a_perfect_run_is_perfect_and_the_order_is_right() -> None:
    truths = [picture_at(n) for n in range(6)]
    noise = np.random.default_rng(0).normal(0, 12, (6, *truths[0].shape))
    noisy = [(t + n).clip(0, 255).astype(np.uint8) for t, n in zip(truths, noise, strict=True)]
    scorer = Scorer(truths)
    boxes = [WHOLE] * 6
    perfect, worse = scorer.score(truths, boxes), scorer.score(noisy, boxes)
    assert perfect.ssim == pytest.approx(1) and perfect.perceptual == 0 and perfect.flicker == 0
    assert perfect.psnr_db > 90
    assert worse.ssim < 0.95 and worse.perceptual > 0.1 and worse.flicker > 5
    assert worse.psnr_db == pytest.approx(20 * np.log10(255 / 12), abs=0.7)
    assert worse.warp_error > perfect.warp_error


def test_a_constant_error_does_not_flicker_and_a_region_is_a_region() -> None:
    truths = [picture_at(n) // 2 for n in range(4)]
    brighter = [truth + 10 for truth in truths]
    left = Box(0, 0, 40, SIZE[0])
    score = Scorer(truths).score(brighter, [left, None, left, left])
    assert score.flicker == 0
    assert score.psnr_db == pytest.approx(psnr(100.0))


def test_psnr_of_known_errors() -> None:
    assert psnr(1.0) == pytest.approx(48.1308, abs=1e-4)
    assert psnr(255.0**2) == pytest.approx(0)


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


def test_the_sheet_is_written(
    tiny_run: Path, tiny_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pair = ["--pair", str(tiny_data), str(tiny_data)]
    arguments = ["--frames", "6", "--height", "96", "--no-pose"]
    assert main([str(tiny_run), *pair, *arguments]) == 0
    printed = capsys.readouterr().out.strip().splitlines()
    sheet = json.loads(printed[-1])
    assert sheet == json.loads((tiny_run / "sheet.json").read_text())
    assert sheet["facts"]["measured_at_height"] == 96
    keys = {"name", "region", "ssim", "psnr_db", "perceptual", "pose_error", "missed"}
    assert all(keys <= row.keys() for row in sheet["rows"] + sheet["paired"])
    by_name = {row["name"]: row for row in sheet["rows"] if row["region"] == "person"}
    assert set(by_name) == {
        "student", "student, smoothed as live", "nearest neighbour", "previous frame", "plate",
    }  # fmt: skip
    assert by_name["student"]["psnr_db"] > by_name["plate"]["psnr_db"]
    # The pair is the training footage itself: the nearest neighbour is the very frame.
    paired = {row["name"]: row for row in sheet["paired"] if row["region"] == "picture"}
    assert paired["nearest neighbour, placed as the truth"]["psnr_db"] > 60
    assert "| student | person |" in (tiny_run / "sheet.md").read_text()
    strip = cv2.imread(str(tiny_run / "strip.png"))
    assert strip is not None and strip.shape == (2 * 205 + 3 * 128, 8 * 256, 3)
    assert (tiny_run / "paired-1.png").is_file()


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
