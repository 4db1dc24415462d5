"""A float32 ONNX model -> the same net computing in float16, with the same inputs and outputs.

TensorRT's strongly typed networks compute in the types that the model states, so float16 is said
in the model: its large and small numbers alike become halves, and casts stand at its border.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from live.errors import SetupError, SubjectError

_FLOAT_INPUTS = {"Resize": (1, 2)}
"""Operator -> the inputs that stay float32 by ONNX's own rules: region and scales."""


def to_float16(model: bytes, what: str) -> bytes:
    """The converted model, checked by onnx's own checker.

    Raises SubjectError for a model that is none, that has subgraphs, or whose numbers are too
    large for float16; SetupError where onnx is missing.
    """
    try:
        import onnx
    except ImportError as error:
        raise SetupError(f"onnx cannot be imported ({error}): pip install onnx") from error
    try:
        found = onnx.load_from_string(model)
        onnx.checker.check_model(found)
    except Exception as error:  # a protobuf error, or one of the checker's own
        raise SubjectError(f"{what} cannot be loaded: {' '.join(str(error).split())}") from error
    _convert(found, what)
    try:
        onnx.checker.check_model(found, full_check=True)
    except Exception as error:  # shape inference's own class has no public name
        raise SetupError(
            f"{what} cannot be made float16: {' '.join(str(error).split())[:300]}; use fp32"
        ) from error
    return bytes(found.SerializeToString())


def _convert(model: Any, what: str) -> None:
    from onnx import AttributeProto

    graph = model.graph
    for node in graph.node:
        if any(
            part.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS) for part in node.attribute
        ):
            raise SubjectError(
                f"{what} has a branch or loop, {node.name}; it cannot be made float16"
            )
    kept = _kept_as_float(graph)
    for tensor in graph.initializer:
        if tensor.name not in kept:
            _halve(tensor, what)
    for node in graph.node:
        if node.op_type == "Constant" and node.output[0] not in kept:
            for part in node.attribute:
                if part.name == "value":
                    _halve(part.t, what)
        elif node.op_type == "Cast" and node.output[0] not in kept:
            _cast_to_half(node)
    del graph.value_info[:]
    _casts_at_the_border(graph)


def _kept_as_float(graph: Any) -> set[str]:
    """Names of values that an operator takes only as float32."""
    kept = {
        node.input[place]
        for node in graph.node
        for place in _FLOAT_INPUTS.get(node.op_type, ())
        if place < len(node.input)
    }
    return kept - {""}


def _halve(tensor: Any, what: str) -> None:
    from onnx import TensorProto, numpy_helper

    if tensor.data_type != TensorProto.FLOAT:
        return
    array = numpy_helper.to_array(tensor)
    largest = float(np.abs(array).max(initial=0))
    if not largest <= float(np.finfo(np.float16).max):
        raise SubjectError(f"{what}: {tensor.name} holds {largest:g}, too large for float16")
    tensor.CopyFrom(numpy_helper.from_array(array.astype(np.float16), tensor.name))


def _cast_to_half(node: Any) -> None:
    from onnx import TensorProto

    for part in node.attribute:
        if part.name == "to" and part.i == TensorProto.FLOAT:
            part.i = TensorProto.FLOAT16


def _casts_at_the_border(graph: Any) -> None:
    """Float32 inputs become halves on their way in, outputs become floats on their way out."""
    from onnx import TensorProto, helper

    def floats(values: Any) -> list[str]:
        return [v.name for v in values if v.type.tensor_type.elem_type == TensorProto.FLOAT]

    inputs, outputs = floats(graph.input), floats(graph.output)
    inner = {name: f"{name}.half" for name in (*inputs, *outputs)}
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [inner.get(name, name) for name in names]
    for name in reversed(inputs):
        cast = helper.make_node("Cast", [name], [inner[name]], f"{name}.in", to=TensorProto.FLOAT16)
        graph.node.insert(0, cast)
    for name in outputs:
        cast = helper.make_node("Cast", [inner[name]], [name], f"{name}.out", to=TensorProto.FLOAT)
        graph.node.append(cast)
