"""The student's face net, from its first step to the table that it is measured in."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

import training.face as face_module
from live.errors import EXIT_BAD_INPUT, SetupError
from live.head import head_square, square_side
from live.skeleton import LabelStyle
from live.window import into_window
from tests.training.teacher.small import ALONE, small_options
from training.batches import Batches
from training.checkpoint import load_checkpoint, save_checkpoint
from training.dataset import Dataset
from training.evaluate import main as evaluate_main
from training.face import FaceOptions, FaceTraining, main
from training.face_net import FaceShape
from training.face_run import load_face
from training.face_trainer import FaceSettings, FaceTrainer
from training.painters import StudentPainter, open_painters
from training.run import load_trained
from training.schedule import Budget
from training.teacher.heads import cut_out
from training.teacher.session import Session

SIDE = 32  # of the tiny footage's heads


@pytest.fixture(scope="module")
def student(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Copies of a student's run, without a face."""

    def copied() -> Path:
        run = tmp_path_factory.mktemp("student") / "run"
        shutil.copytree(tiny_run, run, ignore=shutil.ignore_patterns("face", "sheet*", "report*"))
        return run

    return copied


def tiny_face(run: Path, steps: int) -> FaceOptions:
    return FaceOptions(
        run=run,
        budget=Budget(steps=steps),
        seed=3,
        device="cpu",
        threads=1,
        save_every_s=1e9,
        sample_every_s=1e9,
        progress=False,
        rows=4,
    )


@pytest.fixture(scope="module")
def face_run(student: Callable[[], Path]) -> Path:
    """A student's run with a face of 40 steps."""
    run = student()
    FaceTraining(tiny_face(run, 40)).run()
    return run


def weights(run: Path) -> dict[str, Any]:
    content = load_checkpoint(run / "face")
    assert content is not None
    return content


def test_crops_hold_heads_and_say_where(tiny_dataset: Dataset) -> None:
    """What is cut out where `heads` says is what the stage would cut out of the whole window."""
    data = tiny_dataset
    options = tiny_face(Path("run"), 1)
    settings = replace(options.batches(SIDE), zoom=0.0, stride=1)
    batches = Batches(data, LabelStyle(), settings, 0, head_side=SIDE)
    found = 0
    for step in range(6):
        batch = batches.make(step)
        assert batch.heads is not None and batch.heads.shape == (4, 2)
        assert batch.label.shape[2:] == (64, 64)
        for label, heads in zip(batch.label, batch.heads, strict=True):
            if heads[0] < 0:
                continue
            square = cut_out(label[None], heads[None], SIDE)
            found += bool((square > 0).any())
    assert found > 12


def test_other_crops_say_nothing_of_heads(tiny_dataset: Dataset) -> None:
    assert (
        Batches(tiny_dataset, LabelStyle(), tiny_face(Path(), 1).batches(SIDE), 0).make(0).heads
        is None
    )


def test_four_frames_are_learned_by_heart(tiny_run: Path, tiny_dataset: Dataset) -> None:
    torch.manual_seed(0)
    student = load_trained(tiny_run).net
    settings = FaceSettings(rate=2e-3, adversarial_from=1.0)
    trainer = FaceTrainer(student, FaceShape(SIDE), settings, torch.device("cpu"))
    still = replace(tiny_face(Path(), 1), length=1).batches(SIDE)
    batch = Batches(tiny_dataset, LabelStyle(), still, 0, head_side=SIDE).make(0)
    losses = [trainer.train(batch, 0.0)["pixel"] for _ in range(120)]
    assert losses[-1] < 0.5 * losses[0]


def test_the_student_stands_still_and_every_weight_of_the_face_learns(
    tiny_run: Path, tiny_dataset: Dataset
) -> None:
    torch.manual_seed(0)
    student = load_trained(tiny_run).net
    trainer = FaceTrainer(student, FaceShape(SIDE), FaceSettings(), torch.device("cpu"))
    before = {k: v.clone() for k, v in trainer.student.state_dict().items()}
    begun = {k: v.clone() for k, v in trainer.net.state_dict().items()}
    settings = tiny_face(Path(), 1).batches(SIDE)
    batches = Batches(tiny_dataset, LabelStyle(), settings, 0, head_side=SIDE)
    for step in range(3):
        losses = trainer.train(batches.make(step), 0.9)
    assert {"pixel", "perceptual", "motion", "adversarial", "features", "critic"} <= losses.keys()
    assert all(torch.equal(before[k], v) for k, v in trainer.student.state_dict().items())
    still = [k for k, v in trainer.net.state_dict().items() if torch.equal(begun[k], v)]
    assert not still


