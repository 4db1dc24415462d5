"""The student's nets for face and hands, from the first step to the table that they are in."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import training.face as face_module
from live.errors import EXIT_BAD_INPUT, SetupError
from live.frames import Pose
from live.parts import FACE, HANDS, PARTS, Part
from live.skeleton import LabelStyle
from live.window import into_window
from tests.training.conftest import run_until, tiny_face, weights
from tests.training.teacher.small import ALONE, small_options
from training.augment import AugmentSettings
from training.batches import Batch, Batches
from training.checkpoint import save_checkpoint
from training.dataset import Dataset
from training.evaluate import main as evaluate_main
from training.face import FaceTraining, main, parse
from training.face_net import FaceShape
from training.face_run import load_part
from training.face_trainer import HANDS_WEIGHTS, FaceSettings, FaceTrainer
from training.painters import StudentPainter, open_painters
from training.places import frames_with, places, seen_places
from training.replay import correct
from training.run import load_trained
from training.teacher.heads import cut_out
from training.teacher.session import Session
from training.views import view

SIDE = 32  # of the tiny footage's heads, and of its hands


@pytest.fixture(scope="module")
def face_run(copied_student: Callable[[], Path]) -> Path:
    """A student's run with a face net of 40 steps."""
    run = copied_student()
    FaceTraining(tiny_face(run, 40)).run()
    return run


