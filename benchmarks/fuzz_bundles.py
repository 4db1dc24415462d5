"""Bundles and nets for the fuzzing: as they break, and as somebody would make them to break in."""

from __future__ import annotations

import hashlib
import io
import json
import random
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
from onnx import numpy_helper

from benchmarks.fuzz_mutate import ODD_LARGE, spoiled_bytes, spoiled_json
from benchmarks.fuzz_target import LetInError, Verdict
from live.bundle_net import check_net
from live.engines.onnx_bytes import refuse_external_data
from live.errors import SubjectError
from live.subject import MANIFEST, Subject, load_subject
from tests.live.engines.nets import fading_generator, weights_elsewhere
from tests.tiny_subject import write_tiny_subject

Files = dict[str, bytes]


class Bundles:
    """`load_subject` on .zip files. Some have right hashes, as an attacker's would."""

    name, share = "bundle", 0.2

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="fuzz-")
        folder = write_tiny_subject(Path(self._folder.name) / "sound", (32, 32), (48, 48))
        self._sound = load_subject(folder)
        self._files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
        self._path = Path(self._folder.name) / "subject.zip"

    def make(self, rng: random.Random) -> object:
        kind = rng.randrange(6)
        files = dict(self._files)
        if kind == 0:
            return spoiled_bytes(rng, zipped(files, rng))
        if kind == 1:  # altered, and the manifest does not say so
            name = rng.choice([one for one in files if one != MANIFEST])
            files[name] = spoiled_bytes(rng, files[name], list(files.values()))
            return zipped(files, rng)
        if kind == 2:
            manifest = spoiled_json(rng, json.loads(files[MANIFEST]))
            files[MANIFEST] = _written(manifest)
            return zipped(files, rng)
        name = rng.choice([one for one in files if one != MANIFEST])
        files[name] = self._spoiled(rng, name)
        return zipped(vouched(files), rng)

    def feed(self, given: object) -> Verdict:
        self._path.write_bytes(cast(bytes, given))
        try:
            subject = load_subject(self._path)
        except SubjectError as error:
            if not str(error).isprintable():
                raise LetInError(f"a message with control characters: {error!r}") from error
            return Verdict.REFUSED
        self._check(subject)
        return Verdict.TAKEN

    def close(self) -> None:
        self._folder.cleanup()

    def _spoiled(self, rng: random.Random, name: str) -> bytes:
        whole = self._files[name]
        if name == "plate.png" and rng.random() < 0.7:
            return spoiled_png(rng, whole)
        if name == "poses.npz" and rng.random() < 0.7:
            return spoiled_npz(rng, whole)
        return spoiled_bytes(rng, whole, list(self._files.values()))

    def _check(self, subject: Subject) -> None:
        """What was taken is what a manifest vouches for, and is what the stage relies on."""
        sound = self._sound
        if subject.sha256 == sound.sha256 and (
            subject.generator != sound.generator
            or not np.array_equal(subject.plate, sound.plate)
            or not np.array_equal(subject.codebook.points, sound.codebook.points)
        ):
            raise LetInError("an altered file, though its hash is the old one")
        if subject.plate.shape != (*subject.manifest.stage_size, 3):
            raise LetInError(f"a plate of {subject.plate.shape}")
        if not np.isfinite(subject.codebook.points).all():
            raise LetInError("poses that are not finite")
        if not subject.manifest.name.isprintable():
            raise LetInError(f"the name {subject.manifest.name!r}")


class Nets:
    """The look into a model, against what the onnx package itself sees in it."""

    name, share = "net", 0.2

    def __init__(self) -> None:
        places = ("initializer", "constant", "branch", "sparse")
        self._seeds = [
            fading_generator(8, 8),
            *(weights_elsewhere(place) for place in places),
        ]

    def make(self, rng: random.Random) -> object:
        whole = rng.choice(self._seeds)
        if rng.random() < 0.5:
            return spoiled_bytes(rng, whole, self._seeds)
        return spoiled_model(rng, whole)

    def feed(self, given: object) -> Verdict:
        data = cast(bytes, given)
        try:
            check_net(data, "net")
            refuse_external_data(data, "net")
        except SubjectError:
            return Verdict.REFUSED
        _oracle(data)
        return Verdict.TAKEN

    def close(self) -> None:
        """Nothing is held."""


def _oracle(data: bytes) -> None:
    """What onnx reads in a model that was let in. What it cannot read, no runtime runs either."""
    try:
        model = onnx.load_from_string(data)
    except Exception:  # protobuf has no public name for it
        return
    for tensor in model.graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            raise LetInError(f"{tensor.name!r} lies in another file")
        if tensor.data_type not in (1, 10, 11) or any(side < 0 for side in tensor.dims):
            continue
        try:
            values = numpy_helper.to_array(tensor)
        except (ValueError, TypeError, RuntimeError, MemoryError):
            continue
        if not np.isfinite(values).all():
            raise LetInError(f"{tensor.name!r} is not finite")


