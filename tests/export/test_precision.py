from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, numpy_helper

from export.generator_graph import folded, generator_onnx
from export.onnx_files import loaded, macs_of, size_of
from export.part_graph import part_onnx
from export.precision import as_float16, as_float32, main, stores_halves
from export.rebuild import student_from_onnx
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.errors import EXIT_BAD_INPUT, SetupError, SubjectError
from live.parts import FACE, PARTS
from tests.export.student_subject import SIZE, lively_student, write_student_subject
from tests.tiny_part import add_net
from tests.tiny_subject import label_generator
from training.face_net import FaceShape, FaceStudent
from training.nets import Student, macs
from training.samples import psnr

Arrays = dict[str, np.ndarray]


def feeds(seed: int = 0) -> Arrays:
    rng = np.random.default_rng(seed)
    return {
        "label": rng.integers(0, 256, (1, *SIZE, 3), dtype=np.uint8),
        "state": rng.random((1, 4, *SIZE), dtype=np.float32),
    }


def computed(model: bytes) -> Arrays:
    engine = OnnxRuntimeEngine(model, "generator.onnx")
    found = engine.run(feeds())
    engine.close()
    return found


@pytest.mark.parametrize("weights", ["float16", "float32"])
def test_the_rebuilt_student_has_the_exported_weights(weights: str) -> None:
    student = lively_student(3)
    rebuilt = student_from_onnx(generator_onnx(student, SIZE, weights))
    assert rebuilt.shape == student.shape and not rebuilt.training
    expected = folded(student, weights).state_dict()
    found = rebuilt.state_dict()
    assert found.keys() == expected.keys()
    for name, parameter in expected.items():
        assert torch.equal(found[name], parameter), name


def test_a_graph_that_is_no_student_is_refused() -> None:
    with pytest.raises(SetupError, match=r"student's weights.*--run"):
        student_from_onnx(label_generator(*SIZE))
    model = onnx.load_from_string(generator_onnx(lively_student(), SIZE, "float32"))
    wrong = next(t for t in model.graph.initializer if t.name == "student.before.weight")
    wrong.CopyFrom(numpy_helper.from_array(np.zeros((16, 15, 3, 3), np.float32), wrong.name))
    with pytest.raises(SetupError, match=r"before\.weight"):
        student_from_onnx(model.SerializeToString())
    with pytest.raises(SubjectError, match="no ONNX"):
        student_from_onnx(b"\xff nothing")


def test_float32_computes_the_very_same() -> None:
    model = generator_onnx(lively_student(), SIZE, "float16")
    whole = as_float32(model)
    assert stores_halves(model) and not stores_halves(whole) and len(whole) > len(model)
    before, after = computed(model), computed(whole)
    for name in before:
        np.testing.assert_array_equal(before[name], after[name])
    assert as_float32(whole) == whole


def test_float16_has_halves_inside_and_the_same_contract() -> None:
    model = generator_onnx(lively_student(), SIZE, "float32")
    halved = as_float16(model)
    graph = loaded(halved).graph
    kinds = {t.data_type for t in graph.initializer if np.prod(t.dims) > 16}
    assert kinds == {TensorProto.FLOAT16}
    outer = [(t.name, t.type.tensor_type.elem_type) for t in (*graph.input, *graph.output)]
    assert outer == [
        ("label", TensorProto.UINT8), ("state", TensorProto.FLOAT),
        ("rgba", TensorProto.UINT8), ("next_state", TensorProto.FLOAT),
    ]  # fmt: skip
    whole, half = computed(model), computed(halved)
    gap = np.abs(whole["next_state"] - half["next_state"]).max()
    assert 1e-6 < gap < 1e-2
    assert psnr(float(np.square(whole["rgba"].astype(float) - half["rgba"]).mean())) > 45


def test_work_is_counted_from_the_graph() -> None:
    model = generator_onnx(Student(), (64, 96), "float16")
    assert macs_of(model) == macs(Student(), (64, 96))
    assert size_of(model) == (64, 96)


def test_nets_of_parts_are_written_too(tmp_path: Path) -> None:
    bundle = write_student_subject(tmp_path / "bundle", lively_student())
    torch.manual_seed(1)
    net = FaceStudent(FaceShape(16))
    torch.nn.init.normal_(net.head.weight, 0, 0.1)
    for part in PARTS:
        add_net(bundle, part_onnx(part, net.eval()), part)
    assert main([str(bundle), "--out", str(tmp_path / "out")]) == 0
    nets = ("generator", *(part.name for part in PARTS))
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {f"{net}.{kind}.onnx" for net in nets for kind in ("fp32", "fp16")}
    rng = np.random.default_rng(2)
    given = {
        "label": rng.integers(0, 256, (1, 16, 16, 3), np.uint8),
        "rgba": rng.integers(0, 128, (1, 16, 16, 4), np.uint8),
    }
    for part in PARTS:
        found = {}
        for path in (bundle / part.file, *(tmp_path / "out").glob(f"{part.name}.*")):
            engine = OnnxRuntimeEngine(path.read_bytes(), path.name)
            found[path.name] = engine.run(given)[part.name].astype(int)
            engine.close()
        np.testing.assert_array_equal(found[part.file], found[f"{part.name}.fp32.onnx"])
        assert np.abs(found[part.file] - found[f"{part.name}.fp16.onnx"]).max() <= 4
        halves = loaded((tmp_path / "out" / f"{part.name}.fp16.onnx").read_bytes())
        kinds = {t.data_type for t in halves.graph.initializer if np.prod(t.dims) > 16}
        assert kinds == {TensorProto.FLOAT16}


def test_weights_that_are_no_halves_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = write_student_subject(tmp_path / "bundle", lively_student())
    net = FaceStudent(FaceShape(16))
    torch.nn.init.constant_(net.head.weight, 1e5)
    add_net(bundle, part_onnx(FACE, net.eval(), "float32"))
    assert main([str(bundle), "--out", str(tmp_path / "out")]) == EXIT_BAD_INPUT
    assert "face.onnx: face.head.weight holds 100000" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_both_files_from_one_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = write_student_subject(tmp_path / "bundle", lively_student())
    assert main([str(bundle), "--out", str(tmp_path / "out")]) == 0
    whole = (tmp_path / "out" / "generator.fp32.onnx").read_bytes()
    half = (tmp_path / "out" / "generator.fp16.onnx").read_bytes()
    assert len(half) < 0.7 * len(whole)
    assert computed(whole)["rgba"].shape == computed(half)["rgba"].shape == (1, *SIZE, 4)
    assert "generator.fp16.onnx" in capsys.readouterr().out
    assert main([str(tmp_path / "nowhere"), "--out", str(tmp_path)]) == EXIT_BAD_INPUT
    assert "nowhere" in capsys.readouterr().err
    (tmp_path / "taken").write_text("a file")
    assert main([str(bundle), "--out", str(tmp_path / "taken")]) == EXIT_BAD_INPUT
    assert "taken" in capsys.readouterr().err
