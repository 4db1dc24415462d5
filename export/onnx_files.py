"""ONNX models as bytes: read, checked, counted."""

from __future__ import annotations

import math
from typing import Any

from live.errors import SetupError, SubjectError

COUNTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")


def loaded(model: bytes, what: str = "generator.onnx") -> Any:
    """The `onnx.ModelProto` in `model`; `what` names it in errors.

    Raises SetupError where onnx is missing, SubjectError where `model` is no ONNX.
    """
    try:
        import onnx
    except ImportError as error:
        raise SetupError(f"onnx cannot be imported ({error}): pip install onnx") from error
    try:
        return onnx.load_from_string(model)
    except Exception as error:  # protobuf's DecodeError; that package has no types
        raise SubjectError(f"{what} is no ONNX model ({error}); export it again") from error


def checked(model: Any) -> bytes:
    """`model` as bytes, after onnx's own checker with shape inference has passed it."""
    import onnx

    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def size_of(model: bytes) -> tuple[int, int]:
    """(height, width) in pixels of the generator's label."""
    shapes = {i.name: [d.dim_value for d in i.type.tensor_type.shape.dim] for i in _inputs(model)}
    if "label" not in shapes:
        raise SubjectError(f"generator.onnx has the inputs {sorted(shapes)} and no label")
    return int(shapes["label"][1]), int(shapes["label"][2])


def macs_of(model: bytes) -> int:
    """Multiply-accumulates of one run: convolutions and matrix products, which is nearly all.

    Shapes come from onnx's shape inference; a node whose shapes it cannot tell counts nothing.
    """
    import onnx

    graph = onnx.shape_inference.infer_shapes(loaded(model), data_prop=True).graph
    shapes = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.value_info, *graph.input, *graph.output):
        shapes[value.name] = [d.dim_value for d in value.type.tensor_type.shape.dim]
    return sum(_macs(node, shapes) for node in graph.node)


def _macs(node: Any, shapes: dict[str, list[int]]) -> int:
    names = (*node.input[:2], node.output[0])
    if node.op_type not in COUNTED or any(name not in shapes for name in names):
        return 0
    data, weight, made = (shapes[name] for name in names)
    if node.op_type == "Conv":
        return math.prod(made) * math.prod(weight[1:])  # weight: (out, in / groups, kh, kw)
    if node.op_type == "ConvTranspose":
        return math.prod(data) * math.prod(weight[1:])  # weight: (in, out / groups, kh, kw)
    attributes = {a.name: a.i for a in node.attribute}
    depth = data[0] if attributes.get("transA") else data[-1]
    return math.prod(made) * depth


def _inputs(model: bytes) -> Any:
    return loaded(model).graph.input
