"""Packs the two pose networks into the `.task` file that MediaPipe's PoseLandmarker loads.

A `.task` is a zip of stored files. Each network inside must say how its input is normalized, in a
TFLite metadata buffer (MediaPipe's `metadata_schema.fbs`, identifier M001), which the networks of
the older wheels lack. We graft it on: a new root table in front of the old file, whose offsets
lead into it. The old bytes stay as they are, so the weights keep their 16-byte alignment, which
a rewrite through FlatBuffers' Python object API would lose. Equal input gives equal bytes.
"""

from __future__ import annotations

import io
import struct
import zipfile
from typing import Any

import flatbuffers
from flatbuffers import number_types
from flatbuffers.table import Table

DETECTOR_NAME = "pose_detector.tflite"
LANDMARKS_NAME = "pose_landmarks_detector.tflite"

_TFLITE = b"TFL3"
_METADATA = b"M001"
_METADATA_NAME = "TFLITE_METADATA"
_ALIGNMENT = 16  # of weights inside the network, and of the networks inside the zip

_ZIP_HEADER = 30  # bytes before a file's name (PKWARE's APPNOTE, 4.3.7)
_ZIP_EXTRA = 4  # an extra field's own header
_ZIP_PADDING_ID = 0xD935  # the extra field that Android's zipalign pads with

# Field numbers of tflite's schema.fbs, table Model.
_MODEL_FIELDS = 8
_VERSION, _BUFFERS, _METADATA_ENTRIES = 0, 4, 6


def pack_task(detector: bytes, landmarks: bytes) -> bytes:
    """The `.task` file of a BlazePose `detector` and `landmarks` network, both TFLite files.

    The detector takes pixels in [-1, 1], the landmark network in [0, 1]. Raises ValueError where
    one of them is no TFLite file.
    """
    return _stored_zip(
        {
            DETECTOR_NAME: with_normalization(detector, mean=127.5, std=127.5),
            LANDMARKS_NAME: with_normalization(landmarks, mean=0.0, std=255.0),
        }
    )


def with_normalization(network: bytes, mean: float, std: float) -> bytes:
    """`network` with metadata that says: feed it (RGB pixel in [0, 255] - `mean`) / `std`.

    Raises ValueError where `network` is no TFLite file.
    """
    if len(network) < 8 or network[4:8] != _TFLITE:
        raise ValueError(f"not a TFLite file: it begins with {network[:8]!r}")
    builder = flatbuffers.Builder(len(network) + 65536)
    metadata = builder.CreateByteVector(_normalization_metadata(mean, std))
    builder.StartObject(1)
    builder.PrependUOffsetTRelativeSlot(0, metadata, 0)
    buffer = builder.EndObject()
    name = builder.CreateString(_METADATA_NAME)
    origin = _place_behind(builder, network)

    model = Table(network, int.from_bytes(network[:4], "little"))
    buffers = _vector(model, _BUFFERS)
    builder.StartObject(2)
    builder.PrependUOffsetTRelativeSlot(0, name, 0)
    builder.PrependUint32Slot(1, len(buffers), 0)
    entry = builder.EndObject()
    entries = [at for at in _vector(model, _METADATA_ENTRIES) if not _is_metadata(network, at)]
    moved = {
        _BUFFERS: _offsets(builder, [*(origin - at for at in buffers), buffer]),
        _METADATA_ENTRIES: _offsets(builder, [*(origin - at for at in entries), entry]),
    }
    builder.StartObject(_MODEL_FIELDS)
    for field in range(1, _MODEL_FIELDS):
        target = moved.get(field) or _target(model, field, origin)
        if target:
            builder.PrependUOffsetTRelativeSlot(field, target, 0)
    version = model.Get(number_types.Uint32Flags, model.Pos + _slot(model, _VERSION))
    builder.PrependUint32Slot(_VERSION, version, 0)
    builder.Finish(builder.EndObject(), file_identifier=_TFLITE)
    return bytes(builder.Output())


def _place_behind(builder: Any, network: bytes) -> int:
    """Put the old file's bytes into `builder`, aligned; returns where they begin.

    A builder counts offsets from the end, so a place `at` bytes into the file is that minus `at`.
    """
    builder.Prep(_ALIGNMENT, len(network))
    builder.head = builder.head - len(network)
    builder.Bytes[builder.head : builder.head + len(network)] = network
    return int(builder.Offset())


def _slot(table: Table, field: int) -> int:
    return int(table.Offset(4 + 2 * field))


def _target(table: Table, field: int, origin: int) -> int:
    """Where in the builder the old file's `field` leads; 0 where it is absent."""
    slot = _slot(table, field)
    return origin - int(table.Indirect(table.Pos + slot)) if slot else 0


def _vector(table: Table, field: int) -> list[int]:
    """The places, in the old file, of the tables in the vector `field`."""
    slot = _slot(table, field)
    if not slot:
        return []
    first = table.Vector(slot)
    return [table.Indirect(first + 4 * index) for index in range(table.VectorLen(slot))]


def _is_metadata(network: bytes, entry: int) -> bool:
    """Whether the old file's metadata `entry` is of the kind that we write, and so gives way."""
    table = Table(network, entry)
    return bool(table.String(table.Pos + _slot(table, 0)) == _METADATA_NAME.encode())


def _offsets(builder: Any, offsets: list[int]) -> int:
    """A vector of tables that are already in `builder`."""
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _normalization_metadata(mean: float, std: float) -> bytes:
    """A ModelMetadata with one RGB image input; field numbers are metadata_schema.fbs's."""
    builder = flatbuffers.Builder(512)

    def floats(value: float) -> int:
        builder.StartVector(4, 1, 4)
        builder.PrependFloat32(value)
        return int(builder.EndVector())

    def table(fields: int, **offsets: int) -> int:
        builder.StartObject(fields)
        for field, offset in offsets.items():
            builder.PrependUOffsetTRelativeSlot(int(field[1:]), offset, 0)
        return int(builder.EndObject())

    def tagged(fields: int, tag: int, union: int) -> int:
        builder.StartObject(fields)
        builder.PrependUint8Slot(0, tag, 0)
        builder.PrependUOffsetTRelativeSlot(1, union, 0)
        return int(builder.EndObject())

    normalization = table(2, _0=floats(mean), _1=floats(std))
    process = tagged(2, 1, normalization)  # ProcessUnitOptions.NormalizationOptions
    builder.StartObject(2)
    builder.PrependInt8Slot(0, 1, 0)  # ColorSpaceType.RGB
    image = builder.EndObject()
    content = tagged(3, 2, image)  # ContentProperties.ImageProperties
    tensor = table(7, _3=content, _4=_offsets(builder, [process]))
    subgraph = table(7, _2=_offsets(builder, [tensor]))
    root = table(8, _3=_offsets(builder, [subgraph]))
    builder.Finish(root, file_identifier=_METADATA)
    return bytes(builder.Output())


def _stored_zip(files: dict[str, bytes]) -> bytes:
    """A zip without compression, whose files begin at multiples of the alignment."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)  # dated 1980, so that no clock gets into the bytes
            info.create_system = 3  # the same on every system
            body = packed.tell() + _ZIP_HEADER + len(name) + _ZIP_EXTRA
            padding = -body % _ALIGNMENT
            info.extra = struct.pack("<HH", _ZIP_PADDING_ID, padding) + bytes(padding)
            archive.writestr(info, data)
    return packed.getvalue()
