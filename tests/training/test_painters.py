from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from live.errors import SetupError
from tests.training.teacher.small import ALONE, small_options
from training.dataset import Dataset
from training.evaluate import main
from training.painters import named_apart, open_painters
from training.teacher.session import Session


@pytest.fixture(scope="module")
def teacher_run(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few steps of generator and face net."""
    run = tmp_path_factory.mktemp("teacher") / "run"
    Session(small_options(tiny_data, run, 4), "global", ALONE).run()
    Session(small_options(tiny_data, run, 2), "face", ALONE).run()
    return run


def test_a_teachers_run_is_a_row_with_its_face_net_and_one_without(
    teacher_run: Path, tiny_dataset: Dataset
) -> None:
    painters = open_painters(teacher_run)
    names = [painter.name for painter in painters]
    assert names == ["FBF + temporal smoothing + face", "FBF + temporal smoothing"]
    data = tiny_dataset
    poses = data.points[100:103], data.scores[100:103]
    for painter in painters:
        pictures = list(painter.paint(poses, data.times_s[100:103], data))
        assert len(pictures) == 3 and pictures[0].shape == (*data.stage, 3)
        assert painter.facts["steps"] == 4


def test_where_nobody_is_seen_every_row_of_the_table_shows_the_plate(
    teacher_run: Path, tiny_dataset: Dataset
) -> None:
    data = tiny_dataset
    scores = data.scores[100:103].copy()
    scores[1] = 0
    for painter in open_painters(teacher_run):
        one, none, other = painter.paint((data.points[100:103], scores), np.zeros(3), data)
        np.testing.assert_array_equal(none, data.plate)
        assert all((picture != data.plate).any() for picture in (one, other))


def test_frame_by_frame_is_called_fbf(tiny_data: Path, tmp_path: Path) -> None:
    options = small_options(tiny_data, tmp_path, 1, temporal=False, unroll=1)
    Session(options, "global", ALONE).run()
    assert [painter.name for painter in open_painters(tmp_path)] == ["FBF"]


def test_student_and_teacher_stand_in_one_table(
    tiny_run: Path, teacher_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--frames", "3", "--height", "96", "--no-pose", "--out", str(tmp_path)]
    assert main([str(tiny_run), str(teacher_run), *arguments]) == 0
    sheet = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    names = {row["name"] for row in sheet["rows"]}
    assert {"student", "FBF + temporal smoothing", "FBF + temporal smoothing + face"} < names
    assert set(sheet["facts"]["other_runs"]) == names - {
        "student", "student, smoothed as live", "nearest neighbour", "previous frame", "plate",
    }  # fmt: skip


def test_a_student_that_never_met_its_own_picture_meets_none(
    tiny_run: Path, tiny_dataset: Dataset, tmp_path: Path
) -> None:
    data = tiny_dataset
    shutil.copytree(tiny_run, tmp_path / "run")
    path = tmp_path / "run" / "run.json"
    record = json.loads(path.read_text())
    record["settings"]["batches"]["length"] = 1
    path.write_text(json.dumps(record))
    # Twice the same pose in a window that stands still: without a state, twice the same picture.
    poses = np.repeat(data.points[50:51], 2, 0), np.repeat(data.scores[50:51], 2, 0)
    times_s = np.array([1.0, 1.0])
    (painter,) = open_painters(tmp_path / "run")
    first, second = painter.paint(poses, times_s, data)
    assert (first == second).all()
    (fed,) = open_painters(tiny_run)
    first, second = fed.paint(poses, times_s, data)
    assert (first != second).any()


def test_names_tell_runs_apart(tiny_run: Path) -> None:
    (one,) = open_painters(tiny_run)
    assert list(named_apart([one])) == ["student"]
    assert list(named_apart([one, one])) == ["student (run)", "student (run) 2"]


def test_a_folder_that_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"run\.json is missing; train there with"):
        open_painters(tmp_path)
