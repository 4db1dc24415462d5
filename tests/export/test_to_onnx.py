from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from export.codebook import farthest_points, neutral_frame
from export.generator_graph import OPSET, folded, generator_onnx
from export.parity import check_parity, measure_parity
from export.to_onnx import ExportOptions, export, main
from live.character import Character
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.errors import EXIT_BAD_INPUT, SetupError
from live.frames import Label, Pose, Sighting
from live.generator import Generator, compose, soft_edged
from live.ladder import LadderSettings
from live.normalize import Normalizer
from live.picture import PictureMaker
from live.skeleton import draw
from live.smooth import Smoother, SmoothSettings
from live.subject import Subject, load_subject
from live.timing import Timing
from live.window import into_window
from tests.training.conftest import TINY
from tests.training.tiny_footage import picture_at, pose_at
from training.dataset import Dataset
from training.nets import Student
from training.replay import replay
from training.run import load_trained

SIZE = (64, 96)


def labels(count: int = 4) -> list[np.ndarray]:
    poses = [pose_at(n, SIZE) for n in range(count)]
    return [draw(pose.points, pose.scores, SIZE) for pose in poses]


def student(seed: int = 0) -> Student:
    """Random weights with a lively output: alpha anywhere between 0 and 1."""
    torch.manual_seed(seed)
    net = Student(TINY)
    with torch.no_grad():
        net.head.weight.mul_(10)
    return net.eval()


@pytest.mark.parametrize("weights", ["float16", "float32"])
def test_onnx_runtime_computes_what_torch_does(weights: str) -> None:
    net = student()
    model = generator_onnx(net, SIZE, weights)
    parity = measure_parity(folded(net, weights), model, labels())
    assert parity.max_abs < 1e-5 and parity.max_levels <= 1 and parity.drift_abs < 1e-4


def test_the_contract_of_inputs_and_outputs() -> None:
    engine = OnnxRuntimeEngine(generator_onnx(student(), SIZE), "generator.onnx")
    assert {(t.name, t.shape, t.dtype) for t in engine.inputs} == {
        ("label", (1, 64, 96, 3), "uint8"), ("state", (1, 4, 64, 96), "float32"),
    }  # fmt: skip
    assert {(t.name, t.shape, t.dtype) for t in engine.outputs} == {
        ("rgba", (1, 64, 96, 4), "uint8"), ("next_state", (1, 4, 64, 96), "float32"),
    }  # fmt: skip
    state = np.zeros((1, 4, *SIZE), np.float32)
    found = engine.run({"label": labels()[0][None], "state": state})
    expected = np.round(found["next_state"] * 255).transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(found["rgba"], expected)
    assert (found["rgba"][..., :3] <= found["rgba"][..., 3:]).all()
    assert found["rgba"].std() > 1
    engine.close()


def test_the_opset_is_stated_and_halves_halve_the_file() -> None:
    half, whole = (onnx.load_from_string(generator_onnx(student(), SIZE, w))
                   for w in ("float16", "float32"))  # fmt: skip
    assert half.opset_import[0].version == OPSET == whole.opset_import[0].version
    assert half.ByteSize() < 0.65 * whole.ByteSize()


def test_a_wrong_graph_is_refused() -> None:
    model = generator_onnx(student(1), SIZE)
    with pytest.raises(SetupError, match="disagree"):
        check_parity(folded(student(2), "float16"), model, labels(), 1e-3)


def test_farthest_points_are_spread() -> None:
    line = np.linspace(0, 1, 101, dtype=np.float32)[:, None]
    chosen = farthest_points(line, 5)
    assert set(chosen[:3]) == {50, 0, 100}
    assert sorted(chosen) == pytest.approx([0, 25, 50, 75, 100], abs=1)
    assert len(farthest_points(np.zeros((9, 2), np.float32), 5)) == 1


def test_the_neutral_stance_has_its_hands_down(tiny_dataset: Dataset) -> None:
    neutral = neutral_frame(tiny_dataset)
    lift = [pose_at(n).points[7, 1] - pose_at(n).points[4, 1] for n in range(len(tiny_dataset))]
    assert abs(lift[neutral]) < 2  # the wave lifts the left wrist by up to 27 pixels
    assert min(lift) < -20


