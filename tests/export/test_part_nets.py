"""Nets of parts as ONNX: their contract, what torch makes of them, and in the bundle on stage."""

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
from export.engine_sources import part_sources
from export.generator_graph import OPSET, folded, generator_onnx
from export.parity import EXIT_BEYOND
from export.parity import main as parity_main
from export.parity_part import part_squares
from export.part_graph import check_part, part_levels, part_onnx
from export.precision import variants_of
from export.rebuild import part_from_onnx
from export.to_onnx import ExportOptions, export
from export.to_onnx import main as to_onnx_main
from live.bundle_net import check_net
from live.character_open import CharacterSettings, open_character
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.errors import EXIT_BAD_INPUT, SetupError
from live.frames import Label, Layer, Pose
from live.generator import compose, soft_edged
from live.options import DEMO
from live.parts import FACE, HANDS, PARTS, Part, find_squares
from live.subject import Subject, load_subject
from live.window import into_window
from tests.export.student_subject import SIZE, lively_student
from training.checkpoint import load_checkpoint, save_checkpoint
from training.dataset import Dataset
from training.face import FaceOptions, FaceTraining
from training.face_net import FaceShape, FaceStudent
from training.painters import open_painters
from training.schedule import Budget

SIDE = 32  # of a head and of a hand in the small dataset's pictures
EACH = pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
QUICK = ["--engines", "cpu-fp32", "--frames", "2", "--poses", "2"]


def lively_net(seed: int = 0) -> FaceStudent:
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


@EACH
@pytest.mark.parametrize("weights", ["float16", "float32"])
def test_onnx_runtime_computes_what_torch_does(part: Part, weights: str) -> None:
    net = lively_net()
    model = part_onnx(part, net, weights)
    assert check_part(part, folded(net, weights), model, squares()) <= 1
    off = np.stack(part_levels(part, folded(net, weights), model, squares()))
    assert (off > 0).mean() < 1e-3  # on the edge between two levels, and nowhere else


@EACH
def test_the_contract_of_inputs_and_outputs(part: Part) -> None:
    model = part_onnx(part, lively_net())
    check_net(model, part.file)
    engine = OnnxRuntimeEngine(model, part.file)
    tensors = {(t.name, t.shape, t.dtype) for t in (*engine.inputs, *engine.outputs)}
    assert tensors == {
        ("label", (1, SIDE, SIDE, 3), "uint8"), ("rgba", (1, SIDE, SIDE, 4), "uint8"),
        (part.name, (1, SIDE, SIDE, 4), "uint8"),
    }  # fmt: skip
    for label, rgba in squares():
        found = engine.run({"label": label[None], "rgba": rgba[None]})[part.name][0]
        assert (found[..., :3] <= found[..., 3:]).all()
        assert (found[0] == rgba[0]).all() and (found[:, -1] == rgba[:, -1]).all()
        assert np.abs(found.astype(int) - rgba).mean() > 2
    half, whole = (onnx.load_from_string(part_onnx(part, lively_net(), w))
                   for w in ("float16", "float32"))  # fmt: skip
    assert half.opset_import[0].version == OPSET
    assert half.ByteSize() < 0.65 * whole.ByteSize()


def test_untrained_the_bytes_stay_as_they_are() -> None:
    engine = OnnxRuntimeEngine(part_onnx(HANDS, FaceStudent(FaceShape(SIDE))), HANDS.file)
    for label, rgba in squares():
        found = engine.run({"label": label[None], "rgba": rgba[None]})["hands"][0]
        np.testing.assert_array_equal(found, rgba)


@EACH
def test_a_wrong_graph_is_refused(part: Part) -> None:
    other = folded(lively_net(1), "float16")
    with pytest.raises(SetupError, match=f"disagree by .* about the {part.name} net"):
        check_part(part, other, part_onnx(part, lively_net(2)), squares())


