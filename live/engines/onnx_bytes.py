"""Looks into an ONNX model without the onnx package: does it point at files beside it?

A bundle's model is read into memory and checked by its hash; weights that it would fetch from
other files escape that check, and a model from elsewhere could name any file of this machine.
So a model that names one is refused before a runtime sees it.

Field numbers are those of onnx.proto; the wire format is Protocol Buffers' own.
"""

from __future__ import annotations

from collections.abc import Iterator

from live.errors import SubjectError

# Kind of message -> {field: kind of the message in it}: the ways that lead to a TensorProto.
_WAYS: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
_TENSOR_NAME, _EXTERNAL_DATA, _DATA_LOCATION = 8, 13, 14
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def refuse_external_data(model: bytes, what: str) -> None:
    """Raise SubjectError where `model` keeps weights in other files, or is no ONNX model."""
    try:
        names = list(_external(model))
    except (IndexError, ValueError) as error:
        raise SubjectError(f"{what} cannot be loaded: it is no ONNX model ({error})") from error
    if names:
        raise SubjectError(
            f"{what} cannot be loaded: its tensor {names[0]!r} lies in another file (external "
            f"data, {len(names)} such); a bundle's model holds all its weights: export it again"
        )


def _external(model: bytes) -> Iterator[str]:
    """Names of the tensors whose numbers are elsewhere."""
    view = memoryview(model)
    if not view:
        raise ValueError("it is empty")
    waiting = [("model", view)]
    while waiting:
        kind, message = waiting.pop()
        name, external = "", False
        for field, value in _fields(message):
            inner = _WAYS[kind].get(field)
            if inner is not None and isinstance(value, memoryview):
                waiting.append((inner, value))
            elif kind == "tensor":
                if field == _TENSOR_NAME and isinstance(value, memoryview):
                    name = bytes(value).decode("utf-8", "replace")
                external |= field == _EXTERNAL_DATA or (field == _DATA_LOCATION and value != 0)
        if external:
            yield name


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """(field, value) of one message; raises ValueError or IndexError where it is malformed."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        field, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, at = _varint(message, at)
            yield field, value
            continue
        if wire == _BYTES:
            length, at = _varint(message, at)
        elif wire in (_FIXED64, _FIXED32):
            length = 8 if wire == _FIXED64 else 4
        else:
            raise ValueError(f"wire type {wire}")
        if at + length > len(message):
            raise ValueError("it was cut off")
        yield field, message[at : at + length]
        at += length


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("a number of more than 64 bits")
