"""Footage with something wrong: what is left out, what is refused, what is said."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from live.errors import EXIT_BAD_INPUT, SetupError, SourceError
from live.frames import Image
from tests.training.conftest import tiny_options
from tests.training.tiny_footage import KnownPose, picture_at, write_video
from tests.training.troubled_footage import (
    KnownCrowd,
    elsewhere,
    lit,
    shifted,
    soft,
    write_film,
    write_h264,
)
from training.dataset import Dataset
from training.flags import Flag
from training.prepare import PrepareOptions, check, main, prepare
from training.student import Training


def options(out: Path, *videos: Path, anyway: bool = False) -> PrepareOptions:
    return PrepareOptions(videos, out, size=96, stage=128, progress=False, anyway=anyway)


def film(folder: Path, pictures: Iterable[Image]) -> Path:
    return write_film(folder / "film.avi", pictures)


def prepared(folder: Path, pictures: Iterable[Image], crowd: KnownCrowd | None = None) -> Dataset:
    video = film(folder, pictures)
    prepare(options(folder / "data", video), KnownPose(), crowd)
    return Dataset(folder / "data")


def test_good_footage_has_no_flags(tiny_dataset: Dataset) -> None:
    assert not tiny_dataset.flags.bits.any() and not tiny_dataset.flags.excluded.any()
    assert tiny_dataset.facts["left_out"] == 0 and tiny_dataset.facts["troubles"] == []


def test_a_bumped_camera_is_left_out_and_the_plate_stays_sharp(tmp_path: Path) -> None:
    data = prepared(tmp_path, (shifted(picture_at(n), 6 * (100 <= n < 130), 3) for n in range(200)))
    moved = data.flags.has(Flag.CAMERA)
    assert moved[104:128].all() and not moved[:98].any() and not moved[136:].any()
    assert not np.isin(np.flatnonzero(moved), data.train).any()
    gap = np.abs(data.plate.astype(int) - shifted(np.asarray(picture_at(0)), 0, 3))
    assert np.median(gap) <= 4


def test_a_camera_that_moves_throughout_is_refused(tmp_path: Path) -> None:
    video = film(tmp_path, (shifted(picture_at(n), 2 * n) for n in range(150)))
    with pytest.raises(SourceError, match=r"the camera moves in .*tripod.*--anyway"):
        prepare(options(tmp_path / "data", video), KnownPose())
    again = KnownPose()
    facts = prepare(options(tmp_path / "data", video, anyway=True), again)
    assert again.asked == 0, "the shards were there"
    assert "camera moves" in facts["troubles"][0] and facts["train_frames"] > 60


def test_another_room_is_left_out_and_no_stream_crosses_the_cut(tmp_path: Path) -> None:
    data = prepared(
        tmp_path, (elsewhere(n) if 120 <= n < 170 else picture_at(n) for n in range(240))
    )
    assert list(np.flatnonzero(data.flags.has(Flag.CUT))) == [120, 170]
    away = data.flags.has(Flag.SETTING) | data.flags.has(Flag.CAMERA)
    assert away[124:168].all() and data.flags.excluded[124:168].all() and not away[:118].any()
    assert data.clips[119] != data.clips[120] and data.clips[169] != data.clips[170]


def test_a_change_of_light_is_left_out(tmp_path: Path) -> None:
    data = prepared(tmp_path, (lit(n, 0.6 if 100 <= n < 130 else 1.0) for n in range(200)))
    dark = data.flags.has(Flag.LIGHT)
    assert dark[104:128].all() and not dark[:98].any() and not dark[136:].any()
    report = json.loads((tmp_path / "data" / "report.json").read_text())
    assert report["figures"]["light_drift"] > 0.3
    assert any("exposure" in advice["do"] for advice in report["advice"])


def test_blur_is_left_out(tmp_path: Path) -> None:
    data = prepared(tmp_path, (soft(n) if 50 <= n < 70 else picture_at(n) for n in range(150)))
    blurred = data.flags.has(Flag.BLUR)
    assert blurred[50:70].all() and not blurred[:50].any() and not blurred[70:].any()
    assert data.facts["left_out"] >= 20 and data.facts["flagged"]["person blurred"] == 20
    assert 60 not in data.train and 60 not in data.held_out


def test_a_second_person_for_a_while_is_left_out(tmp_path: Path) -> None:
    data = prepared(tmp_path, map(picture_at, range(200)), KnownCrowd(lambda n: 60 <= n < 100))
    crowded = data.flags.has(Flag.PEOPLE)
    assert crowded[66:94].all() and not crowded[:54].any() and not crowded[106:].any()
    assert not np.isin(np.arange(66, 94), data.train).any()


def test_one_look_that_errs_is_not_believed(tmp_path: Path) -> None:
    data = prepared(tmp_path, map(picture_at, range(120)), KnownCrowd(lambda n: n == 60))
    assert not data.flags.has(Flag.PEOPLE).any()


def test_two_people_throughout_are_refused(tmp_path: Path) -> None:
    video = film(tmp_path, map(picture_at, range(90)))
    with pytest.raises(SourceError, match=r"second person .* 100% .*alone.*--anyway"):
        prepare(options(tmp_path / "data", video), KnownPose(), KnownCrowd(lambda _: True))
    assert json.loads((tmp_path / "data" / "report.json").read_text())["verdict"] == "not enough"


def test_a_film_that_is_corrupt_in_the_middle_is_used_before_and_after(tmp_path: Path) -> None:
    video = write_h264(tmp_path / "film.mp4", 150)
    content = bytearray(video.read_bytes())
    content[len(content) * 4 // 10 : len(content) * 6 // 10] = bytes(len(content) // 5)
    video.write_bytes(content)
    prepare(options(tmp_path / "data", video), KnownPose())
    data = Dataset(tmp_path / "data")
    (hole,) = data.facts["holes"]
    assert 1 < hole["begins_s"] < 2.5 and 1 < hole["seconds"] < 2.5
    assert 80 < len(data) < 110 and data.times_s[-1] == pytest.approx(149 / 30, abs=1e-3)
    late = len(data) - 3  # its picture and its pose are of one moment still
    truth = picture_at(147)
    assert np.abs(data.frame(late).astype(int) - truth).mean() < 6
    report = json.loads((tmp_path / "data" / "report.json").read_text())
    assert any("film.mp4 could not be read from" in note for note in report["notes"])


def test_a_film_that_is_cut_off_says_so(tmp_path: Path) -> None:
    video = write_video(tmp_path / "film.avi", 150)
    content = bytearray(video.read_bytes())
    content[len(content) * 4 // 10 : len(content) * 6 // 10] = bytes(len(content) // 5)
    video.write_bytes(content)
    facts = prepare(options(tmp_path / "data", video), KnownPose())
    assert facts["frames"] < 140 and facts["holes"][0]["seconds"] > 0.5


def test_twenty_frames_are_refused_and_the_coach_says_what_to_film(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = write_video(tmp_path / "short.avi", 20)
    with pytest.raises(SourceError, match="only 18 training frames"):
        prepare(options(tmp_path / "data", video), KnownPose())
    report = check(options(tmp_path / "check", video), KnownPose())
    assert report.verdict == "not enough" and "0.7 s can be used" in report.headline
    assert "Film about" in report.advice[0].do
    assert sorted(path.name for path in (tmp_path / "check").iterdir()) == [
        "report.html",
        "report.json",
    ]


def test_a_check_reads_no_film_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hash would: of an hour's film, some seconds for nothing."""
    video = write_video(tmp_path / "film.avi", 60)

    def whole(path: Path) -> str:
        raise AssertionError(f"{path} was read whole")

    monkeypatch.setattr("training.footage.file_sha256", whole)
    assert check(options(tmp_path / "check", video), KnownPose()).clips
    with pytest.raises(AssertionError, match="read whole"):
        prepare(options(tmp_path / "data", video), KnownPose())


