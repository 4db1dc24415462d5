from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from export.engine_sheet import Quality, Sheet
from export.int8 import calibration_feeds, quantized
from export.quantize import judge, main
from export.race import Lap
from export.to_onnx import ExportOptions, export
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.errors import EXIT_BAD_INPUT, SetupError
from live.subject import load_subject
from tests.export.student_subject import SIZE, lively_student, write_student_subject
from training.samples import psnr


def lap(median_ms: float) -> Lap:
    return Lap(median_ms, 2 * median_ms, 9)


def sheet(psnr_db: float, perceptual: float, person_db: float = 20.0) -> Sheet:
    return {
        "picture": Quality(psnr_db, perceptual),
        "person": Quality(person_db, 2 * perceptual),
    }


def test_convolutions_become_8_bit_and_the_contract_stays(tmp_path: Path) -> None:
    subject = load_subject(write_student_subject(tmp_path / "bundle", lively_student()))
    engine = OnnxRuntimeEngine(subject.generator, "generator.onnx")
    feeds = calibration_feeds(subject, engine)
    assert any(feed["state"].any() for feed in feeds) and not feeds[0]["state"].any()
    assert feeds[0]["label"].shape == (1, *SIZE, 3)
    for recipe, floats in (("all", 0), ("inner", 2)):
        model = quantized(subject.generator, feeds, recipe)
        graph = onnx.load_from_string(model).graph
        made = {name: node.op_type for node in graph.node for name in node.output}
        convs = [node for node in graph.node if node.op_type == "Conv"]
        inputs = [made.get(conv.input[0]) for conv in convs]
        assert len(convs) > 5
        assert sum(kind != "DequantizeLinear" for kind in inputs) == floats
        small = OnnxRuntimeEngine(model, "int8")
        assert small.inputs == engine.inputs and small.outputs == engine.outputs
        expected, found = engine.run(feeds[1])["rgba"], small.run(feeds[1])["rgba"]
        gap = np.square(expected.astype(float) - found).mean()
        assert gap > 0 and psnr(float(gap)) > 32


def test_weights_have_one_scale_a_channel(tmp_path: Path) -> None:
    subject = load_subject(write_student_subject(tmp_path / "bundle", lively_student()))
    engine = OnnxRuntimeEngine(subject.generator, "generator.onnx")
    graph = onnx.load_from_string(
        quantized(subject.generator, calibration_feeds(subject, engine)[:4])
    ).graph
    tensors = {t.name: onnx.numpy_helper.to_array(t) for t in graph.initializer}
    weights = [array for array in tensors.values() if array.dtype == np.int8 and array.ndim == 4]
    scales = {array.shape for name, array in tensors.items() if name.endswith("_scale")}
    assert weights and {(len(weight),) for weight in weights} <= scales


def test_an_unknown_recipe_is_refused() -> None:
    with pytest.raises(SetupError, match="outer"):
        quantized(b"", [], "outer")


def test_the_fastest_that_is_as_good_is_kept() -> None:
    sizes = {"all": 1, "inner": 2}
    laps = {"fp32": lap(20), "all": lap(8), "inner": lap(10)}
    good = {"fp32": sheet(28, 0.50), "all": sheet(27.75, 0.505), "inner": sheet(28, 0.50)}
    assert judge(laps, good, sizes).kept == "all"
    for bad in (sheet(27.65, 0.50), sheet(28, 0.52), sheet(28, 0.50, person_db=19.6)):
        verdict = judge(laps, good | {"all": bad}, sizes)
        assert verdict.kept == "inner" and len(verdict.variants[0].refusals) >= 1
        assert verdict.variants[1].refusals == ()


def test_what_is_not_faster_or_not_measured_is_not_kept() -> None:
    sizes = {"all": 1}
    same = {"fp32": sheet(28, 0.5), "all": sheet(28, 0.5)}
    slow = judge({"fp32": lap(20), "all": lap(19.5)}, same, sizes)
    assert slow.kept is None and "0.97 of the float32 time" in slow.variants[0].refusals[0]
    blind = judge({"fp32": lap(20), "all": lap(8)}, {}, sizes)
    assert blind.kept is None and "not measured" in blind.variants[0].refusals[0]
    lost = {"fp32": sheet(28, 0.5), "all": sheet(float("nan"), 0.5)}
    assert judge({"fp32": lap(20), "all": lap(8)}, lost, sizes).kept is None


def test_the_command_measures_both_and_writes_its_verdict(
    tiny_run: Path, tiny_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle, out = tmp_path / "bundle", tmp_path / "out"
    export(ExportOptions(tiny_run, bundle))
    common = [str(bundle), "--out", str(out), "--seconds", "0", "--frames", "4"]
    assert main([*common, "--data", str(tiny_data)]) == 0
    printed = capsys.readouterr().out
    result = json.loads(printed.splitlines()[-1])
    record = json.loads((out / "int8.json").read_text("utf-8"))
    assert record["kept"] == result["kept"]
    assert (out / "generator.int8.onnx").exists() == (result["kept"] is not None)
    assert "kept: " in printed
    whole = result["reference_sheet"]["picture"]["psnr_db"]
    for variant in result["variants"]:
        assert variant["sheet"]["picture"]["psnr_db"] == pytest.approx(whole, abs=1.5)
        assert variant["lap"]["runs"] >= 9
    # Without footage nothing is kept, and what was kept before is gone.
    (out / "generator.int8.onnx").write_bytes(b"old")
    assert main(common) == 0
    assert "kept: none" in capsys.readouterr().out
    assert not (out / "generator.int8.onnx").exists()


def test_footage_of_another_size_is_refused(
    tiny_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = write_student_subject(tmp_path / "bundle", lively_student())
    arguments = [str(bundle), "--data", str(tiny_data), "--out", str(tmp_path), "--seconds", "0"]
    assert main(arguments) == EXIT_BAD_INPUT
    assert "the data that the subject was trained on" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["nowhere"], "nowhere"),
        (["nowhere", "--threads", "0"], "--threads is 0"),
        (["nowhere", "--frames", "1"], "--frames is 1"),
        (["nowhere", "--seconds", "-1"], "--seconds is -1"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    arguments: list[str], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == EXIT_BAD_INPUT
    assert word in capsys.readouterr().err
