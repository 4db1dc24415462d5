"""Reads a TFLite file into a plain graph whose weights are dense float32 arrays.

Field numbers are those of TFLite's `schema.fbs`. Weights stored as float16 (DEQUANTIZE) or sparse
(DENSIFY, in the traversal of Kjolstad et al., "The Tensor Algebra Compiler", 2017, which the schema
follows) are unpacked here, so that neither operator is left in the graph.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from flatbuffers import number_types as flags
from flatbuffers.table import Table
from numpy.typing import NDArray

Option = bool | int | float

_DTYPES: dict[int, type[np.generic]] = {0: np.float32, 1: np.float16, 2: np.int32, 4: np.int64}
_INDEX_DTYPES: dict[int, type[np.generic]] = {1: np.int32, 2: np.uint16, 3: np.uint8}

_PADDING = ("same", flags.Int8Flags)  # Padding.SAME is 0
_STRIDES = [("stride_w", flags.Int32Flags), ("stride_h", flags.Int32Flags)]
_ACTIVATION = ("activation", flags.Int8Flags)
_POOL = [_PADDING, *_STRIDES, ("filter_w", flags.Int32Flags), ("filter_h", flags.Int32Flags)]
_KINDS: dict[int, tuple[str, list[tuple[str, Any]]]] = {
    0: ("ADD", [_ACTIVATION]),
    1: ("AVERAGE_POOL_2D", [*_POOL, _ACTIVATION]),
    2: ("CONCATENATION", [("axis", flags.Int32Flags), _ACTIVATION]),
    3: ("CONV_2D", [_PADDING, *_STRIDES, _ACTIVATION,
                    ("dilation_w", flags.Int32Flags), ("dilation_h", flags.Int32Flags)]),
    4: ("DEPTHWISE_CONV_2D", [_PADDING, *_STRIDES, ("multiplier", flags.Int32Flags), _ACTIVATION,
                              ("dilation_w", flags.Int32Flags), ("dilation_h", flags.Int32Flags)]),
    5: ("DEPTH_TO_SPACE", [("block", flags.Int32Flags)]),
    6: ("DEQUANTIZE", []),
    14: ("LOGISTIC", []),
    17: ("MAX_POOL_2D", [*_POOL, _ACTIVATION]),
    22: ("RESHAPE", []),
    23: ("RESIZE_BILINEAR", [("", flags.Int32Flags), ("", flags.Int32Flags),
                             ("align_corners", flags.BoolFlags), ("half_pixel", flags.BoolFlags)]),
    34: ("PAD", []),
    124: ("DENSIFY", []),
}  # fmt: skip
"""Operator code -> its name, and the first fields of its options."""

_UNPACKING = ("DEQUANTIZE", "DENSIFY")


@dataclass(frozen=True, slots=True)
class TfliteTensor:
    """A value of the graph; batches are 1 and pictures NHWC."""

    name: str
    shape: tuple[int, ...]
    data: NDArray[Any] | None  # where it is constant


@dataclass(frozen=True, slots=True)
class TfliteOperator:
    """One step; inputs and outputs number the graph's tensors, -1 where one is left out."""

    kind: str  # as the schema calls it: "CONV_2D"
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: dict[str, Option]


