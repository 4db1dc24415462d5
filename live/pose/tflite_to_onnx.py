"""A TFLite net as ONNX, in ONNX's own layout.

TFLite's pictures are NHWC; here every four-dimensional value is NCHW, inputs and outputs too, since
that is what ONNX's operators want. A RESHAPE to fewer dimensions sees NHWC, as it does in TFLite.
A PAD in front of a convolution becomes that convolution's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live.pose.onnx_writer import Attribute, OnnxGraph, OnnxNode, OnnxValue, encode_onnx
from live.pose.tflite_graph import TfliteGraph, TfliteOperator, TfliteTensor, UnsupportedNetError

CONVERTER = "1"
"""Written into the file; counts up whenever the same net gives other bytes."""

Pads = tuple[int, int, int, int]  # top, left, bottom, right
_NO_PADS: Pads = (0, 0, 0, 0)
_ACTIVATIONS = {0: None, 1: "Relu", 3: "Clip"}  # Clip: RELU6
_AXES = {0: 0, 1: 2, 2: 3, 3: 1, -1: 1}  # NHWC's axes in NCHW


def convert(
    graph: TfliteGraph, name: str, inputs: Sequence[str], outputs: Mapping[int, str]
) -> bytes:
    """`graph` as an ONNX file that computes only `outputs`: its tensor -> the name it gets.

    `inputs` name the graph's inputs in turn. Raises UnsupportedNetError for what cannot be
    converted.
    """
    return _Converter(graph, dict(zip(graph.inputs, inputs, strict=True)), outputs).encoded(name)


class _Converter:
    def __init__(
        self, graph: TfliteGraph, inputs: Mapping[int, str], outputs: Mapping[int, str]
    ) -> None:
        self._tensors = graph.tensors
        self._operators = _needed(graph, set(outputs))
        self._inputs, self._outputs = inputs, outputs
        self._names: dict[int, str] = {**inputs, **outputs}
        self._nodes: list[OnnxNode] = []
        self._weights: dict[str, NDArray[Any]] = {}
        self._pads = self._folded_pads()  # tensor that a PAD makes -> its source and its pads

    def encoded(self, name: str) -> bytes:
        for operator in self._operators:
            if operator.outputs[0] not in self._pads:
                _CONVERSIONS[operator.kind](self, operator)
        values = [
            [OnnxValue(name, _nchw(self._tensors[at].shape)) for at, name in ends.items()]
            for ends in (self._inputs, self._outputs)
        ]
        onnx = OnnxGraph(name, self._nodes, self._weights, *values)
        return encode_onnx(onnx, {"converter": CONVERTER})

    def conv(self, operator: TfliteOperator) -> None:
        weights = self._constant(operator.inputs[1])
        depthwise = operator.kind == "DEPTHWISE_CONV_2D"
        # (O, H, W, I), or depthwise (1, H, W, O), becomes (O, I, H, W).
        kernel = weights.transpose((3, 0, 1, 2) if depthwise else (0, 3, 1, 2))
        source, pads = self._pads.get(operator.inputs[0], (operator.inputs[0], _NO_PADS))
        attributes = self._window(operator, kernel.shape[2:], source, pads)
        dilations = [operator.options["dilation_h"] or 1, operator.options["dilation_w"] or 1]
        if dilations != [1, 1]:
            raise UnsupportedNetError(f"dilation {dilations} in layer {self._label(operator)}")
        attributes["group"] = self._tensors[source].shape[3] if depthwise else 1
        inputs = [self._name(source), self._weight(operator, "weight", kernel)]
        if len(operator.inputs) > 2 and operator.inputs[2] >= 0:
            inputs.append(self._weight(operator, "bias", self._constant(operator.inputs[2])))
        self._activated("Conv", operator, inputs, attributes)

    def pool(self, operator: TfliteOperator) -> None:
        kernel = int(operator.options["filter_h"]), int(operator.options["filter_w"])
        kind = "MaxPool" if operator.kind == "MAX_POOL_2D" else "AveragePool"
        attributes = self._window(operator, kernel, operator.inputs[0], _NO_PADS)
        self._activated(kind, operator, [self._name(operator.inputs[0])], attributes)

    def add(self, operator: TfliteOperator) -> None:
        if len({self._tensors[at].shape for at in operator.inputs}) > 1:
            raise UnsupportedNetError(f"ADD of unequal shapes in layer {self._label(operator)}")
        self._activated("Add", operator, [self._name(at) for at in operator.inputs], {})

    def pad(self, operator: TfliteOperator) -> None:
        amounts = self._constant(operator.inputs[1])
        if len(amounts) != 4:
            raise UnsupportedNetError(f"PAD of {len(amounts)} axes in {self._label(operator)}")
        before, after = amounts[[0, 3, 1, 2]].T
        pads = self._weight(operator, "pads", np.concatenate([before, after]).astype(np.int64))
        self._node("Pad", [self._name(operator.inputs[0]), pads], self._name(operator.outputs[0]))

    def resize(self, operator: TfliteOperator) -> None:
        if operator.options["align_corners"]:
            places = "align_corners"
        else:
            places = "half_pixel" if operator.options["half_pixel"] else "asymmetric"
        before, after = (
            _nchw(self._tensors[at].shape) for at in (operator.inputs[0], operator.outputs[0])
        )
        scales = np.divide(after, before).astype(np.float32)
        inputs = [self._name(operator.inputs[0]), "", self._weight(operator, "scales", scales)]
        self._node(
            "Resize", inputs, self._name(operator.outputs[0]),
            {"mode": "linear", "coordinate_transformation_mode": places},
        )  # fmt: skip

    def sigmoid(self, operator: TfliteOperator) -> None:
        self._node("Sigmoid", [self._name(operator.inputs[0])], self._name(operator.outputs[0]))

    def reshape(self, operator: TfliteOperator) -> None:
        before, after = (self._tensors[at] for at in (operator.inputs[0], operator.outputs[0]))
        if len(after.shape) == 4 and after.shape != before.shape:
            raise UnsupportedNetError(f"RESHAPE to {after.shape} in layer {self._label(operator)}")
        source = self._name(operator.inputs[0])
        if len(before.shape) == 4 and before.shape[1] * before.shape[2] > 1:
            self._node("Transpose", [source], f"{source}_nhwc", {"perm": [0, 2, 3, 1]})
            source = f"{source}_nhwc"
        shape = self._weight(operator, "shape", np.array(_nchw(after.shape), np.int64))
        self._node("Reshape", [source, shape], self._name(operator.outputs[0]))

    def concatenate(self, operator: TfliteOperator) -> None:
        axis = int(operator.options["axis"])
        if len(self._tensors[operator.outputs[0]].shape) == 4:
            axis = _AXES[axis]
        names = [self._name(at) for at in operator.inputs]
        self._activated("Concat", operator, names, {"axis": axis})

    def depth_to_space(self, operator: TfliteOperator) -> None:
        attributes: dict[str, Attribute] = {
            "blocksize": int(operator.options["block"]), "mode": "DCR",
        }  # fmt: skip
        source = self._name(operator.inputs[0])
        self._node("DepthToSpace", [source], self._name(operator.outputs[0]), attributes)

    def _activated(
        self,
        kind: str,
        operator: TfliteOperator,
        inputs: list[str],
        attributes: Mapping[str, Attribute],
    ) -> None:
        """A node of `kind`, and one behind it for the activation that TFLite fuses into it."""
        code = int(operator.options["activation"])
        if code not in _ACTIVATIONS:
            raise UnsupportedNetError(f"activation {code} in layer {self._label(operator)}")
        activation, output = _ACTIVATIONS[code], self._name(operator.outputs[0])
        if activation is None:
            self._node(kind, inputs, output, attributes)
            return
        self._node(kind, inputs, f"{output}_linear", attributes)
        limits = []
        if activation == "Clip":
            self._weights["zero"] = np.array(0, np.float32)
            self._weights["six"] = np.array(6, np.float32)
            limits = ["zero", "six"]
        self._node(activation, [f"{output}_linear", *limits], output)

    def _window(
        self, operator: TfliteOperator, kernel: Sequence[int], source: int, pads: Pads
    ) -> dict[str, Attribute]:
        """A sliding window's attributes. SAME puts the odd pixel of padding behind."""
        strides = [int(operator.options[f"stride_{side}"]) for side in "hw"]
        if operator.options["same"]:
            padding = (pads[0] + pads[2], pads[1] + pads[3])
            given = self._tensors[source].shape[1:3]
            sizes = [size + more for size, more in zip(given, padding, strict=True)]
            missing = [
                max((-(-size // stride) - 1) * stride + side - size, 0)
                for size, stride, side in zip(sizes, strides, kernel, strict=True)
            ]
            before = [amount // 2 for amount in missing]
            after = [amount - amount // 2 for amount in missing]
            pads = (
                pads[0] + before[0],
                pads[1] + before[1],
                pads[2] + after[0],
                pads[3] + after[1],
            )
        return {"kernel_shape": list(kernel), "strides": strides, "pads": list(pads)}

    def _folded_pads(self) -> dict[int, tuple[int, Pads]]:
        """PADs of height and width alone, all of whose readers are convolutions."""
        folded = {}
        for operator in self._operators:
            made = operator.outputs[0]
            readers = [other for other in self._operators if made in other.inputs]
            if operator.kind == "PAD" and made not in self._outputs and all(
                "CONV_2D" in reader.kind for reader in readers
            ):  # fmt: skip
                amounts = self._constant(operator.inputs[1])
                if len(amounts) == 4 and not amounts[[0, 3]].any():
                    (top, bottom), (left, right) = amounts[1:3].tolist()
                    folded[made] = (operator.inputs[0], (top, left, bottom, right))
        return folded

    def _node(
        self,
        kind: str,
        inputs: Sequence[str],
        output: str,
        attributes: Mapping[str, Attribute] | None = None,
    ) -> None:
        self._nodes.append(OnnxNode(kind, tuple(inputs), output, attributes or {}))

    def _name(self, at: int) -> str:
        return self._names.setdefault(at, f"t{at}")

    def _label(self, operator: TfliteOperator) -> str:
        return self._tensors[operator.outputs[0]].name

    def _weight(self, operator: TfliteOperator, role: str, array: NDArray[Any]) -> str:
        name = f"{self._name(operator.outputs[0])}_{role}"
        self._weights[name] = array
        return name

    def _constant(self, at: int) -> NDArray[Any]:
        tensor: TfliteTensor = self._tensors[at]
        if tensor.data is None:
            raise UnsupportedNetError(f"{tensor.name} is computed, where we need a constant")
        return tensor.data


_CONVERSIONS = {
    "ADD": _Converter.add,
    "AVERAGE_POOL_2D": _Converter.pool,
    "CONCATENATION": _Converter.concatenate,
    "CONV_2D": _Converter.conv,
    "DEPTHWISE_CONV_2D": _Converter.conv,
    "DEPTH_TO_SPACE": _Converter.depth_to_space,
    "LOGISTIC": _Converter.sigmoid,
    "MAX_POOL_2D": _Converter.pool,
    "PAD": _Converter.pad,
    "RESHAPE": _Converter.reshape,
    "RESIZE_BILINEAR": _Converter.resize,
}


def _needed(graph: TfliteGraph, wanted: set[int]) -> list[TfliteOperator]:
    """The operators that the `wanted` tensors depend on, in their order."""
    kept = []
    for operator in reversed(graph.operators):
        if wanted & set(operator.outputs):
            wanted |= set(operator.inputs)
            kept.append(operator)
    return kept[::-1]


def _nchw(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (shape[0], shape[3], shape[1], shape[2]) if len(shape) == 4 else shape
