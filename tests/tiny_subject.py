"""A small but whole subject bundle: its generator shows the label itself, on a grey plate.

The net is a real ONNX graph that keeps the contract, so everything around a generator can be
tested without training one.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from live.body import BodyStats
from live.skeleton import INDEX, JOINTS, LabelStyle
from live.subject import Codebook, Consent, SubjectManifest, encode_codebook, write_subject
from live.window import WindowSettings

PLATE_RGB = (90, 100, 110)


def standing(height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A person standing upright in the middle of a picture: points (J, 2) px, scores (J,)."""
    places = {
        "nose": (0.5, 0.2), "neck": (0.5, 0.3), "mid_hip": (0.5, 0.55),
        "right_shoulder": (0.42, 0.3), "right_elbow": (0.38, 0.42), "right_wrist": (0.37, 0.54),
        "left_shoulder": (0.58, 0.3), "left_elbow": (0.62, 0.42), "left_wrist": (0.63, 0.54),
        "right_hip": (0.46, 0.55), "right_knee": (0.45, 0.72), "right_ankle": (0.45, 0.88),
        "left_hip": (0.54, 0.55), "left_knee": (0.55, 0.72), "left_ankle": (0.55, 0.88),
        "right_eye": (0.48, 0.18), "left_eye": (0.52, 0.18),
        "right_ear": (0.46, 0.19), "left_ear": (0.54, 0.19),
        "right_big_toe": (0.44, 0.92), "left_big_toe": (0.56, 0.92),
        "right_heel": (0.45, 0.9), "left_heel": (0.55, 0.9),
    }  # fmt: skip
    points = np.zeros((len(JOINTS), 2), np.float32)
    scores = np.zeros(len(JOINTS), np.float32)
    for name, (x, y) in places.items():
        # The figure keeps its proportions in a picture of any shape.
        points[INDEX[name]] = (width / 2 + (x - 0.5) * height, y * height)
        scores[INDEX[name]] = 1.0
    return points, scores


def label_generator(height: int, width: int, opset: int = 18) -> bytes:
    """ONNX: rgba = (label, opaque wherever the label is not black)."""

    def constant(name: str, value: NDArray[np.generic]) -> onnx.TensorProto:
        return numpy_helper.from_array(value, name)

    nodes = [
        helper.make_node("Cast", ["label"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMax", ["f", "last"], ["brightest"], keepdims=1),
        helper.make_node("Greater", ["brightest", "zero"], ["seen"]),
        helper.make_node("Cast", ["seen"], ["one"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["one", "full"], ["alpha"]),
        helper.make_node("Concat", ["f", "alpha"], ["nhwc"], axis=3),
        helper.make_node("Cast", ["nhwc"], ["rgba"], to=TensorProto.UINT8),
        helper.make_node("Transpose", ["nhwc"], ["nchw"], perm=[0, 3, 1, 2]),
        helper.make_node("Div", ["nchw", "full"], ["now"]),
        helper.make_node("Mul", ["state", "zero"], ["nothing"]),
        helper.make_node("Add", ["now", "nothing"], ["next_state"]),
    ]
    graph = helper.make_graph(
        nodes,
        "label_generator",
        [
            helper.make_tensor_value_info("label", TensorProto.UINT8, [1, height, width, 3]),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, [1, 4, height, width]),
        ],
        [
            helper.make_tensor_value_info("rgba", TensorProto.UINT8, [1, height, width, 4]),
            helper.make_tensor_value_info("next_state", TensorProto.FLOAT, [1, 4, height, width]),
        ],
        [
            constant("last", np.array([3], np.int64)),
            constant("zero", np.array(0, np.float32)),
            constant("full", np.array(255, np.float32)),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def tiny_manifest(size: tuple[int, int], stage: tuple[int, int]) -> SubjectManifest:
    """A manifest whose body statistics are those of `standing`."""
    return SubjectManifest(
        name="tiny",
        generator_size=size,
        stage_size=stage,
        style=LabelStyle(),
        body=BodyStats(0.88, 0.7, 0.72, 0.5, 0.35, stage[1] / stage[0]),
        window=WindowSettings(),
        consent=Consent("nobody", "synthetic: no living person", "tests", "2026-01-01"),
    )


def tiny_files(size: tuple[int, int], stage: tuple[int, int]) -> dict[str, bytes]:
    """The files of the bundle, by name."""
    plate = np.full((*stage, 3), PLATE_RGB[::-1], np.uint8)
    points, scores = standing(*stage)
    return {
        "generator.onnx": label_generator(*size),
        "plate.png": cv2.imencode(".png", plate)[1].tobytes(),
        "thumb.jpg": cv2.imencode(".jpg", plate[:16, :16])[1].tobytes(),
        "poses.npz": encode_codebook(Codebook(points[None], scores[None], points, scores)),
    }


def write_tiny_subject(
    folder: Path, size: tuple[int, int] = (64, 64), stage: tuple[int, int] = (128, 128)
) -> Path:
    """Write the bundle into `folder` and return it."""
    write_subject(folder, tiny_manifest(size, stage), tiny_files(size, stage))
    return folder
