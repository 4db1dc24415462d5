"""A net for a part without a trained thing in it: it paints the part's squares in one colour.

A real ONNX graph that keeps the contract; see `tests.tiny_subject`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from live.parts import FACE, Part
from live.subject import add_to_subject

PAINT = (200, 40, 0, 255)
"""Premultiplied RGBA."""


def painting_net(
    side: int,
    paint: tuple[int, ...] = PAINT,
    label: str = "label",
    part: Part = FACE,
    keep: float = 0,
) -> bytes:
    """ONNX: the part = `paint` + `keep` times the inputs. `label` is the first one's name."""
    nodes = [
        helper.make_node("Cast", [label], ["l"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["rgba"], ["r"], to=TensorProto.FLOAT),
        helper.make_node("Concat", ["l", "zero"], ["four"], axis=3),
        helper.make_node("Add", ["four", "r"], ["both"]),
        helper.make_node("Mul", ["both", "keep"], ["kept"]),
        helper.make_node("Add", ["kept", "paint"], ["painted"]),
        helper.make_node("Cast", ["painted"], [part.name], to=TensorProto.UINT8),
    ]

    def picture(name: str, channels: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.UINT8, [1, side, side, channels])

    graph = helper.make_graph(
        nodes,
        "painting_net",
        [picture(label, 3), picture("rgba", 4)],
        [picture(part.name, 4)],
        [
            numpy_helper.from_array(np.zeros((1, side, side, 1), np.float32), "zero"),
            numpy_helper.from_array(np.array(keep, np.float32), "keep"),
            numpy_helper.from_array(np.array(paint, np.float32), "paint"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def add_net(subject: Path, model: bytes, part: Part = FACE) -> Path:
    """Put a part's net into the bundle, and return it."""
    add_to_subject(subject, part.file, model)
    return subject