@pytest.fixture(scope="module")
def subject(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """The small run as the stage loads it."""
    folder = tmp_path_factory.mktemp("export")
    consent = folder / "consent.json"
    record = {"subject": "A", "basis": "synthetic", "scope": "tests", "date": "2026-01-01"}
    consent.write_text(json.dumps(record))
    exported = export(ExportOptions(tiny_run, folder / "bundle", "Drawn figure", consent))
    assert exported.parity.max_levels <= 1
    return load_subject(folder / "bundle")


def test_the_bundle_plays_what_was_trained(
    subject: Subject, tiny_run: Path, tiny_dataset: Dataset
) -> None:
    """Through the stage's own loader, generator and composite, at the stage's larger size."""
    manifest = subject.manifest
    assert manifest.name == "Drawn figure" and manifest.consent is not None
    assert manifest.generator_size == tiny_dataset.size
    assert manifest.stage_size == tiny_dataset.stage
    assert manifest.body == tiny_dataset.body and manifest.training["steps"] == 200
    assert manifest.window == tiny_dataset.window
    neutral = neutral_frame(tiny_dataset)
    np.testing.assert_array_equal(subject.codebook.neutral_points, tiny_dataset.points[neutral])
    engine = OnnxRuntimeEngine(subject.generator, "generator.onnx")
    generator = Generator(subject, engine)
    points, scores = tiny_dataset.points[115], tiny_dataset.scores[115]
    region = tiny_dataset.new_window().follow(Pose(points, scores, 0.0, tiny_dataset.stage), 0.0)
    label = draw(into_window(points, region, tiny_dataset.size), scores, tiny_dataset.size)
    layer = generator.generate(Label(label, 0.0, region))
    picture = compose(subject.plate, [soft_edged(layer)])
    poses = (points[None], scores[None])
    (expected,) = replay(load_trained(tiny_run), poses, np.zeros(1), tiny_dataset)
    assert picture.shape == (*tiny_dataset.stage, 3)
    assert np.abs(picture.astype(int) - expected).max() <= 3
    generator.close()


def test_the_stage_shows_what_training_replays(
    subject: Subject, tiny_run: Path, tiny_dataset: Dataset
) -> None:
    """Whole runs of poses, states fed back: window, label, net and composite are the same.

    What the stage adds for a live performer is switched off: the performer is the target, the
    filter lets everything through, and the ladder takes no time.
    """
    data = tiny_dataset
    generator = Generator(subject, OnnxRuntimeEngine(subject.generator, "generator.onnx"))
    character = Character(
        subject,
        generator,
        Normalizer(data.body, data.stage, performer=data.body, refine=False),
        Smoother(SmoothSettings(min_cutoff_hz=1e9)),
    )
    maker = PictureMaker(character, Timing(), LadderSettings(return_s=0.0))
    frames = data.held_out
    poses, times_s = (data.points[frames], data.scores[frames]), data.times_s[frames]
    replayed = list(replay(load_trained(tiny_run), poses, times_s, data))
    window = data.new_window()
    for number, (points, scores, time_s) in enumerate(zip(*poses, times_s.tolist(), strict=True)):
        pose = Pose(points, scores, time_s, data.stage)
        shown = maker.make(Sighting(pose, time_s, number), time_s)
        assert maker.label is not None and maker.label.region == window.follow(pose, time_s)
        assert shown.rung == "generated"
        gap = np.abs(shown.image.astype(int) - replayed[number])
        assert gap.max() <= 4 and gap.mean() < 0.1, number
    assert (replayed[0] != replayed[-1]).any()
    generator.close()


def test_the_figure_is_where_the_performer_was(tiny_run: Path, tiny_dataset: Dataset) -> None:
    """Not only a low loss: the picture is closer to its own truth than to another moment's."""
    poses = (tiny_dataset.points[108:], tiny_dataset.scores[108:])
    times_s = tiny_dataset.times_s[108:]
    pictures = list(replay(load_trained(tiny_run), poses, times_s, tiny_dataset))
    truths = [tiny_dataset.frame(n).astype(int) for n in range(108, 120)]
    own = np.mean([np.abs(p - t).mean() for p, t in zip(pictures, truths, strict=True)])
    other = np.mean([np.abs(p - t).mean() for p, t in zip(pictures, truths[::-1], strict=True)])
    assert own < other
    assert picture_at(0).dtype == np.uint8


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["nowhere"], "run.json is missing"),
        (["nowhere", "--weights", "int4"], "int4"),
        (["nowhere", "--name", " "], "empty"),
        (["nowhere", "--consent", "nowhere.json"], "nowhere.json"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    arguments: list[str], word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--out", str(tmp_path / "bundle")]) == EXIT_BAD_INPUT
    assert word in capsys.readouterr().err
    assert not (tmp_path / "bundle").exists()


def test_variants_have_a_folder_of_their_own(
    tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = tmp_path / "bundle"
    for folder, word in ((bundle, "inside the bundle"), (bundle / "x", "inside the bundle")):
        arguments = [str(tiny_run), "--out", str(bundle), "--variants", str(folder)]
        assert main(arguments) == EXIT_BAD_INPUT
        assert word in capsys.readouterr().err and not bundle.exists()
    variants = tmp_path / "variants"
    assert main([str(tiny_run), "--out", str(bundle), "--variants", str(variants)]) == 0
    names = {path.name for path in variants.iterdir()}
    assert names == {"generator.fp32.onnx", "generator.fp16.onnx"}
    (tmp_path / "taken").write_text("a file")
    arguments = [str(tiny_run), "--out", str(bundle), "--variants", str(tmp_path / "taken")]
    assert main(arguments) == EXIT_BAD_INPUT
    assert "taken cannot be written to" in capsys.readouterr().err
