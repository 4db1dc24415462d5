"""A float32 ONNX model -> the same net with 8-bit convolutions, in the form that TensorRT takes.

TensorRT's strongly typed networks compute in the types that the model states, and 8 bits are said
by a QuantizeLinear and a DequantizeLinear before each convolution. It takes only symmetric ones
(every zero point 0), which is not what ONNX Runtime's CPU is quickest with (`export.int8`):

    int8   activations int8, one scale a tensor; weights int8, one scale an output channel
    fp8    both float8 e4m3fn (4 bits of exponent, 3 of mantissa, largest 448), one scale a tensor,
           on GPUs from sm_89 on (Micikevicius et al. 2022, 'FP8 Formats for Deep Learning')

All else, the scales too, is float16 as in `export.engine_precision`. Biases are added in float16,
inputs and outputs stay those of the contract.

An engine stores the weights in 8 bits, but whether it computes in them is the library's choice:
TensorRT-RTX's manual ('Working with Quantized Types', 1.x) promises float8 for matrix products
only. So nothing here is taken to be faster before `export.engines` has raced it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.engine_precision import to_float16
from export.engine_ranges import Ranges
from export.onnx_files import checked, loaded
from live.errors import SetupError

KINDS = ("int8", "fp8")
LARGEST = {"int8": 127.0, "fp8": 448.0}
OPSET = 19  # the first whose QuantizeLinear takes float16 and gives float8
FP8_CHANNELS = 16  # TensorRT's float8 convolutions need multiples of so many, in and out
LEAST_SCALE = float(np.finfo(np.float16).tiny)  # smaller ones lose digits as float16


def to_8_bits(model: bytes, ranges: Ranges, kind: str, what: str) -> bytes:
    """`model` (float32) with convolutions of `kind`, one of `KINDS`, checked by onnx's checker.

    `ranges` are `conv_ranges` of the same model. Raises SetupError where no convolution can be of
    that kind, and what `to_float16` raises.
    """
    weights = _weights(model)
    proto = _at_opset(loaded(to_float16(model, what)))
    graph = proto.graph
    convs = [node for node in graph.node if node.op_type == "Conv" and _fits(node, weights, kind)]
    if not convs:
        raise SetupError(f"{what} has no convolution that can be {kind}; use fp16")
    quantizer = _Quantizer(graph, kind)
    for conv in convs:
        conv.input[0] = quantizer.activation(conv.input[0], ranges[_outer(conv.input[0], ranges)])
        conv.input[1] = quantizer.weight(conv.input[1], weights[conv.input[1]])
    quantizer.finish()
    try:
        return checked(proto)
    except Exception as error:  # shape inference's own class has no public name
        raise SetupError(
            f"{what} cannot be made {kind}: {' '.join(str(error).split())[:300]}; use fp16"
        ) from error


def _weights(model: bytes) -> dict[str, NDArray[np.float32]]:
    from onnx import TensorProto, numpy_helper

    return {
        tensor.name: numpy_helper.to_array(tensor)
        for tensor in loaded(model).graph.initializer
        if tensor.data_type == TensorProto.FLOAT
    }


def _at_opset(proto: Any) -> Any:
    from onnx import version_converter

    has = max(entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx"))
    return proto if has >= OPSET else version_converter.convert_version(proto, OPSET)


def _fits(conv: Any, weights: dict[str, NDArray[np.float32]], kind: str) -> bool:
    """Whether `conv` has constant weights, and of a shape that is computed in `kind`."""
    weight = weights.get(conv.input[1])
    if weight is None:
        return False
    grouped = any(part.name == "group" and part.i != 1 for part in conv.attribute)
    return kind == "int8" or not (
        grouped or weight.shape[0] % FP8_CHANNELS or weight.shape[1] % FP8_CHANNELS
    )


def _outer(name: str, ranges: Ranges) -> str:
    """The float32 model's name of a value: a graph's input was renamed where it became a half."""
    return name if name in ranges else name.removesuffix(".half")


class _Quantizer:
    """Puts the pairs into a float16 graph: one a value, however many convolutions read it."""

    def __init__(self, graph: Any, kind: str) -> None:
        self._graph, self._kind = graph, kind
        self._made: dict[str, str] = {}  # value -> the value that comes out of its pair
        self._pairs: dict[str, list[Any]] = {}  # value -> the nodes that follow whatever makes it
        self._zero = f"{kind}.zero"
        self._store(self._zero, np.zeros((), self._type()))

    def activation(self, name: str, largest: float) -> str:
        """The name of `name` seen in 8 bits."""
        from onnx import helper

        if name not in self._made:
            codes, seen = f"{name}.{self._kind}", f"{name}.seen"
            scale = self._store(f"{name}.scale", self._scale(np.asarray(largest)))
            self._pairs[name] = [
                helper.make_node(
                    "QuantizeLinear", [name, scale, self._zero], [codes], f"{codes}.quantize"
                ),
                helper.make_node(
                    "DequantizeLinear", [codes, scale, self._zero], [seen], f"{codes}.dequantize"
                ),
            ]
            self._made[name] = seen
        return self._made[name]

    def weight(self, name: str, array: NDArray[np.float32]) -> str:
        """The name of `name`, stored in 8 bits and seen again as float16."""
        from onnx import helper

        if name in self._made:
            return self._made[name]
        by_channel = self._kind == "int8"
        axes = tuple(range(1, array.ndim)) if by_channel else None
        scales = self._scale(np.abs(array).max(axis=axes))
        wide = scales.astype(np.float32).reshape(-1, *[1] * (array.ndim - 1))
        codes = self._store(f"{name}.{self._kind}", self._codes(array / wide))
        scale = self._store(f"{name}.scale", scales)
        zero = self._zero
        if by_channel:
            zero = self._store(f"{name}.zero", np.zeros(scales.shape, self._type()))
        self._made[name] = seen = f"{name}.seen"
        node = helper.make_node(
            "DequantizeLinear", [codes, scale, zero], [seen], f"{codes}.dequantize", axis=0
        )
        self._graph.node.insert(0, node)  # it reads only constants
        return seen

    def finish(self) -> None:
        """Put every pair right behind what makes its value; drop constants that nobody reads."""
        nodes = list(self._graph.node)
        given = {value.name for value in self._graph.input}
        ordered = [node for name in self._pairs if name in given for node in self._pairs[name]]
        for node in nodes:
            ordered.append(node)
            for name in node.output:
                ordered += self._pairs.get(name, ())
        del self._graph.node[:]
        self._graph.node.extend(ordered)
        read = {name for node in ordered for name in node.input}
        kept = [tensor for tensor in self._graph.initializer if tensor.name in read]
        del self._graph.initializer[:]
        self._graph.initializer.extend(kept)
        del self._graph.value_info[:]

    def _type(self) -> Any:
        from onnx import TensorProto, helper

        kinds = {"int8": TensorProto.INT8, "fp8": TensorProto.FLOAT8E4M3FN}
        return helper.tensor_dtype_to_np_dtype(kinds[self._kind])

    def _scale(self, largest: NDArray[Any]) -> NDArray[np.float16]:
        """Rounded up, so that what was seen at calibration is not cut off."""
        scale = np.maximum(largest / LARGEST[self._kind], LEAST_SCALE).astype(np.float32)
        rounded = scale.astype(np.float16)
        short = rounded.astype(np.float32) < scale
        return np.where(short, np.nextafter(rounded, np.float16(np.inf)), rounded)

    def _codes(self, numbers: NDArray[np.float32]) -> NDArray[Any]:
        """Rounded to the nearest, ties to even."""
        if self._kind == "int8":
            numbers = np.rint(numbers)
        largest = LARGEST[self._kind]
        return np.clip(numbers, -largest, largest).astype(self._type())

    def _store(self, name: str, array: NDArray[Any]) -> str:
        from onnx import numpy_helper

        self._graph.initializer.append(numpy_helper.from_array(np.asarray(array), name))
        return name