@EACH
def test_the_net_comes_back_from_its_onnx(part: Part) -> None:
    net = lively_net()
    rebuilt = part_from_onnx(part, part_onnx(part, net))
    assert rebuilt.shape == net.shape
    expected = folded(net, "float16").state_dict()
    for name, weight in rebuilt.state_dict().items():
        assert torch.equal(weight, expected[name]), name
    with pytest.raises(SetupError, match=f"does not hold a {part.name} net's weights"):
        part_from_onnx(part, generator_onnx(lively_student(), SIZE))


def test_one_parts_net_is_not_anothers() -> None:
    with pytest.raises(SetupError, match=r"hands\.onnx does not hold a hands net's weights"):
        part_from_onnx(HANDS, part_onnx(FACE, lively_net()))


def test_the_shipped_face_comes_back_too() -> None:
    """A bundle from before there were nets for hands."""
    subject = load_subject(DEMO / "subject")
    net = part_from_onnx(FACE, subject.parts["face"])
    assert net.shape.side == FACE.side(subject.manifest.generator_size[0])
    assert check_part(FACE, net, subject.parts["face"], part_squares(FACE, subject)[:2]) <= 1


def test_in_halves_it_computes_nearly_the_same() -> None:
    model = part_onnx(HANDS, lively_net())
    engines = [OnnxRuntimeEngine(m, "hands") for m in (model, to_float16(model, "hands"))]
    for label, rgba in squares():
        feeds = {"label": label[None], "rgba": rgba[None]}
        one, other = (engine.run(feeds)["hands"].astype(int) for engine in engines)
        assert np.abs(one - other).max() <= 4


