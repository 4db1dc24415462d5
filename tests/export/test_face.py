"""The face net as ONNX: its contract, what torch makes of it, and in the bundle on stage."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from benchmarks.contest_nets import generators
from export.engine_precision import to_float16
from export.engine_sources import face_source
from export.face_graph import FACE, check_face, face_levels, face_onnx
from export.generator_graph import OPSET, folded, generator_onnx
from export.parity import EXIT_BEYOND
from export.parity import main as parity_main
from export.precision import variants_of
from export.rebuild import face_from_onnx
from export.to_onnx import ExportOptions, export
from export.to_onnx import main as to_onnx_main
from live.bundle_net import check_net
from live.character_open import CharacterSettings, open_character
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.errors import EXIT_BAD_INPUT, SetupError
from live.face import Face
from live.frames import Label, Layer, Pose
from live.generator import compose, soft_edged
from live.head import head_square
from live.subject import Subject, load_subject
from live.window import into_window
from tests.export.student_subject import SIZE, lively_student
from training.checkpoint import load_checkpoint, save_checkpoint
from training.dataset import Dataset
from training.face import FaceOptions, FaceTraining
from training.face_net import FaceShape, FaceStudent
from training.painters import open_painters
from training.schedule import Budget

SIDE = 32


def lively_face(seed: int = 0) -> FaceStudent:
    """Random weights that change the picture a lot."""
    torch.manual_seed(seed)
    net = FaceStudent(FaceShape(SIDE))
    torch.nn.init.normal_(net.head.weight, 0, 0.1)
    return net.eval()


def squares(count: int = 4) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 256, (count, SIDE, SIDE, 3), np.uint8)
    rgba = rng.integers(0, 256, (count, SIDE, SIDE, 4), np.uint8)
    rgba[..., :3] = np.minimum(rgba[..., :3], rgba[..., 3:])
    return list(zip(labels, rgba, strict=True))


@pytest.mark.parametrize("weights", ["float16", "float32"])
def test_onnx_runtime_computes_what_torch_does(weights: str) -> None:
    net = lively_face()
    model = face_onnx(net, weights)
    assert check_face(folded(net, weights), model, squares()) <= 1
    off = np.stack(face_levels(folded(net, weights), model, squares()))
    assert (off > 0).mean() < 1e-3  # on the edge between two levels, and nowhere else


def test_the_contract_of_inputs_and_outputs() -> None:
    model = face_onnx(lively_face())
    check_net(model, "face.onnx")
    engine = OnnxRuntimeEngine(model, "face.onnx")
    tensors = {(t.name, t.shape, t.dtype) for t in (*engine.inputs, *engine.outputs)}
    assert tensors == {
        ("label", (1, SIDE, SIDE, 3), "uint8"), ("rgba", (1, SIDE, SIDE, 4), "uint8"),
        ("face", (1, SIDE, SIDE, 4), "uint8"),
    }  # fmt: skip
    for label, rgba in squares():
        found = engine.run({"label": label[None], "rgba": rgba[None]})["face"][0]
        assert (found[..., :3] <= found[..., 3:]).all()
        assert (found[0] == rgba[0]).all() and (found[:, -1] == rgba[:, -1]).all()
        assert np.abs(found.astype(int) - rgba).mean() > 2
    half, whole = (onnx.load_from_string(face_onnx(lively_face(), w))
                   for w in ("float16", "float32"))  # fmt: skip
    assert half.opset_import[0].version == OPSET
    assert half.ByteSize() < 0.65 * whole.ByteSize()


def test_untrained_the_bytes_stay_as_they_are() -> None:
    engine = OnnxRuntimeEngine(face_onnx(FaceStudent(FaceShape(SIDE))), "face.onnx")
    for label, rgba in squares():
        found = engine.run({"label": label[None], "rgba": rgba[None]})["face"][0]
        np.testing.assert_array_equal(found, rgba)


def test_a_wrong_graph_is_refused() -> None:
    with pytest.raises(SetupError, match="disagree"):
        check_face(folded(lively_face(1), "float16"), face_onnx(lively_face(2)), squares())


def test_the_net_comes_back_from_its_onnx() -> None:
    net = lively_face()
    rebuilt = face_from_onnx(face_onnx(net))
    assert rebuilt.shape == net.shape
    expected = folded(net, "float16").state_dict()
    for name, weight in rebuilt.state_dict().items():
        assert torch.equal(weight, expected[name]), name
    with pytest.raises(SetupError, match="does not hold a face net's weights"):
        face_from_onnx(generator_onnx(lively_student(), SIZE))


def test_in_halves_it_computes_nearly_the_same() -> None:
    model = face_onnx(lively_face())
    engines = [OnnxRuntimeEngine(m, "face") for m in (model, to_float16(model, "face"))]
    for label, rgba in squares():
        feeds = {"label": label[None], "rgba": rgba[None]}
        one, other = (engine.run(feeds)["face"].astype(int) for engine in engines)
        assert np.abs(one - other).max() <= 4


@pytest.fixture(scope="module")
def face_run(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("face") / "run"
    shutil.copytree(tiny_run, run, ignore=shutil.ignore_patterns("face"))
    options = FaceOptions(
        run, Budget(steps=12), device="cpu", threads=1, progress=False, rows=4, save_every_s=1e9
    )
    FaceTraining(options).run()
    return run


@pytest.fixture(scope="module")
def subject(face_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    bundle = tmp_path_factory.mktemp("export") / "bundle"
    exported = export(ExportOptions(face_run, bundle))
    assert exported.face is not None and exported.face.max_levels <= 1
    return load_subject(bundle)


def test_the_bundle_plays_the_face_that_was_trained(
    subject: Subject, face_run: Path, tiny_dataset: Dataset
) -> None:
    """Through the stage's own loader, generator, face and composite, as `training.replay`."""
    data = tiny_dataset
    assert subject.face is not None and subject.manifest.training["face"]["steps"] == 12
    character = open_character(subject, CharacterSettings("cpu", marks=None))
    assert isinstance(character.face, Face)
    poses = data.points[110:111], data.scores[110:111]
    with_face, without = (
        next(iter(painter.paint(poses, np.zeros(1), data))) for painter in open_painters(face_run)
    )
    region = data.new_window().follow(Pose(poses[0][0], poses[1][0], 0.0, data.stage), 0.0)
    points = into_window(poses[0][0], region, data.size)
    head = head_square(points, poses[1][0], data.size, SIDE)
    label = Label(character.drawer.draw(points, poses[1][0]), 0.0, region, head)
    layer = character.generator.generate(label)
    bare = compose(subject.plate, [soft_edged(Layer(layer.rgba.copy(), region))])
    character.face.correct(label, layer)
    found = compose(subject.plate, [soft_edged(layer)])
    assert np.abs(bare.astype(int) - without).max() <= 3  # halves, and the plate's PNG
    assert np.abs(found.astype(int) - with_face).max() <= 3
    assert (found != bare).any()
    character.close()


