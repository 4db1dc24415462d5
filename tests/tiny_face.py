"""A face net without a trained thing in it: it paints the head's square in one colour.

A real ONNX graph that keeps the contract; see `tests.tiny_subject`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from live.subject import add_to_subject

PAINT = (200, 40, 0, 255)
"""Premultiplied RGBA."""


def painting_face(side: int, paint: tuple[int, ...] = PAINT, label: str = "label") -> bytes:
    """ONNX: face = `paint`, whatever the inputs hold. `label` is the first one's name."""
    nodes = [
        helper.make_node("Cast", [label], ["l"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["rgba"], ["r"], to=TensorProto.FLOAT),
        helper.make_node("Concat", ["l", "zero"], ["four"], axis=3),
        helper.make_node("Add", ["four", "r"], ["both"]),
        helper.make_node("Mul", ["both", "none"], ["nothing"]),
        helper.make_node("Add", ["nothing", "paint"], ["painted"]),
        helper.make_node("Cast", ["painted"], ["face"], to=TensorProto.UINT8),
    ]

    def picture(name: str, channels: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.UINT8, [1, side, side, channels])

    graph = helper.make_graph(
        nodes,
        "painting_face",
        [picture(label, 3), picture("rgba", 4)],
        [picture("face", 4)],
        [
            numpy_helper.from_array(np.zeros((1, side, side, 1), np.float32), "zero"),
            numpy_helper.from_array(np.array(0, np.float32), "none"),
            numpy_helper.from_array(np.array(paint, np.float32), "paint"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def add_face(subject: Path, model: bytes) -> Path:
    """Put a face net into the bundle, and return it."""
    add_to_subject(subject, "face.onnx", model)
    return subject