def zipped(files: Files, rng: random.Random) -> bytes:
    """An archive of `files`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", rng.choice((0, 0, 8))) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def vouched(files: Files) -> Files:
    """`files` with a manifest that has their hashes."""
    manifest = json.loads(files[MANIFEST])
    hashes = {name: hashlib.sha256(files[name]).hexdigest() for name in manifest["files"]}
    return {**files, MANIFEST: _written({**manifest, "files": hashes})}


def _written(manifest: Any) -> bytes:
    return json.dumps(manifest).encode("utf-8", "surrogatepass")


def spoiled_png(rng: random.Random, whole: bytes) -> bytes:
    """A PNG with one chunk changed, whose checksums are right again."""
    out, at, chunks = bytearray(whole[:8]), 8, []
    while at + 12 <= len(whole):
        (length,) = struct.unpack_from(">L", whole, at)
        chunks.append((whole[at + 4 : at + 8], whole[at + 8 : at + 8 + length]))
        at += 12 + length
    pick = rng.randrange(len(chunks))
    kind, body = chunks[pick]
    if kind == b"IDAT" and rng.random() < 0.7:
        body = zlib.compress(spoiled_bytes(rng, zlib.decompress(body)))
    else:
        body = spoiled_bytes(rng, body)
    chunks[pick] = (kind, body)
    if rng.random() < 0.2:
        chunks.insert(pick, (rng.choice((b"tEXt", b"iCCP", b"PLTE", b"acTL", b"tRNS")), body))
    for kind, body in chunks:
        out += struct.pack(">L", len(body)) + kind + body
        out += struct.pack(">L", zlib.crc32(kind + body))
    return bytes(out)


_ODD_TYPES = ("|O", "<f8", "<f4,<i4", "|V8", "<U4", "|S0", "<f2", ">f4", "", "x", "<M8[s]", "|b1")


def spoiled_npz(rng: random.Random, whole: bytes) -> bytes:
    """An archive of arrays, one of whose heads or contents is not what it was."""
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        arrays = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice(list(arrays))
    data = arrays[name]
    if rng.random() < 0.3:
        arrays[name] = spoiled_bytes(rng, data)
    else:
        (length,) = struct.unpack_from("<H", data, 8)
        head, rest = data[10 : 10 + length].decode("latin-1"), data[10 + length :]
        change = rng.randrange(4)
        if change == 0:
            head = head.replace("<f4", rng.choice(_ODD_TYPES))
        elif change == 1:
            head = head.replace("(", f"({rng.choice(ODD_LARGE)}, ", 1)
        elif change == 2:
            head = head.replace("(", "(" * rng.choice((2, 90, 300)), 1)
        else:
            head = spoiled_bytes(rng, head.encode("latin-1")).decode("latin-1")
        coded = head.encode("latin-1")[:65_000]
        arrays[name] = data[:8] + struct.pack("<H", len(coded)) + coded + rest
    return zipped(arrays, rng)


def spoiled_model(rng: random.Random, whole: bytes) -> bytes:
    """A model that is sound Protocol Buffers, with one tensor or node that is not as it should."""
    model = onnx.load_from_string(whole)
    tensor = rng.choice(list(model.graph.initializer) or [model.graph.initializer.add()])
    change = rng.randrange(7)
    if change == 0:
        tensor.dims.append(max(min(rng.choice(ODD_LARGE), 2**63 - 1), -(2**63)))
    elif change == 1:
        tensor.data_type = rng.randrange(0, 30)
    elif change == 2:
        odd = np.array([rng.choice((np.nan, np.inf, -np.inf, 1.0))])
        kind = rng.choice((np.float16, np.float32, np.float64))
        with np.errstate(all="ignore"):
            tensor.CopyFrom(numpy_helper.from_array(odd.astype(kind), tensor.name))
    elif change == 3:
        tensor.ClearField("raw_data")
        tensor.float_data.extend([1.0, float(rng.choice((np.nan, 2.0)))])
    elif change == 4:
        tensor.data_location = rng.choice((0, 1))
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", "../../etc/passwd"
    elif change == 5:
        model.graph.node.add().op_type = rng.choice(("Loop", "Scan", "If", "Nothing", ""))
    else:
        tensor.raw_data = rng.randbytes(rng.choice((0, 1, 4, 400)))
    return bytes(model.SerializeToString())
