from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from live.errors import EXIT_BAD_INPUT, SourceError
from live.skeleton import BODY_25, INDEX
from tests.training.tiny_footage import KnownPose, picture_at, pose_at, write_video
from training.dataset import Dataset
from training.footage import open_clip, read_clip
from training.prepare import PrepareOptions, main, prepare


def write_frames(folder: Path, count: int, ending: str = "png") -> Path:
    """Numbered without zeros in front, so that the order of letters would be wrong."""
    folder.mkdir()
    for number in range(count):
        picture = np.ascontiguousarray(picture_at(number)[:, :, ::-1])
        assert cv2.imwrite(str(folder / f"f{number}.{ending}"), picture)
    return folder


def test_a_folder_is_read_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    clip = open_clip(write_frames(tmp_path / "frames", 12), fps=25)
    frames = list(read_clip(clip))
    assert [frame.sequence for frame in frames] == list(range(12))
    np.testing.assert_allclose([f.captured_s for f in frames], np.arange(12) / 25)
    for frame in frames:
        np.testing.assert_array_equal(frame.image[:, :, ::-1], picture_at(frame.sequence))


def test_a_folder_makes_the_dataset_that_its_video_makes(tmp_path: Path) -> None:
    frames = write_frames(tmp_path / "frames", 80, "jpg")
    options = PrepareOptions((frames,), tmp_path / "d", 96, 128, progress=False, fps=30)
    prepare(options, KnownPose())
    data = Dataset(tmp_path / "d")
    assert len(data) == 80 and data.facts["videos"][0]["fps"] == 30
    np.testing.assert_allclose(data.points[50][:15], pose_at(50).points[:15], atol=1e-3)


def test_a_damaged_picture_is_a_hole_and_another_size_an_error(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "frames", 6)
    (folder / "f3.png").write_bytes(b"no picture")
    clip = open_clip(folder)
    assert [frame.sequence for frame in read_clip(clip)] == [0, 1, 2, 4, 5]
    assert cv2.imwrite(str(folder / "f3.png"), np.zeros((20, 30, 3), np.uint8))
    with pytest.raises(SourceError, match=r"f3\.png is 30x20 and .* first picture 160x128"):
        list(read_clip(clip))


def test_skipping_and_stepping_give_the_same_frames(tmp_path: Path) -> None:
    clip = open_clip(write_video(tmp_path / "film.avi", 40))
    whole = list(read_clip(clip))
    some = list(read_clip(clip, skip=7, step=5))
    assert [f.sequence for f in some] == [7, 12, 17, 22, 27, 32, 37]
    for frame in some:
        np.testing.assert_array_equal(frame.image, whole[frame.sequence].image)
        assert frame.captured_s == whole[frame.sequence].captured_s


def write_openpose(folder: Path, count: int, people: int = 1) -> None:
    """As OpenPose's --write_json does."""
    folder.mkdir()
    joints = [INDEX[name] for name in BODY_25]
    for number in range(count):
        pose = pose_at(number)
        triples = np.column_stack([pose.points[joints], pose.scores[joints]])
        others = [triples + np.array([45 * n, 0, 0]) for n in range(people)]
        content = {"people": [{"pose_keypoints_2d": o.ravel().tolist()} for o in others]}
        (folder / f"film_{number:012d}_keypoints.json").write_text(json.dumps(content))


@pytest.mark.parametrize("name", ["film.json", "film_keypoints"])
def test_poses_are_read_from_beside_the_video(tmp_path: Path, name: str) -> None:
    video = write_video(tmp_path / "film.avi", 90)
    write_openpose(tmp_path / name, 90)
    options = PrepareOptions((video,), tmp_path / "d", 96, 128, pose="openpose", progress=False)
    prepare(options)
    data = Dataset(tmp_path / "d")
    assert data.seen.all() and not data.flags.bits.any()
    np.testing.assert_allclose(data.points[40][:15], pose_at(40).points[:15], atol=1e-3)


def test_openpose_tells_of_a_second_person(tmp_path: Path) -> None:
    video = write_video(tmp_path / "film.avi", 90)
    write_openpose(tmp_path / "film.json", 90, people=2)
    options = PrepareOptions((video,), tmp_path / "d", 96, 128, pose="openpose", progress=False)
    with pytest.raises(SourceError, match="a second person"):
        prepare(options)


def test_openpose_without_its_folder_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = write_video(tmp_path / "film.avi", 10)
    arguments = [str(video), "--out", str(tmp_path / "d"), "--pose", "openpose"]
    assert main(arguments) == EXIT_BAD_INPUT
    said = capsys.readouterr().err.strip().splitlines()
    assert "film.json or film_keypoints" in said[-1] and not (tmp_path / "d").exists()
