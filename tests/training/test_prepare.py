from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from live.errors import EXIT_BAD_INPUT, SetupError, SourceError
from tests.training.tiny_footage import SIZE, KnownPose, background, pose_at, write_video
from training import prepare as module
from training.dataset import Dataset
from training.prepare import PrepareOptions, main, prepare


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("video") / "walk.avi", 100)


@pytest.fixture
def short_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHARD_FRAMES", 30)


def options(out: Path, *videos: Path) -> PrepareOptions:
    return PrepareOptions(videos, out, size=96, stage=128, progress=False)


def test_a_dataset_holds_what_was_filmed(tiny_dataset: Dataset) -> None:
    data = tiny_dataset
    assert len(data) == 120 and data.size == (96, 64) and data.stage == SIZE
    assert data.train_count == 108 and list(data.held_out) == list(range(108, 120))
    pose = pose_at(50)
    seen = pose.scores > 0
    np.testing.assert_allclose(data.points[50][seen], pose.points[seen], atol=1e-3)
    np.testing.assert_allclose(np.diff(data.times_s), 1 / 30, atol=1e-3)
    assert data.frame(50).shape == (*SIZE, 3)
    assert data.frame(50).dtype == np.uint8


def test_the_plate_is_the_background_at_the_stage_size(tiny_dataset: Dataset) -> None:
    free = ~tiny_dataset.unseen
    gap = np.abs(tiny_dataset.plate.astype(int) - background())
    assert np.median(gap[free]) <= 4  # two lossy codings
    assert free.mean() > 0.95


def test_a_stopped_preparation_goes_on(video: Path, tmp_path: Path, short_shards: None) -> None:
    prepare(options(tmp_path / "whole", video), KnownPose())
    stopped = KnownPose(stop_after=70)
    with pytest.raises(KeyboardInterrupt):
        prepare(options(tmp_path / "parts", video), stopped)
    again = KnownPose()
    prepare(options(tmp_path / "parts", video), again)
    assert again.asked == 40  # two shards of 30 were whole
    whole, parts = Dataset(tmp_path / "whole"), Dataset(tmp_path / "parts")
    np.testing.assert_array_equal(whole.points, parts.points)
    np.testing.assert_array_equal(whole.times_s, parts.times_s)
    for number in (0, 59, 60, 99):
        np.testing.assert_array_equal(whole.frame(number), parts.frame(number))
    np.testing.assert_array_equal(whole.plate, parts.plate)
    assert whole.facts["files"] == parts.facts["files"]


def test_a_finished_dataset_is_not_read_again(video: Path, tmp_path: Path) -> None:
    prepare(options(tmp_path / "data", video), KnownPose())
    again = KnownPose()
    facts = prepare(options(tmp_path / "data", video), again)
    assert again.asked == 0 and facts["frames"] == 100


def test_several_videos_stay_apart_and_time_never_runs_back(
    video: Path, tmp_path: Path, short_shards: None
) -> None:
    pose = KnownPose()
    second = write_video(tmp_path / "second.avi", 50)
    prepare(options(tmp_path / "data", video, second), pose)
    data = Dataset(tmp_path / "data")
    assert list(np.bincount(data.clips)) == [100, 50]
    assert (np.diff(pose.times_s) > 0).all()


def test_another_dataset_is_not_mixed_in(video: Path, tmp_path: Path) -> None:
    prepare(options(tmp_path / "data", video), KnownPose())
    other = PrepareOptions((video,), tmp_path / "data", size=64, stage=128, progress=False)
    with pytest.raises(SetupError, match="another dataset"):
        prepare(other, KnownPose())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep me")
    with pytest.raises(SetupError, match="other files"):
        prepare(options(tmp_path / "mine", video), KnownPose())


@pytest.mark.parametrize(("width", "expected"), [(90, 68), (128, 96), (228, 172)])
def test_portrait_square_and_wide_keep_their_shape(
    tmp_path: Path, width: int, expected: int
) -> None:
    size = (128, width)
    video = write_video(tmp_path / "shape.avi", 70, size)
    prepare(
        PrepareOptions((video,), tmp_path / "d", size=64, stage=96, progress=False), KnownPose()
    )
    data = Dataset(tmp_path / "d")
    assert data.stage == (96, expected) and data.size == (64, 64)
    assert data.frame(50).shape == data.plate.shape == (96, expected, 3)
    assert data.body.aspect == pytest.approx(expected / 96)
    pose = pose_at(50, size)
    placed = (pose.points - [width / 2, 0]) * 96 / 128 + [expected / 2, 0]
    seen = pose.scores > 0
    np.testing.assert_allclose(data.points[50][seen], placed[seen], atol=1e-3)


def test_nobody_is_an_error(video: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nobody was found"):
        prepare(options(tmp_path / "data", video), KnownPose(nobody=True))


def test_too_few_frames_are_an_error(tmp_path: Path) -> None:
    short = write_video(tmp_path / "short.avi", 20)
    with pytest.raises(SourceError, match="only 18 training frames"):
        prepare(options(tmp_path / "data", short), KnownPose())


def bad_files(folder: Path) -> dict[str, Path]:
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "noise.mp4").write_bytes(bytes(range(256)) * 40)
    return {
        "missing": folder / "missing.mp4",
        "empty": folder / "empty.mp4",
        "noise": folder / "noise.mp4",
        "folder": folder,
    }


@pytest.mark.parametrize("kind", ["missing", "empty", "noise", "folder"])
def test_a_bad_file_is_one_sentence_and_exit_code_2(
    kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = bad_files(tmp_path)[kind]
    assert main([str(path), "--out", str(tmp_path / "data")]) == EXIT_BAD_INPUT
    said = capfd.readouterr().err.strip().splitlines()[-1]
    assert str(path) in said and "Traceback" not in said
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--size", "250"], "multiple of 32"),
        (["--stage", "32"], "--stage is 32"),
        (["--stage", "5000"], "--stage is 5000"),
        (["--pose", "x"], "x"),
    ],
)
def test_a_bad_option_is_one_sentence_and_exit_code_2(
    video: Path, tmp_path: Path, arguments: list[str], word: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert main([str(video), "--out", str(tmp_path / "d"), *arguments]) == EXIT_BAD_INPUT
    assert word in capsys.readouterr().err


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (lambda folder: (folder / "dataset.json").unlink(), "missing"),
        (lambda folder: (folder / "dataset.json").write_text("{"), "damaged"),
        (lambda folder: (folder / "plate.png").write_bytes(b"x"), "plate.png"),
        (lambda folder: _format(folder / "dataset.json", 99), "format 99, .* knows 2"),
        (
            lambda folder: _format(folder / "dataset.json", 1),
            "format 1, .* prepare the footage again",
        ),
        (lambda folder: _cut(folder / "shards" / "00000.bin"), "cut off"),
    ],
)
def test_a_damaged_dataset_is_named(
    video: Path, tmp_path: Path, damage: Callable[[Path], object], word: str
) -> None:
    prepare(options(tmp_path / "data", video), KnownPose())
    damage(tmp_path / "data")
    with pytest.raises(SetupError, match=word):
        Dataset(tmp_path / "data")


def _format(path: Path, number: int) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": number}))


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])