@dataclass(frozen=True, slots=True)
class TfliteGraph:
    """A net, its operators in an order in which they can be computed."""

    tensors: tuple[TfliteTensor, ...]
    operators: tuple[TfliteOperator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class UnsupportedNetError(ValueError):
    """A net holds something that we do not convert; the message says what, and in which layer."""


def read_tflite(network: bytes) -> TfliteGraph:
    """The first graph of the TFLite file `network`.

    Raises UnsupportedNetError where it is none, or holds an operator that we do not know.
    """
    if len(network) < 8 or network[4:8] != b"TFL3":
        raise UnsupportedNetError(f"not a TFLite file: it begins with {network[:8]!r}")
    try:
        return _read(Table(network, int.from_bytes(network[:4], "little")))
    except (struct.error, IndexError, OverflowError, StopIteration, TypeError) as error:
        raise UnsupportedNetError(f"the file is damaged or cut off ({error})") from error


def _read(model: Table) -> TfliteGraph:
    codes = [_operator_code(code) for code in _tables(model, 1)]
    buffers = list(_tables(model, 4))
    graph = next(_tables(model, 2))
    tables = list(_tables(graph, 0))
    tensors = [_tensor(table, buffers) for table in tables]
    operators = []
    for table in _tables(graph, 3):
        operator = _operator(table, codes, tensors)
        first = operator.inputs[0]
        packed = tensors[first].data
        if operator.kind in _UNPACKING and packed is not None:
            data = _densified(tables[first], packed) if operator.kind == "DENSIFY" else packed
            at = operator.outputs[0]
            tensors[at] = TfliteTensor(tensors[at].name, tensors[at].shape, data)
        elif operator.kind in _UNPACKING:
            raise UnsupportedNetError(
                f"{operator.kind} of what is no weight, in {_name(tables[first])}"
            )
        else:
            operators.append(operator)
    return TfliteGraph(
        tuple(map(_unhalved, tensors)),
        tuple(operators),
        tuple(_numbers(graph, 1, np.int32).tolist()),
        tuple(_numbers(graph, 2, np.int32).tolist()),
    )


def _operator_code(table: Table) -> int:
    return int(max(_scalar(table, 0, flags.Int8Flags), _scalar(table, 3, flags.Int32Flags)))


def _operator(table: Table, codes: list[int], tensors: list[TfliteTensor]) -> TfliteOperator:
    code = codes[_scalar(table, 0, flags.Uint32Flags)]
    inputs, outputs = (tuple(_numbers(table, field, np.int32).tolist()) for field in (1, 2))
    if code not in _KINDS:
        known = ", ".join(kind for kind, _ in _KINDS.values())
        raise UnsupportedNetError(
            f"operator {code} of TFLite's schema, in layer {tensors[outputs[0]].name}, is not "
            f"converted; known are {known}"
        )
    kind, fields = _KINDS[code]
    options: dict[str, Option] = {}
    slot = table.Offset(4 + 2 * 4)
    chosen = Table(table.Bytes, table.Indirect(table.Pos + slot)) if slot else None
    for field, (name, kind_of_number) in enumerate(fields):
        if name:
            options[name] = _scalar(chosen, field, kind_of_number) if chosen else 0
    if "same" in options:
        options["same"] = options["same"] == 0
    return TfliteOperator(kind, inputs, outputs, options)


def _tensor(table: Table, buffers: list[Table]) -> TfliteTensor:
    shape = tuple(_numbers(table, 0, np.int32).tolist())
    data = _numbers(buffers[_scalar(table, 2, flags.Uint32Flags)], 0, np.uint8)
    if not len(data):
        return TfliteTensor(_name(table), shape, None)
    code = _scalar(table, 1, flags.Int8Flags)
    if code not in _DTYPES:
        raise UnsupportedNetError(f"weights {_name(table)} are of TFLite's type {code}")
    values = data.view(_DTYPES[code])
    whole = values.reshape(shape) if len(values) == math.prod(shape) else values
    return TfliteTensor(_name(table), shape, whole)


def _densified(table: Table, values: NDArray[Any]) -> NDArray[Any]:
    """The array whose nonzero elements are `values`, in the order of its dimensions' metadata."""
    shape = tuple(_numbers(table, 0, np.int32).tolist())
    slot = table.Offset(4 + 2 * 6)
    sparsity = Table(table.Bytes, table.Indirect(table.Pos + slot)) if slot else None
    if sparsity is None or len(_numbers(sparsity, 1, np.int32)):
        raise UnsupportedNetError(f"the sparse weights {_name(table)} are in blocks, or not sparse")
    order = _numbers(sparsity, 0, np.int32)
    places = np.zeros((1, 0), np.int64)  # of what is stored so far, one column a dimension
    for level in _tables(sparsity, 2):
        if _scalar(level, 0, flags.Int8Flags) == 0:  # dense: every index, for each place so far
            size = _scalar(level, 1, flags.Int32Flags)
            parents, indices = (
                np.arange(len(places)).repeat(size),
                np.tile(np.arange(size), len(places)),
            )
        else:  # compressed rows: which indices, is written
            segments, indices = _indices(level, 2), _indices(level, 4)
            parents = np.arange(len(places)).repeat(np.diff(segments))
        places = np.column_stack([places[parents], indices])
    dense = np.zeros(shape, values.dtype)
    dense[tuple(places[:, np.argsort(order)].T)] = values
    return dense


def _indices(level: Table, field: int) -> NDArray[np.int64]:
    """An array of one of three widths: its type at `field`, itself behind it."""
    kind = _scalar(level, field, flags.Uint8Flags)
    slot = level.Offset(4 + 2 * (field + 1))
    values = Table(level.Bytes, level.Indirect(level.Pos + slot))
    return _numbers(values, 0, _INDEX_DTYPES[kind]).astype(np.int64)


def _unhalved(tensor: TfliteTensor) -> TfliteTensor:
    if tensor.data is None or tensor.data.dtype != np.float16:
        return tensor
    return TfliteTensor(tensor.name, tensor.shape, tensor.data.astype(np.float32))


def _scalar(table: Table, field: int, kind: Any) -> Any:
    return table.GetSlot(4 + 2 * field, 0, kind)


def _name(table: Table) -> str:
    slot = table.Offset(4 + 2 * 3)
    return table.String(table.Pos + slot).decode(errors="replace") if slot else ""


def _numbers(table: Table, field: int, dtype: type[np.generic]) -> NDArray[Any]:
    """The vector of numbers `field`; empty where absent."""
    slot = table.Offset(4 + 2 * field)
    if not slot:
        return np.zeros(0, dtype)
    return np.frombuffer(table.Bytes, dtype, table.VectorLen(slot), table.Vector(slot))


def _tables(table: Table, field: int) -> Iterator[Table]:
    """The tables in the vector `field`."""
    slot = table.Offset(4 + 2 * field)
    for index in range(table.VectorLen(slot) if slot else 0):
        yield Table(table.Bytes, table.Indirect(table.Vector(slot) + 4 * index))
