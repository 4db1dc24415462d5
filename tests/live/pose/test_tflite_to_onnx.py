"""The converted networks against TensorFlow Lite's own interpreter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.errors import WeightsError
from live.pose.blazepose_nets import LANDMARK_OUTPUTS, net_to_onnx, pose_nets
from live.pose.weights import PoseWeights

Array = NDArray[Any]


@pytest.fixture(params=["detector", "landmarks"])
def network(request: pytest.FixtureRequest, pose_weights: PoseWeights) -> Path:
    path: Path = getattr(pose_weights, request.param)
    return path


def real_picture(clip: Path, size: int) -> Array:
    frame = cv2.VideoCapture(str(clip)).read()[1]
    rgb = cv2.resize(frame, (size, size))[:, :, ::-1]
    return np.ascontiguousarray(rgb, np.float32)[None] / np.float32(255)


def by_tflite(
    path: Path, picture: Array, kernels: OpResolverType = OpResolverType.BUILTIN_REF
) -> dict[tuple[int, ...], Array]:
    """Every output by its shape."""
    interpreter = Interpreter(model_path=str(path), experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture)
    interpreter.invoke()
    details = interpreter.get_output_details()
    return {tuple(d["shape"].tolist()): interpreter.get_tensor(d["index"]) for d in details}


def test_every_output_equals_tflites(network: Path, one_person_clip: Path) -> None:
    model = net_to_onnx(network)
    engine = OnnxRuntimeEngine(model, network.name)
    size = engine.inputs[0].shape[-1]
    noise = np.random.default_rng(1).uniform(0, 1, (1, size, size, 3)).astype(np.float32)
    for picture in (noise, real_picture(one_person_clip, size)):
        found = engine.run({"image": np.ascontiguousarray(picture.transpose(0, 3, 1, 2))})
        expected = by_tflite(network, picture)
        fast = by_tflite(network, picture, OpResolverType.AUTO)
        assert len(found) == len(expected)
        for name, array in found.items():
            # Maps are NCHW in ONNX and NHWC in TFLite.
            array = array.transpose(0, 2, 3, 1) if array.ndim == 4 else array
            wanted = expected[array.shape]
            # Presence went through a sigmoid: near 0 its own size is no measure.
            scale = 1.0 if name == "presence" else np.abs(wanted).max()
            # On noise the segmentation is so large that TFLite's own two kernels differ by more.
            spread = np.abs(fast[array.shape] - wanted).max() if name == "segmentation" else 0.0
            assert np.abs(array - wanted).max() < max(1e-4 * scale, spread), name


def test_the_converted_nets_are_sound_onnx(network: Path) -> None:
    model = onnx.load_from_string(net_to_onnx(network))
    onnx.checker.check_model(model, full_check=True)
    assert not {node.op_type for node in model.graph.node} & {"Densify", "Dequantize"}
    assert [tensor.name for tensor in model.graph.input] == ["image"]


def test_only_what_is_asked_for_is_computed(pose_weights: PoseWeights) -> None:
    few = onnx.load_from_string(pose_nets(pose_weights).landmarks)
    whole = onnx.load_from_string(net_to_onnx(pose_weights.landmarks))
    assert {tensor.name for tensor in few.graph.output} == {"landmarks", "presence"}
    assert {tensor.name for tensor in whole.graph.output} == set(LANDMARK_OUTPUTS)
    assert len(few.graph.node) < len(whole.graph.node)
    with pytest.raises(WeightsError, match="has no output hands"):
        net_to_onnx(pose_weights.landmarks, ["hands"])


def test_equal_weights_give_equal_bytes(network: Path) -> None:
    assert net_to_onnx(network) == net_to_onnx(network)


@pytest.mark.parametrize("damage", ["empty", "cut", "foreign", "absent"])
def test_a_file_that_is_no_network_is_refused_by_name(
    pose_weights: PoseWeights, tmp_path: Path, damage: str
) -> None:
    path, whole = tmp_path / "net.tflite", pose_weights.detector.read_bytes()
    contents = {"empty": b"", "cut": whole[: len(whole) // 3], "foreign": b"\x89PNG" * 500}
    if damage in contents:
        path.write_bytes(contents[damage])
    with pytest.raises(WeightsError, match=r"net\.tflite"):
        net_to_onnx(path)