@pytest.fixture(scope="module")
def parts_run(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("parts") / "run"
    names = [part.name for part in PARTS]
    shutil.copytree(tiny_run, run, ignore=shutil.ignore_patterns(*names))
    for part in PARTS:
        options = FaceOptions(
            run, Budget(steps=12), part, device="cpu", threads=1, progress=False, rows=4,
            save_every_s=1e9,
        )  # fmt: skip
        FaceTraining(options).run()
    return run


@pytest.fixture(scope="module")
def subject(parts_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    bundle = tmp_path_factory.mktemp("export") / "bundle"
    exported = export(ExportOptions(parts_run, bundle))
    assert list(exported.parts) == [part.file for part in PARTS]
    assert all(part.max_levels <= 1 for part in exported.parts.values())
    return load_subject(bundle)


def test_the_bundle_plays_the_nets_that_were_trained(
    subject: Subject, parts_run: Path, tiny_dataset: Dataset
) -> None:
    """Through the stage's own loader, generator, nets and composite, as `training.replay`."""
    data = tiny_dataset
    assert [subject.manifest.training[part.name]["steps"] for part in PARTS] == [12, 12]
    character = open_character(subject, CharacterSettings("cpu", marks=None))
    assert [one.part for one in character.retouches] == list(PARTS)
    poses = data.points[110:111], data.scores[110:111]
    both, face, none = (
        next(iter(painter.paint(poses, np.zeros(1), data))) for painter in open_painters(parts_run)
    )
    region = data.new_window().follow(Pose(poses[0][0], poses[1][0], 0.0, data.stage), 0.0)
    points = into_window(poses[0][0], region, data.size)
    found = find_squares(PARTS, points, poses[1][0], data.size)
    assert [len(corners) for corners in found[0].values()] == [1, 2]
    label = Label(character.drawer.draw(points, poses[1][0]), 0.0, region, *found)
    layer = character.generator.generate(label)
    shown = []
    for retouch in (None, *character.retouches):
        if retouch is not None:
            retouch.correct(label, layer)
        shown.append(compose(subject.plate, [soft_edged(Layer(layer.rgba.copy(), region))]))
    for ours, trained in zip(shown, (none, face, both), strict=True):
        assert np.abs(ours.astype(int) - trained).max() <= 3  # halves, and the plate's PNG
    assert (shown[0] != shown[1]).any() and (shown[1] != shown[2]).any()
    character.close()


def test_parity_has_a_row_for_each_net(
    subject: Subject, parts_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(subject.origin), *QUICK]
    for run in ([], ["--run", str(parts_run)]):
        assert parity_main([*arguments, *run, "--report", str(tmp_path / "p.html")]) == 0
        rows = json.loads(capsys.readouterr().out.strip().splitlines()[-1])["rows"]
        assert [row["net"] for row in rows] == ["generator", "face", "hands"]
        for row in rows[1:]:
            assert row["verdict"] == "within" and row["psnr_db"] > 60
    report = (tmp_path / "p.html").read_text()
    assert "face cpu-fp32" in report and "hands cpu-fp32" in report


@EACH
def test_a_run_without_a_net_is_not_the_bundles(
    subject: Subject, parts_run: Path, part: Part, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    run = tmp_path / "run"
    shutil.copytree(parts_run, run)
    shutil.rmtree(run / part.name)
    arguments = [str(subject.origin), *QUICK, "--report", str(tmp_path / "p.html")]
    assert parity_main([*arguments, "--run", str(run)]) == EXIT_BAD_INPUT
    assert f"no {part.name} net" in capsys.readouterr().err


@EACH
def test_a_bundle_with_another_net_is_beyond_the_bound(
    parts_run: Path, subject: Subject, part: Part, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """As where the part was trained again, and not exported again."""
    trained_on = tmp_path / "run"
    shutil.copytree(parts_run, trained_on)
    content = load_checkpoint(trained_on / part.name)
    assert content is not None
    content["average"]["head.weight"] += 0.01
    save_checkpoint(trained_on / part.name, content)
    arguments = [str(subject.origin), *QUICK, "--report", str(tmp_path / "p.html")]
    assert parity_main([*arguments, "--run", str(trained_on)]) == EXIT_BEYOND
    rows = json.loads(capsys.readouterr().out.strip().splitlines()[-1])["rows"]
    assert [row["net"] for row in rows if row["verdict"] == "beyond"] == [part.name]


def test_every_format_comes_from_one_command(
    parts_run: Path, subject: Subject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, variants = tmp_path / "bundle", tmp_path / "variants"
    assert to_onnx_main([str(parts_run), "--out", str(out), "--variants", str(variants)]) == 0
    said = capsys.readouterr().out
    written = {path.name: path.read_bytes() for path in variants.iterdir()}
    nets = {part.file: subject.parts[part.name] for part in PARTS}
    assert written == variants_of({"generator.onnx": subject.generator, **nets})
    assert len(written) == 6 and all(f"{variants / name}: " in said for name in written)
    assert all(f"{out}: {name} " in said for name in nets)
    assert load_subject(out).parts == subject.parts


def test_engines_are_built_of_the_parts_nets_too(subject: Subject) -> None:
    for part, source in zip(PARTS, part_sources(subject, "fp32"), strict=True):
        assert source.model == source.converted == subject.parts[part.name]
        assert source.what == f"{part.name} net of {subject.origin}"
    for part, source in zip(PARTS, part_sources(subject, "fp16"), strict=True):
        assert source.model == subject.parts[part.name] != source.converted
        assert source.feedback == {}
    assert part_sources(subject, "int8") == []


def test_the_race_of_engines_has_the_parts_nets(subject: Subject) -> None:
    own, *found = generators([], subject.origin)
    assert own.name.startswith("student of")
    for part, net in zip(PARTS, found, strict=True):
        assert net.name == f"student's {part.name} of {subject.manifest.name}"
        assert net.size == (SIDE, SIDE) and net.module is not None and net.feeds is not None
        with torch.no_grad():
            given = (torch.from_numpy(array) for array in net.feeds.values())
            expected = net.module(*given).numpy().astype(int)
        made = OnnxRuntimeEngine(net.model, part.file).run(net.feeds)[part.name]
        assert np.abs(made - expected).max() <= 1
        macs = net.macs()
        assert macs is not None and 0.005e9 < macs < 0.05e9  # at 32; four times that at 64