def test_parity_has_a_row_for_the_face(
    subject: Subject, face_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(subject.origin), "--engines", "cpu-fp32", "--frames", "2", "--poses", "2"]
    for run in ([], ["--run", str(face_run)]):
        assert parity_main([*arguments, *run, "--report", str(tmp_path / "p.html")]) == 0
        rows = json.loads(capsys.readouterr().out.strip().splitlines()[-1])["rows"]
        assert [row["net"] for row in rows] == ["generator", "face"]
        assert rows[1]["verdict"] == "within" and rows[1]["psnr_db"] > 60
    assert "face cpu-fp32" in (tmp_path / "p.html").read_text()


def test_a_run_without_the_face_is_not_the_bundles(
    subject: Subject, tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(subject.origin), "--engines", "cpu-fp32", "--frames", "2", "--poses", "2"]
    report = ["--report", str(tmp_path / "p.html")]
    assert parity_main([*arguments, *report, "--run", str(tiny_run)]) == EXIT_BAD_INPUT
    assert "no face net" in capsys.readouterr().err


def test_a_bundle_with_another_face_is_beyond_the_bound(
    face_run: Path, subject: Subject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As where the face was trained again, and not exported again."""
    trained_on = tmp_path / "run"
    shutil.copytree(face_run, trained_on)
    content = load_checkpoint(trained_on / "face")
    assert content is not None
    content["average"]["head.weight"] += 0.01
    save_checkpoint(trained_on / "face", content)
    arguments = [str(subject.origin), "--engines", "cpu-fp32", "--frames", "2", "--poses", "2"]
    report = ["--report", str(tmp_path / "p.html")]
    assert parity_main([*arguments, *report, "--run", str(trained_on)]) == EXIT_BEYOND
    rows = json.loads(capsys.readouterr().out.strip().splitlines()[-1])["rows"]
    assert [row["verdict"] for row in rows] == ["within", "beyond"]


def test_every_format_comes_from_one_command(
    face_run: Path, subject: Subject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, variants = tmp_path / "bundle", tmp_path / "variants"
    assert to_onnx_main([str(face_run), "--out", str(out), "--variants", str(variants)]) == 0
    said = capsys.readouterr().out
    written = {path.name: path.read_bytes() for path in variants.iterdir()}
    assert written == variants_of({"generator.onnx": subject.generator, FACE: subject.face or b""})
    assert len(written) == 4 and all(f"{variants / name}: " in said for name in written)
    assert load_subject(out).face == subject.face


def test_engines_are_built_of_the_face_net_too(subject: Subject) -> None:
    whole = face_source(subject, "fp32")
    assert whole is not None and whole.model == whole.converted == subject.face
    half = face_source(subject, "fp16")
    assert half is not None and half.model == subject.face != half.converted
    assert half.feedback == {}
    assert face_source(subject, "int8") is None


def test_the_race_of_engines_has_the_face_net(subject: Subject) -> None:
    own, face, *_ = generators([], subject.origin)
    assert own.name.startswith("student of") and face.name.startswith("student's face of")
    assert face.size == (SIDE, SIDE) and face.module is not None and face.feeds is not None
    with torch.no_grad():
        given = (torch.from_numpy(array) for array in face.feeds.values())
        expected = face.module(*given).numpy().astype(int)
    found = OnnxRuntimeEngine(face.model, "face.onnx").run(face.feeds)["face"]
    assert np.abs(found - expected).max() <= 1
    macs = face.macs()
    assert macs is not None and 0.02e9 < macs < 0.05e9  # a quarter of that at 64