@pytest.fixture(scope="module")
def hands_run(face_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That, and a net for hands of 60 steps beside it."""
    run = tmp_path_factory.mktemp("hands") / "run"
    shutil.copytree(face_run, run)
    FaceTraining(replace(tiny_face(run, 60), part=HANDS)).run()
    return run


def batches_of(part: Part, data: Dataset, length: int = 6) -> Batches:
    """As a training has them."""
    options = replace(tiny_face(Path(), 1), part=part, length=length)
    return Batches(data, LabelStyle(), options.batches(SIDE), 0, part=part)


def plain_batches(part: Part, data: Dataset) -> Batches:
    """On the very windows of the dataset, without any fault."""
    settings = replace(tiny_face(Path(), 1), part=part).batches(SIDE)
    whole = AugmentSettings(jitter_chance=0, drop_limb_chance=0, drop_figure_chance=0)
    settings = replace(settings, zoom=0.0, augment=replace(whole, score_chance=0))
    return Batches(data, LabelStyle(), settings, 0, part=part)


def squares_of(part: Part, data: Dataset) -> dict[bytes, int]:
    """The truth in each square that the stage would cut out of a training frame: whose it is."""
    found = {}
    for number in data.train.tolist():
        region = data.regions[number]
        points = into_window(data.points[number], region, data.size)
        truth = view(data.frame(number), region, data.size)
        for which, place in enumerate(places(part)):
            corner = place.square(points, data.scores[number], data.size, SIDE)
            assert corner is not None
            square = truth[corner[0] : corner[0] + SIDE, corner[1] : corner[1] + SIDE]
            found[square.tobytes()] = which
    return found


def cut_of(batch: Batch, row: int) -> bytes:
    assert batch.corners is not None
    square = cut_out(batch.truth[row : row + 1], batch.corners[row : row + 1], SIDE)[0]
    return (square * 255).round().to(torch.uint8).permute(1, 2, 0).numpy().tobytes()


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_crops_hold_the_part_and_say_where(part: Part, tiny_dataset: Dataset) -> None:
    """What is cut out is what the stage would cut out; a stream follows one and the same hand."""
    known, batches = squares_of(part, tiny_dataset), plain_batches(part, tiny_dataset)
    last: dict[int, int] = {}
    found: list[int] = []
    for step in range(12):
        batch = batches.make(step)
        assert batch.corners is not None and batch.corners.shape == (4, 2)
        for row, begins in enumerate(batch.begins.flatten().tolist()):
            if begins:
                last.pop(row, None)
            if batch.corners[row, 0] < 0:
                continue
            which = known[cut_of(batch, row)]
            assert last.setdefault(row, which) == which
            found.append(which)
    assert len(found) > 24 and set(found) == set(range(len(places(part))))


def test_places_are_the_stages(tiny_dataset: Dataset) -> None:
    data = tiny_dataset
    rng = np.random.default_rng(0)
    for _ in range(200):
        points = data.points[50] + rng.normal(0, 30, data.points[50].shape).astype(np.float32)
        scores = rng.uniform(0, 1, len(points)).astype(np.float32)
        for part in PARTS:
            found = [place.square(points, scores, data.stage, SIDE) for place in places(part)]
            seen = tuple(corner for corner in found if corner is not None)
            assert seen == part.corners(points, scores, data.stage, SIDE)
    assert len(seen_places(HANDS, data, 50)) == 2
    assert frames_with(HANDS, data, data.train).tolist() == data.train.tolist()


def test_other_crops_say_nothing_of_heads(tiny_dataset: Dataset) -> None:
    settings = tiny_face(Path(), 1).batches(SIDE)
    assert Batches(tiny_dataset, LabelStyle(), settings, 0).make(0).corners is None


def test_four_frames_are_learned_by_heart(tiny_run: Path, tiny_dataset: Dataset) -> None:
    torch.manual_seed(0)
    student = load_trained(tiny_run).net
    settings = FaceSettings(rate=2e-3, adversarial_from=1.0)
    trainer = FaceTrainer(student, FaceShape(SIDE), settings, torch.device("cpu"))
    batch = batches_of(FACE, tiny_dataset, length=1).make(0)
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
    batches = batches_of(FACE, tiny_dataset)
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
    batches = batches_of(FACE, tiny_dataset)
    state = torch.zeros(4, 4, 64, 64)
    for step in range(3):
        batch = batches.make(step)
        trainer.train(batch, 0.0)
        with torch.no_grad():
            state = student(batch.label, state * (1 - batch.begins) * float(step > 0))
    assert trainer.content()["state"].sub(state).abs().max() < 1e-5
    assert not torch.equal(trainer.content()["state"], trainer.content()["corrected"])


def test_a_batch_without_any_square_teaches_nothing(tiny_run: Path, tiny_dataset: Dataset) -> None:
    student = load_trained(tiny_run).net
    trainer = FaceTrainer(student, FaceShape(SIDE), FaceSettings(), torch.device("cpu"))
    batch = batches_of(FACE, tiny_dataset).make(0)
    assert trainer.train(replace(batch, corners=torch.full((4, 2), -1)), 0.0) == {}
    assert trainer.step == 1 and trainer.samples == 0


def test_a_face_leaves_what_it_promises(face_run: Path) -> None:
    folder = face_run / "face"
    entries = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert 0 <= entries[0]["waited_share"] <= 1
    last = entries[-1]
    assert last["step"] == 40 and last["face_psnr_db"] > last["without_psnr_db"]
    assert last["face_perceptual"] < last["without_perceptual"]
    (grid,) = (cv2.imread(str(path)) for path in (folder / "samples").glob("*.png"))
    assert grid is not None and grid.shape == (6 * 192, 4 * 192, 3)
    face = load_part(face_run, FACE, load_trained(face_run))
    assert face is not None and face.facts["steps"] == 40
    assert load_part(face_run, HANDS, load_trained(face_run)) is None


def test_hands_leave_what_they_promise(hands_run: Path) -> None:
    folder = hands_run / "hands"
    entries = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert entries[-1]["step"] == 60
    assert entries[-1]["hands_perceptual"] < entries[-1]["without_perceptual"]
    record = json.loads((folder / "hands.json").read_text())
    assert record["shape"]["side"] == SIDE and len(list(folder.glob("samples/*.png"))) == 1
    assert record["settings"]["trainer"]["weights"]["pixel"] == HANDS_WEIGHTS.pixel
    hands = load_part(hands_run, HANDS, load_trained(hands_run))
    assert hands is not None and hands.part == HANDS and hands.facts["steps"] == 60
    assert not hands.net.training


def test_the_command_line_names_the_part() -> None:
    assert parse(["RUN"]).part == FACE
    assert parse(["RUN", "--part", "hands"]).part == HANDS
    with pytest.raises(SystemExit):
        parse(["RUN", "--part", "feet"])


def test_a_resumed_face_equals_one_that_never_stopped(
    face_run: Path, copied_student: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With more threads that make batches than the other had, too, as on a GPU."""
    monkeypatch.setattr(face_module, "loader_threads", lambda device: 3)
    run = copied_student()
    for stop in (7, 25, None):
        training = FaceTraining(tiny_face(run, 40))
        if stop is None:
            training.run()
        else:
            run_until(training, stop)
    a, b = weights(face_run / "face"), weights(run / "face")
    assert a["step"] == b["step"] == 40
    for part in ("net", "average", "critic"):
        assert a[part].keys() == b[part].keys()
        assert all(torch.equal(a[part][key], b[part][key]) for key in a[part])
    assert torch.equal(a["state"], b["state"]) and torch.equal(a["corrected"], b["corrected"])


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


def test_the_table_adds_one_part_after_the_other(
    hands_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = "student + face + hands"
    assert [painter.name for painter in open_painters(hands_run)] == [
        whole, "student + face", "student",
    ]  # fmt: skip
    arguments = ["--frames", "3", "--height", "96", "--no-pose", "--out", str(tmp_path)]
    assert evaluate_main([str(hands_run), *arguments]) == 0
    sheet = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    rows = {row["name"]: row for row in sheet["rows"] if row["region"] == "hands"}
    assert {whole, "student + face", "student", f"{whole}, smoothed as live"} < set(rows)
    assert rows[whole]["perceptual"] != rows["student"]["perceptual"]
    assert {sheet["facts"][name]["steps"] for name in ("face", "hands")} == {40, 60}
    assert "<h2>Hands</h2>" in (tmp_path / "report.html").read_text()


def test_hands_need_no_face(hands_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(hands_run, run)
    shutil.rmtree(run / "face")
    assert [painter.name for painter in open_painters(run)] == ["student + hands", "student"]


def test_a_part_changes_its_squares_alone(hands_run: Path, tiny_dataset: Dataset) -> None:
    data = tiny_dataset
    poses, times_s = (data.points[100:103], data.scores[100:103]), data.times_s[100:103]
    pictures = [list(painter.paint(poses, times_s, data)) for painter in open_painters(hands_run)]
    for part, after, before in zip(reversed(PARTS), pictures[:-1], pictures[1:], strict=True):
        window = data.new_window()
        for number, (one, other) in enumerate(zip(after, before, strict=True), 100):
            pose = Pose(data.points[number], data.scores[number], 0.0, data.stage)
            region = window.follow(pose, float(data.times_s[number]))
            points = into_window(pose.points, region, data.size)
            scale = region.height / data.size[0]
            outside = np.ones(data.stage, bool)
            for top, left in part.corners(points, pose.scores, data.size, SIDE):
                y, x = region.y + top * scale - 2, region.x + left * scale - 2
                far = SIDE * scale + 5
                outside[max(int(y), 0) : int(y + far), max(int(x), 0) : int(x + far)] = False
            changed = (one != other).any(2)
            assert changed.any() and not changed[outside].any()


def test_a_square_that_is_weakly_seen_is_weakly_corrected(hands_run: Path) -> None:
    hands = load_part(hands_run, HANDS, load_trained(hands_run))
    assert hands is not None
    rng = np.random.default_rng(0)
    label, rgba = (rng.integers(0, 256, (SIDE, SIDE, n)).astype(np.uint8) for n in (3, 4))
    rgba[..., :3] = np.minimum(rgba[..., :3], rgba[..., 3:])
    made = []
    for strength in (1.0, 0.5, 0.01):
        made.append(rgba.copy())
        correct(made[-1], label, (0, 0), strength, hands)
    whole, half, none = (np.abs(picture.astype(int) - rgba) for picture in made)
    assert whole.max() > 4 and none.max() <= 3
    assert np.abs(half - whole / 2).max() <= 0.5


def test_a_face_of_another_student_is_refused(
    face_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    shutil.copytree(face_run, run)
    content = weights(run)
    content["average"]["stem.bias"] += 1e-3
    save_checkpoint(run, content)
    with pytest.raises(SetupError, match=r"face net in .* was trained for another student"):
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


def test_an_unfinished_student_gets_no_face(copied_student: Callable[[], Path]) -> None:
    run = copied_student()
    content = weights(run)
    assert content["progress"] == 1
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
    copied_student: Callable[[], Path], tiny_data: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(tiny_data, data)
    (data / "dataset.json").write_text((data / "dataset.json").read_text() + " ")
    with pytest.raises(SetupError, match="not the dataset"):
        FaceTraining(replace(tiny_face(copied_student(), 1), data=data))


def test_the_side_is_the_live_rule(tiny_dataset: Dataset, hands_run: Path) -> None:
    painter = open_painters(hands_run)[0]
    assert isinstance(painter, StudentPainter)
    for part, found in zip(PARTS, painter.parts, strict=True):
        assert found.part == part
        assert found.net.shape.side == part.side(tiny_dataset.size[0]) == SIDE
    assert (FACE.side(288), HANDS.side(288)) == (64, 32)
