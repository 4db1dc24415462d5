"""The teacher at work: feedback, faces, thousands of pictures, and pictures for the student."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from live.errors import SetupError
from live.frames import Frame, Pose
from tests.training.conftest import tiny_options
from tests.training.teacher.small import ALONE, small_options
from tests.training.tiny_footage import KnownPose, write_video
from training.dataset import Dataset
from training.prepare import PrepareOptions, prepare
from training.student import Training
from training.teacher import drift
from training.teacher.painter import Painter, painted
from training.teacher.pictures import runs_of, teacher_pictures
from training.teacher.run import load_painters
from training.teacher.session import Session

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def teacher(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short training of generator and face net."""
    run = tmp_path_factory.mktemp("teacher") / "run"
    small = {"sizes": ((32, 40),)}
    Session(small_options(tiny_data, run, 60, pixel=10.0, **small), "global", ALONE).run()
    Session(small_options(tiny_data, run, 3, **small), "face", ALONE).run()
    return run


def test_each_picture_feeds_the_next_and_the_face_does_not(
    teacher: Path, tiny_dataset: Dataset
) -> None:
    painters = load_painters(teacher)
    assert painters.steps == {"global": 60, "face": 3} and painters.face_side == 8
    painter, plain = (Painter(painters, tiny_dataset.plate, face=face) for face in (True, False))
    pose = tiny_dataset.points[5], tiny_dataset.scores[5]
    first, second = painter.paint(*pose), painter.paint(*pose)
    assert first.shape == (128, 160, 3) and (first != second).any()
    painter.reset()
    assert (painter.paint(*pose) == first).all()
    assert torch.equal(painter._before, plain_state(plain, pose))
    assert (plain.paint(*pose) != first).any()


def plain_state(painter: Painter, pose: tuple[np.ndarray, np.ndarray]) -> torch.Tensor:
    painter.paint(*pose)
    state = painter._before
    painter.reset()
    return state


@pytest.mark.parametrize("face", [True, False])
def test_without_a_person_the_stage_is_empty(
    teacher: Path, tiny_dataset: Dataset, face: bool
) -> None:
    painter = Painter(load_painters(teacher), tiny_dataset.plate, face=face)
    nobody = np.zeros_like(tiny_dataset.scores[0])
    found = painter.paint(tiny_dataset.points[0], nobody)
    np.testing.assert_array_equal(found, tiny_dataset.plate)
    found[:] = 0  # it is the caller's own
    assert (painter.paint(tiny_dataset.points[0], nobody) == tiny_dataset.plate).all()
    painted = painter.paint(tiny_dataset.points[0], tiny_dataset.scores[0])
    assert (painted != tiny_dataset.plate).any()


def test_two_thousand_pictures_do_not_drift(teacher: Path, tiny_dataset: Dataset) -> None:
    found = drift.measure(teacher, tiny_dataset.folder, 2000)
    assert found.finite and found.largest <= 1
    assert 1900 <= found.frames <= 2000
    assert found.mean_gap < 4 and found.deviation_gap < 4 and found.picture_gap < 8


@pytest.mark.slow
def test_two_thousand_pictures_of_a_student_do_not_drift(
    tiny_run: Path, tiny_dataset: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    assert drift.main([str(tiny_run), "--data", str(tiny_dataset.folder), "--frames", "2000"]) == 0
    found = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert found["finite"] and 1900 <= found["frames"] <= 2000
    assert found["mean_gap"] < 1 and found["deviation_gap"] < 1 and found["picture_gap"] < 1


def test_what_drifts_is_caught() -> None:
    """Against a painter that grows brighter with every picture."""
    count = 0

    def brighter(_: int) -> torch.Tensor:
        nonlocal count
        count += 1
        return torch.full((1, 3, 4, 4), count / 1000)

    found = drift.drift(brighter, list(range(10)), 400)
    assert found.mean_gap > 20 and found.picture_gap > 20
    with pytest.raises(SetupError, match="too few"):
        drift.drift(brighter, list(range(10)), 50)


def test_the_student_learns_from_the_teachers_pictures_too(
    teacher: Path, tiny_data: Path, tmp_path: Path, tiny_dataset: Dataset
) -> None:
    options = replace(tiny_options(tiny_data, tmp_path / "student", 12), teacher=teacher)
    Training(options).run()
    logged = [
        json.loads(line) for line in (tmp_path / "student/log.jsonl").read_text().splitlines()
    ]
    assert {"taught", "taught_perceptual"} <= set(logged[0])
    pictures = teacher_pictures(teacher, tiny_dataset, CPU, progress=False)
    painter = Painter(load_painters(teacher), tiny_dataset.plate)
    clip = tiny_dataset.clips == tiny_dataset.clips[0]
    wanted = list(painted(painter, tiny_dataset.points[clip][:4], tiny_dataset.scores[clip][:4]))
    assert np.abs(pictures.frame(3).astype(int) - wanted[3]).mean() < 2
    assert len(list((teacher / "pictures").glob("*.jpg"))) == tiny_dataset.train_count
    # The run remembers its teacher.
    with pytest.raises(SetupError, match="other data or options"):
        Training(replace(options, teacher=None))


class LooksAway(KnownPose):
    """Sees nobody in pictures 30 to 39."""

    def estimate(self, frame: Frame) -> Pose | None:
        found = super().estimate(frame)
        return None if 30 <= frame.sequence < 40 else found


def test_where_nobody_is_seen_the_teacher_paints_nothing_and_begins_anew(tmp_path: Path) -> None:
    video = write_video(tmp_path / "film.avi", 100)
    folder = tmp_path / "data"
    prepare(PrepareOptions((video,), folder, size=96, stage=128, progress=False), LooksAway())
    data = Dataset(folder)
    assert not data.seen[30:40].any()
    one, other = runs_of(data)
    assert (one[0], one[-1], other[-1]) == (0, 29, data.train_count - 1)
    back = other[0]  # in some frames light and camera cannot be told from the unknown figure
    assert 40 <= back < 50
    run = tmp_path / "run"
    options = small_options(folder, run, 3, sizes=((32, 40),))
    Session(options, "global", ALONE).run()
    pictures = teacher_pictures(run, data, CPU, progress=False)
    with pytest.raises(SetupError, match=r"000035.jpg is missing"):
        pictures.frame(35)
    painter = Painter(load_painters(run), data.plate)
    fresh = painter.paint(data.points[back], data.scores[back])
    assert np.abs(pictures.frame(back).astype(int) - fresh).mean() < 2
    # The same at work: whoever comes back is painted as in the first picture.
    numbers = [28, 29, 35, 36, back]
    *_, after = painted(painter, data.points[numbers], data.scores[numbers])
    assert (after == fresh).all()


def test_pictures_of_an_earlier_checkpoint_are_painted_anew(
    teacher: Path, tiny_dataset: Dataset
) -> None:
    teacher_pictures(teacher, tiny_dataset, CPU, progress=False)
    stamp = teacher / "pictures" / "pictures.json"
    first = teacher / "pictures" / "000000.jpg"
    content, painted_at = stamp.read_text(), first.stat().st_mtime_ns
    teacher_pictures(teacher, tiny_dataset, CPU, progress=False)
    assert first.stat().st_mtime_ns == painted_at
    stamp.write_text("{}")
    teacher_pictures(teacher, tiny_dataset, CPU, progress=False)
    assert stamp.read_text() == content and first.stat().st_mtime_ns > painted_at
