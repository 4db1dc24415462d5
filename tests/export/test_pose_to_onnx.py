"""The command that writes BlazePose's networks as ONNX files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from flatbuffers.table import Table

from export import pose_to_onnx
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.errors import EXIT_BAD_INPUT
from live.pose.blazepose_nets import net_to_onnx
from live.pose.weights import PoseWeights, fetch_pose_weights

DEPTH_TO_SPACE, UNKNOWN = 5, 99  # TFLite's codes; the detector has the first, we know no 99


@pytest.fixture(scope="module")
def weights() -> PoseWeights:
    return fetch_pose_weights(progress=False)


def test_the_files_are_what_the_show_runs(weights: PoseWeights, tmp_path: Path) -> None:
    assert pose_to_onnx.main([str(tmp_path / "nets")]) == 0
    for source in (weights.detector, weights.landmarks):
        written = (tmp_path / "nets" / f"{source.stem}.onnx").read_bytes()
        assert written == net_to_onnx(source)


def test_what_is_pruned_changes_nothing_of_what_stays(tmp_path: Path) -> None:
    whole, few = (
        pose_to_onnx.export(pose_to_onnx.parse([str(tmp_path / name), *keep]))[1]
        for name, keep in (("whole", []), ("few", ["--keep", "presence", "landmarks"]))
    )
    assert (len(whole.outputs), set(few.outputs)) == (5, {"presence", "landmarks"})
    assert few.nodes < whole.nodes and few.macs < whole.macs
    picture = np.random.default_rng(5).random((1, 3, 256, 256), np.float32)
    one, other = (
        OnnxRuntimeEngine(net.path.read_bytes(), net.path.name).run({"image": picture})
        for net in (whole, few)
    )
    for name in few.outputs:
        scale = np.abs(one[name]).max()
        np.testing.assert_allclose(other[name], one[name], rtol=0, atol=1e-5 * scale)


def test_a_landmark_network_of_ones_own(weights: PoseWeights, tmp_path: Path) -> None:
    own = tmp_path / "pose_landmark_own.tflite"
    own.write_bytes(weights.landmarks.read_bytes())
    assert pose_to_onnx.main([str(tmp_path), "--landmarks", str(own), "--keep", "heatmaps"]) == 0
    graph = onnx.load(tmp_path / "pose_landmark_own.onnx").graph
    assert [value.name for value in graph.output] == ["heatmaps"]
    assert not (tmp_path / f"{weights.landmarks.stem}.onnx").exists()


def test_an_unknown_operator_is_named_with_its_layer(
    weights: PoseWeights, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own.tflite"
    own.write_bytes(_with_an_unknown_operator(weights.detector.read_bytes()))
    out = tmp_path / "nets"
    assert pose_to_onnx.main([str(out), "--landmarks", str(own)]) == EXIT_BAD_INPUT
    said = capsys.readouterr().err
    assert f"own.tflite cannot be converted: operator {UNKNOWN}" in said
    assert "in layer model_1/model/" in said
    assert not out.exists()  # nothing half-done is left


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--keep", "hands"], "--keep hands: known are landmarks"),
        (["--landmarks", "nowhere.tflite"], "nowhere.tflite cannot be read"),
        (["--landmarks", "a/net.tflite", "b/net.tflite"], "one name twice"),
    ],
)
def test_bad_input_is_said_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert pose_to_onnx.main([str(tmp_path / "nets"), *arguments]) == EXIT_BAD_INPUT
    assert says in capsys.readouterr().err


def test_a_folder_that_cannot_be_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert pose_to_onnx.main([str(tmp_path / "file" / "nets")]) == EXIT_BAD_INPUT
    assert "cannot be written" in capsys.readouterr().err


def _with_an_unknown_operator(network: bytes) -> bytes:
    """The detector, its DEPTH_TO_SPACE declared to be an operator that nobody knows."""
    changed = bytearray(network)
    model = Table(changed, int.from_bytes(network[:4], "little"))
    codes = model.Offset(4 + 2 * 1)
    for index in range(model.VectorLen(codes)):
        code = Table(changed, model.Indirect(model.Vector(codes) + 4 * index))
        fields = [(code.Offset(4), 1), (code.Offset(4 + 2 * 3), 4)]  # the old field, the new one
        places = [(code.Pos + slot, width) for slot, width in fields if slot]
        if places and all(
            int.from_bytes(changed[at : at + width], "little") == DEPTH_TO_SPACE
            for at, width in places
        ):
            for at, width in places:
                changed[at : at + width] = UNKNOWN.to_bytes(width, "little")
            return bytes(changed)
    raise AssertionError("the detector has no DEPTH_TO_SPACE any more; name another operator")