def test_the_state_is_the_students_own(tiny_run: Path, tiny_dataset: Dataset) -> None:
    """However large the corrections are, the student is fed its own pictures."""
    torch.manual_seed(0)
    student = load_trained(tiny_run).net
    trainer = FaceTrainer(student, FaceShape(SIDE), FaceSettings(), torch.device("cpu"))
    with torch.no_grad():
        torch.nn.init.ones_(trainer.net.head.get_parameter("bias"))
    settings = tiny_face(Path(), 1).batches(SIDE)
    batches = Batches(tiny_dataset, LabelStyle(), settings, 0, head_side=SIDE)
    state = torch.zeros(4, 4, 64, 64)
    for step in range(3):
        batch = batches.make(step)
        trainer.train(batch, 0.0)
        with torch.no_grad():
            state = student(batch.label, state * (1 - batch.begins) * float(step > 0))
    assert trainer.content()["state"].sub(state).abs().max() < 1e-5
    assert not torch.equal(trainer.content()["state"], trainer.content()["corrected"])


def test_a_batch_without_any_head_teaches_nothing(tiny_run: Path, tiny_dataset: Dataset) -> None:
    student = load_trained(tiny_run).net
    trainer = FaceTrainer(student, FaceShape(SIDE), FaceSettings(), torch.device("cpu"))
    settings = tiny_face(Path(), 1).batches(SIDE)
    batch = Batches(tiny_dataset, LabelStyle(), settings, 0, head_side=SIDE).make(0)
    assert trainer.train(replace(batch, heads=torch.full((4, 2), -1)), 0.0) == {}
    assert trainer.step == 1 and trainer.samples == 0


def test_a_face_leaves_what_it_promises(face_run: Path) -> None:
    folder = face_run / "face"
    entries = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert 0 <= entries[0]["waited_share"] <= 1
    last = entries[-1]
    assert last["step"] == 40 and last["face_psnr_db"] > last["without_psnr_db"]
    assert last["face_perceptual"] < last["without_perceptual"]
    (grid,) = (cv2.imread(str(path)) for path in (folder / "samples").glob("*.png"))
    assert grid is not None and grid.shape == (6 * 3 * SIDE, 4 * 3 * SIDE, 3)
    face = load_face(face_run, load_trained(face_run))
    assert face is not None and face.facts["steps"] == 40


