"""What a TensorRT-RTX engine says of its own inputs and outputs, read from its bytes.

The library reads an engine only where there is a driver. So that machines without one can tell that
what was built takes and gives what the net does, its description is decoded here: a stream of
tagged values, as release 1.7 writes it (found by holding engines of known nets against each other;
NVIDIA documents none of it). Another release may write another one: then this is what has to
change, and nothing of the show.

A tensor begins with its name (its length in 8 bytes, then as many letters) and `_TENSOR`, followed
by its type in 4 bytes; `_TO_SHAPE` bytes after its name come the number of its sides and the sides,
8 bytes each.
"""

from __future__ import annotations

import struct

from live.engines.base import Tensor

_TENSOR = bytes.fromhex("1c800100 03800100 00 0d800100 07800100")
_TO_SHAPE = 132
_LONGEST_NAME = 64
_MOST_SIDES = 8
_TYPES = {0: "float32", 1: "float16", 3: "int32", 5: "uint8"}


def described(engine: bytes) -> set[Tensor]:
    """The engine's inputs and outputs. Raises ValueError where it is described in another way."""
    found = set()
    at = engine.find(_TENSOR)
    while at >= 0:
        (kind,) = struct.unpack_from("<i", engine, at + len(_TENSOR))
        found.add(Tensor(_name_before(engine, at), _shape(engine, at + _TO_SHAPE), _TYPES[kind]))
        at = engine.find(_TENSOR, at + 1)
    if not found:
        raise ValueError("no tensor is described as release 1.7 describes them")
    return found


def _name_before(engine: bytes, end: int) -> str:
    for length in range(1, _LONGEST_NAME + 1):
        start = end - length
        if engine[start - 8 : start] == struct.pack("<q", length):
            return engine[start:end].decode("ascii")
    raise ValueError(f"no name stands before byte {end}")


def _shape(engine: bytes, at: int) -> tuple[int, ...]:
    (count,) = struct.unpack_from("<q", engine, at)
    if not 0 < count <= _MOST_SIDES:
        raise ValueError(f"{count} sides at byte {at}")
    return struct.unpack_from(f"<{count}q", engine, at + 8)