def test_another_resolution_is_framed_alike(tmp_path: Path) -> None:
    large = write_video(tmp_path / "large.avi", 70, (256, 320))
    small = write_video(tmp_path / "small.avi", 70)
    prepare(options(tmp_path / "data", large, small), KnownPose())
    data = Dataset(tmp_path / "data")
    assert data.stage == (128, 160)
    np.testing.assert_allclose(data.points[30], data.points[100], atol=0.6)


def test_a_wider_clip_loses_its_sides_and_none_gets_bars(tmp_path: Path) -> None:
    wide = write_video(tmp_path / "wide.avi", 70, (128, 200))
    narrow = write_video(tmp_path / "narrow.avi", 70, (128, 150))
    prepare(options(tmp_path / "data", wide, narrow), KnownPose())
    data = Dataset(tmp_path / "data")
    assert data.stage == (128, 150)
    assert np.abs(np.diff(data.frame(3)[:, :8].astype(int), axis=1)).mean() > 1, "no bars"


def test_a_clip_of_quite_another_shape_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wide = write_video(tmp_path / "wide.avi", 10, (90, 160))
    tall = write_video(tmp_path / "tall.avi", 10, (160, 90))
    assert main([str(wide), str(tall), "--out", str(tmp_path / "d")]) == EXIT_BAD_INPUT
    said = capsys.readouterr().err
    assert "wide.avi is 160x90" in said and "32% of its width" in said and "apart" in said
    assert not (tmp_path / "d").exists()


