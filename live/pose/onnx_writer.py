"""Writes ONNX files without the `onnx` package: the part of its protobuf that a plain net needs.

Field numbers are those of ONNX's `onnx.proto` (IR version 8, opset 17), wire types protobuf's.
Equal input gives equal bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

IR_VERSION = 8
OPSET = 17

Attribute = int | float | str | Sequence[int]

_VARINT, _BYTES, _FIXED32 = 0, 2, 5
_FLOAT, _INT, _STRING, _INTS = 1, 2, 3, 7  # AttributeProto.AttributeType
_ELEMENTS = {"float32": 1, "uint8": 2, "int64": 7, "float16": 10}  # TensorProto.DataType


@dataclass(frozen=True, slots=True)
class OnnxNode:
    """One operator; an input named "" is left out."""

    kind: str
    inputs: tuple[str, ...]
    output: str
    attributes: Mapping[str, Attribute]


@dataclass(frozen=True, slots=True)
class OnnxValue:
    """An input or output of the net."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"


@dataclass(frozen=True, slots=True)
class OnnxGraph:
    """A net, its nodes in an order in which they can be computed."""

    name: str
    nodes: Sequence[OnnxNode]
    weights: Mapping[str, NDArray[Any]]
    inputs: Sequence[OnnxValue]
    outputs: Sequence[OnnxValue]


def encode_onnx(graph: OnnxGraph, notes: Mapping[str, str]) -> bytes:
    """`graph` as an ONNX file's bytes; `notes` go into its metadata."""
    body = [_message(1, _node(node)) for node in graph.nodes]
    body.append(_text(2, graph.name))
    body += [_message(5, _weights(name, array)) for name, array in graph.weights.items()]
    body += [_message(11, _value(value)) for value in graph.inputs]
    body += [_message(12, _value(value)) for value in graph.outputs]
    parts = [_number(1, IR_VERSION), _text(2, "understudy"), _message(7, b"".join(body))]
    parts.append(_message(8, _text(1, "") + _number(2, OPSET)))
    parts += [_message(14, _text(1, key) + _text(2, value)) for key, value in notes.items()]
    return b"".join(parts)


def _node(node: OnnxNode) -> bytes:
    parts = [_text(1, name) for name in node.inputs]
    parts += [_text(2, node.output), _text(3, node.output), _text(4, node.kind)]
    parts += [_message(5, _attribute(key, value)) for key, value in node.attributes.items()]
    return b"".join(parts)


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, str):
        kind, encoded = _STRING, _text(4, value)
    elif isinstance(value, float):
        kind, encoded = _FLOAT, _key(2, _FIXED32) + struct.pack("<f", value)
    elif isinstance(value, int):
        kind, encoded = _INT, _number(3, value)
    else:
        kind, encoded = _INTS, _numbers(8, value)
    return _text(1, name) + encoded + _number(20, kind)


def _weights(name: str, array: NDArray[Any]) -> bytes:
    stored = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    shape = _numbers(1, array.shape)
    kind = _number(2, _ELEMENTS[array.dtype.name])
    return shape + kind + _text(8, name) + _message(9, stored.tobytes())


def _value(value: OnnxValue) -> bytes:
    shape = b"".join(_message(1, _number(1, side)) for side in value.shape)
    tensor = _number(1, _ELEMENTS[value.dtype]) + _message(2, shape)
    return _text(1, value.name) + _message(2, _message(1, tensor))


def _key(field: int, wire: int) -> bytes:
    return _varint(field << 3 | wire)


def _number(field: int, value: int) -> bytes:
    return _key(field, _VARINT) + _varint(value)


def _numbers(field: int, values: Iterable[int]) -> bytes:
    return b"".join(_number(field, int(value)) for value in values)


def _text(field: int, text: str) -> bytes:
    return _message(field, text.encode())


def _message(field: int, body: bytes) -> bytes:
    return _key(field, _BYTES) + _varint(len(body)) + body


def _varint(value: int) -> bytes:
    value &= 2**64 - 1  # a negative number is its two's complement
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