def test_a_resumed_face_equals_one_that_never_stopped(
    face_run: Path, student: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With more threads that make batches than the other had, too, as on a GPU."""
    monkeypatch.setattr(face_module, "loader_threads", lambda device: 3)
    run = student()
    for stop in (7, 25, None):
        training = FaceTraining(tiny_face(run, 40))
        if stop is None:
            training.run()
        else:
            _run_until(training, stop)
    a, b = weights(face_run), weights(run)
    assert a["step"] == b["step"] == 40
    for part in ("net", "average", "critic"):
        assert a[part].keys() == b[part].keys()
        assert all(torch.equal(a[part][key], b[part][key]) for key in a[part])
    assert torch.equal(a["state"], b["state"]) and torch.equal(a["corrected"], b["corrected"])


def _run_until(training: FaceTraining, step: int) -> None:
    train = training.trainer.train

    def interrupted(*arguments: Any) -> dict[str, float]:
        if training.trainer.step == step:
            raise KeyboardInterrupt
        return train(*arguments)

    training.trainer.train = interrupted  # type: ignore[method-assign,assignment]
    with pytest.raises(KeyboardInterrupt):
        training.run()


def test_the_table_has_a_row_with_the_face_and_one_without(
    face_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [painter.name for painter in open_painters(face_run)] == ["student + face", "student"]
    arguments = ["--frames", "3", "--height", "96", "--no-pose", "--out", str(tmp_path)]
    assert evaluate_main([str(face_run), *arguments]) == 0
    sheet = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    names = {row["name"] for row in sheet["rows"] if row["region"] == "face"}
    assert {"student + face", "student", "student + face, smoothed as live"} < names
    assert sheet["facts"]["face"]["steps"] == 40


def test_a_face_changes_the_heads_square_alone(face_run: Path, tiny_dataset: Dataset) -> None:
    data = tiny_dataset
    poses, times_s = (data.points[100:103], data.scores[100:103]), data.times_s[100:103]
    with_face, without = (
        list(painter.paint(poses, times_s, data)) for painter in open_painters(face_run)
    )
    window = data.new_window()
    assert any((one != other).any() for one, other in zip(with_face, without, strict=True))
    for number, (one, other) in enumerate(zip(with_face, without, strict=True)):
        pose = _pose(data, 100 + number)
        region = window.follow(pose, float(times_s[number]))
        corner = head_square(
            into_window(pose.points, region, data.size), pose.scores, data.size, SIDE
        )
        assert corner is not None
        scale = region.height / data.size[0]
        top, left = region.y + corner[0] * scale, region.x + corner[1] * scale
        changed = np.argwhere((one != other).any(2))
        assert (changed >= np.floor([top, left]) - 2).all()
        assert (changed <= np.ceil([top, left]) + SIDE * scale + 2).all()


def _pose(data: Dataset, number: int) -> Any:
    from live.frames import Pose

    return Pose(data.points[number], data.scores[number], data.times_s[number], data.stage)


def test_a_face_of_another_student_is_refused(
    face_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    shutil.copytree(face_run, run)
    content = load_checkpoint(run)
    assert content is not None
    content["average"]["stem.bias"] += 1e-3
    save_checkpoint(run, content)
    with pytest.raises(SetupError, match="trained for another student"):
        open_painters(run)
    assert main([str(run), "--steps", "1"]) == EXIT_BAD_INPUT
    assert "delete" in capsys.readouterr().err


def test_other_options_in_the_same_folder_are_refused(face_run: Path) -> None:
    with pytest.raises(SetupError, match="other options"):
        FaceTraining(replace(tiny_face(face_run, 40), seed=4))


def test_a_face_without_a_checkpoint_is_named(face_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(face_run, run)
    (run / "face" / "checkpoint.safetensors").unlink()
    with pytest.raises(SetupError, match="no checkpoint yet"):
        open_painters(run)
    (run / "face" / "face.json").write_text("{}")
    with pytest.raises(SetupError, match="cannot be used"):
        open_painters(run)


def test_an_unfinished_student_gets_no_face(student: Callable[[], Path]) -> None:
    run = student()
    content = load_checkpoint(run)
    assert content is not None and content["progress"] == 1
    save_checkpoint(run, {**content, "progress": 0.5})
    with pytest.raises(SetupError, match="trained to 50%"):
        FaceTraining(tiny_face(run, 1))


def test_what_is_no_students_run_is_named(
    tiny_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path), "--steps", "1"]) == EXIT_BAD_INPUT
    assert "run.json is missing" in capsys.readouterr().err
    Session(small_options(tiny_data, tmp_path, 1), "global", ALONE).run()
    assert main([str(tmp_path), "--steps", "1"]) == EXIT_BAD_INPUT
    assert "run.json is missing" in capsys.readouterr().err


def test_a_dataset_that_was_prepared_anew_is_refused(
    student: Callable[[], Path], tiny_data: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(tiny_data, data)
    (data / "dataset.json").write_text((data / "dataset.json").read_text() + " ")
    with pytest.raises(SetupError, match="not the dataset"):
        FaceTraining(replace(tiny_face(student(), 1), data=data))


def test_the_side_is_the_live_rule(tiny_dataset: Dataset, face_run: Path) -> None:
    face = load_face(face_run, load_trained(face_run))
    assert face is not None and face.net.shape.side == square_side(tiny_dataset.size[0]) == SIDE
    assert square_side(288) == 64
    painter = open_painters(face_run)[0]
    assert isinstance(painter, StudentPainter) and painter.face is not None