def test_a_full_disk_is_a_sentence_and_what_was_written_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.prepare.SHARD_FRAMES", 30)
    video = write_video(tmp_path / "film.avi", 100)
    shards = tmp_path / "data" / "shards"
    whole = KnownPose()
    prepare(options(tmp_path / "whole", video), whole)
    shards.mkdir(parents=True)
    (shards / "00002.bin.partial").symlink_to("/dev/full")  # a real device that is always full
    plan = (tmp_path / "whole" / "prepare.json").read_bytes()
    (tmp_path / "data" / "prepare.json").write_bytes(plan)
    with pytest.raises(SetupError, match=r"00002.bin cannot be written .No space left.*make room"):
        prepare(options(tmp_path / "data", video), KnownPose())
    again = KnownPose()
    prepare(options(tmp_path / "data", video), again)
    assert again.asked == 40
    files = [Dataset(tmp_path / name).facts["files"] for name in ("whole", "data")]
    assert files[0] == files[1]


def test_a_video_that_changed_under_a_preparation_is_refused(tmp_path: Path) -> None:
    video = write_video(tmp_path / "film.avi", 100)
    with pytest.raises(KeyboardInterrupt):
        prepare(options(tmp_path / "data", video), KnownPose(stop_after=50))
    write_video(video, 110)
    with pytest.raises(SetupError, match="holds another dataset"):
        prepare(options(tmp_path / "data", video), KnownPose())


def test_a_dataset_that_changed_under_a_training_is_refused(tmp_path: Path) -> None:
    video = write_video(tmp_path / "film.avi", 100)
    prepare(options(tmp_path / "data", video), KnownPose())
    Training(tiny_options(tmp_path / "data", tmp_path / "run", 2)).run()
    facts = json.loads((tmp_path / "data" / "dataset.json").read_text())
    (tmp_path / "data" / "dataset.json").write_text(json.dumps({**facts, "train_frames": 70}))
    with pytest.raises(SetupError, match="other data or options"):
        Training(tiny_options(tmp_path / "data", tmp_path / "run", 3))


@pytest.mark.parametrize("damage", ["cut", "swapped"])
def test_damaged_flags_are_named(tmp_path: Path, tiny_data: Path, damage: str) -> None:
    video = write_video(tmp_path / "film.avi", 100)
    prepare(options(tmp_path / "data", video), KnownPose())
    path = tmp_path / "data" / "flags.npz"
    path.write_bytes(
        path.read_bytes()[:-100] if damage == "cut" else (tiny_data / "flags.npz").read_bytes()
    )
    with pytest.raises(SetupError, match=r"flags.npz is .*run training.prepare again"):
        Dataset(tmp_path / "data")


def test_a_dataset_from_before_the_flags_is_read(tmp_path: Path) -> None:
    video = write_video(tmp_path / "film.avi", 100)
    prepare(options(tmp_path / "data", video), KnownPose())
    (tmp_path / "data" / "flags.npz").unlink()
    shard = tmp_path / "data" / "shards" / "00000.npz"
    with np.load(shard) as arrays:
        old = {name: arrays[name] for name in ("offsets", "points", "scores", "times_s", "clip")}
    np.savez(shard, **old)
    data = Dataset(tmp_path / "data")
    assert len(data.train) == data.train_count == 90 and not data.flags.bits.any()
