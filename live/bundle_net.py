"""Looks at a bundle's ONNX model before any runtime does: sizes, numbers, and what may not end.

A runtime takes a model at its word. One from elsewhere could ask for all memory, hold weights that
make every picture black (NaN spreads through a generator's state and never leaves it), loop for
ever, or keep the checker itself busy for hours. None of that needs the onnx package to be seen.
That no weights lie in other files is `live.engines.onnx_bytes`' affair.

Field numbers are those of onnx.proto; the wire format is Protocol Buffers' own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from live.errors import SubjectError

MOST_FIELDS = 400_000
"""Fields looked at in one model. A generator has a few thousand, however large its weights are."""

MOST_DEPTH = 32
"""Messages within messages; protobuf itself stops at 100."""

MOST_NUMBERS = 1 << 28
"""Weights in one model: 1 GiB of float32. The largest generator so far has 2^27."""

MOST_SIDE = 1 << 24
"""Of one dimension of a tensor, or of an input or output."""

ENDLESS = frozenset({"Loop", "Scan"})
"""Operators that may run for as long as their weights say; no generator has a use for them."""

Value = int | memoryview

_MESSAGES: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 11: "value", 12: "value", 13: "value", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
    "value": {2: "type"},
    "type": {1: "tensor_type"},
    "tensor_type": {2: "shape"},
    "shape": {1: "dimension"},
    "dimension": {},
}
"""Kind of message -> {field: kind of the message in it}: ways to what is looked at."""

_DIMS, _DATA_TYPE, _NAME, _RAW, _LOCATION = 1, 2, 8, 9, 14
_FLOAT_DATA, _INT32_DATA, _DOUBLE_DATA = 4, 5, 10
_NODE_OPERATOR = 4
_ATTRIBUTE_FLOAT, _ATTRIBUTE_FLOATS = 2, 7

_FLOATS: dict[int, Literal["<f4", "<f2", "<f8"]] = {1: "<f4", 10: "<f2", 11: "<f8"}
_FLOAT16, _BFLOAT16 = 10, 16
_BYTES = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 16: 2}
"""Bytes of a number of each type whose size is whole."""


@dataclass(slots=True)
class _Tensor:
    dims: list[int] = field(default_factory=list)
    kind: int = 0
    name: str = ""
    elsewhere: bool = False
    raw: memoryview | None = None
    floats: list[memoryview] = field(default_factory=list)
    doubles: list[memoryview] = field(default_factory=list)
    halves: list[Value] = field(default_factory=list)  # int32_data, which has 16-bit floats, too

    @property
    def numbers(self) -> int:
        count = 1
        for side in self.dims:
            count *= side
        return count


def check_net(model: bytes, what: str) -> None:
    """Raise SubjectError where `model` is one that no generator is; `what` names it."""
    try:
        _Look(memoryview(model)).all()
    except (IndexError, ValueError) as error:
        reason = str(error) if isinstance(error, ValueError) else "it was cut off"
        raise SubjectError(
            f"{what} cannot be loaded: {reason}; export the subject again"
        ) from error


class _Look:
    """One pass over one model."""

    def __init__(self, model: memoryview) -> None:
        if not model:
            raise ValueError("it is empty")
        self._waiting = [("model", model, 0)]
        self._fields = 0
        self._numbers = 0

    def all(self) -> None:
        while self._waiting:
            kind, message, depth = self._waiting.pop()
            if depth > MOST_DEPTH:
                raise ValueError(f"its graphs are nested more than {MOST_DEPTH} deep")
            if kind == "tensor":
                self._tensor(message)
                continue
            for number, value in self._read(message):
                inner = _MESSAGES[kind].get(number)
                if inner is not None and isinstance(value, memoryview):
                    self._waiting.append((inner, value, depth + 1))
                else:
                    self._plain(kind, number, value)

    def _plain(self, kind: str, number: int, value: Value) -> None:
        if kind == "node" and number == _NODE_OPERATOR and isinstance(value, memoryview):
            operator = bytes(value[:100]).decode("utf-8", "replace")
            if operator in ENDLESS:
                raise ValueError(f"it has the operator {operator}, which may never end")
        elif kind == "attribute" and number in (_ATTRIBUTE_FLOAT, _ATTRIBUTE_FLOATS):
            if isinstance(value, memoryview):
                _finite(_numbers(value, "<f4"), "an attribute")
        elif kind == "dimension" and number == 1 and isinstance(value, int):
            _side(value, "an input or output")

    def _tensor(self, message: memoryview) -> None:
        tensor = _Tensor()
        for number, value in self._read(message):
            if number == _DIMS:
                tensor.dims += _integers(value)
                if len(tensor.dims) > MOST_DEPTH:
                    raise ValueError("a tensor has more dimensions than anybody needs")
            elif isinstance(value, int):
                tensor.kind = value if number == _DATA_TYPE else tensor.kind
                tensor.elsewhere |= number == _LOCATION and value != 0
                if number == _INT32_DATA:
                    tensor.halves.append(value)
            elif number == _NAME:
                tensor.name = bytes(value[:100]).decode("utf-8", "replace")
            elif number == _RAW:
                tensor.raw = value
            elif number == _FLOAT_DATA:
                tensor.floats.append(value)
            elif number == _DOUBLE_DATA:
                tensor.doubles.append(value)
            elif number == _INT32_DATA:
                tensor.halves.append(value)
        self._count(tensor)
        _check_numbers(tensor)

    def _count(self, tensor: _Tensor) -> None:
        for side in tensor.dims:
            _side(side, f"its tensor {tensor.name!r}")
        self._numbers += tensor.numbers
        if self._numbers > MOST_NUMBERS:
            raise ValueError(f"its tensors have more than {MOST_NUMBERS} numbers")
        size = _BYTES.get(tensor.kind)
        if tensor.raw is not None and size is not None and not tensor.elsewhere:
            wanted = tensor.numbers * size
            if wanted != len(tensor.raw):
                raise ValueError(
                    f"its tensor {tensor.name!r} says {wanted} bytes and has {len(tensor.raw)}"
                )

    def _read(self, message: memoryview) -> Iterator[tuple[int, Value]]:
        """(field, value) of one message, the value of a fixed number as its bytes."""
        at, end = 0, len(message)
        while at < end:
            self._fields += 1
            if self._fields > MOST_FIELDS:
                raise ValueError(f"it has more than {MOST_FIELDS} fields")
            tag, at = _varint(message, at)
            number, wire = tag >> 3, tag & 7
            if wire == 0:
                value, at = _varint(message, at)
                yield number, value
                continue
            if wire == 2:
                length, at = _varint(message, at)
            elif wire in (1, 5):
                length = 8 if wire == 1 else 4
            else:
                raise ValueError(f"it is no ONNX model (wire type {wire})")
            if at + length > end:
                raise ValueError("it is no ONNX model (it was cut off)")
            yield number, message[at : at + length]
            at += length


def _check_numbers(tensor: _Tensor) -> None:
    what = f"its tensor {tensor.name!r}"
    if tensor.raw is not None and tensor.kind in _FLOATS:
        _finite(_numbers(tensor.raw, _FLOATS[tensor.kind]), what)
    if tensor.raw is not None and tensor.kind == _BFLOAT16:
        _finite_bfloat16(np.frombuffer(tensor.raw, "<u2"), what)
    for part in tensor.floats:
        _finite(_numbers(part, "<f4"), what)
    for part in tensor.doubles:
        _finite(_numbers(part, "<f8"), what)
    if tensor.halves and tensor.kind in (_FLOAT16, _BFLOAT16):
        bits = [one & 0xFFFF for part in tensor.halves for one in _integers(part)]
        halves = np.array(bits, "<u2")
        if tensor.kind == _FLOAT16:
            _finite(halves.view("<f2"), what)
        else:
            _finite_bfloat16(halves, what)


def _finite(values: NDArray[np.floating], what: str) -> None:
    if not np.isfinite(values).all():
        raise ValueError(f"{what} has numbers that are not finite")


def _finite_bfloat16(bits: NDArray[np.uint16], what: str) -> None:
    """The upper half of a float32: an exponent of nothing but ones is infinite, or no number."""
    if bool(((bits & 0x7F80) == 0x7F80).any()):
        raise ValueError(f"{what} has numbers that are not finite")


def _numbers(data: memoryview, kind: Literal["<f4", "<f2", "<f8"]) -> NDArray[np.floating]:
    if len(data) % int(kind[2]):
        raise ValueError("it has half a number")
    return np.frombuffer(data, kind)


def _side(side: int, what: str) -> None:
    if not 0 <= side <= MOST_SIDE:
        raise ValueError(f"{what} has a side of {side} (0 to {MOST_SIDE} are taken)")


def _integers(value: Value) -> list[int]:
    """One integer, or many that are packed."""
    if isinstance(value, int):
        return [_signed(value)]
    found, at = [], 0
    while at < len(value):
        one, at = _varint(value, at)
        found.append(_signed(one))
        if len(found) > MOST_FIELDS:
            raise ValueError("it has too long a list of integers")
    return found


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
        shift += 7
        if shift > 63:
            raise ValueError("it is no ONNX model (a number of more than 64 bits)")
