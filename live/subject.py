"""The subject bundle: everything the stage needs of one trained person, written and read strictly.

A bundle is a folder, or one .zip of it, holding

    subject.json    the manifest (`SubjectManifest`), with the SHA-256 of every file below
    generator.onnx  label + state -> premultiplied RGBA + next state
    plate.png       the stage without the person, RGB, at the stage's size
    poses.npz       codebook of training poses and the neutral pose, in stage pixels
    thumb.jpg       a small portrait
    generator.int8.onnx  optional: the generator with 8-bit convolutions, for CPUs
    face.onnx       optional: makes good the head in what the generator paints, see `live.retouch`
    hands.onnx      optional: the same for the hands; see `live.parts` for all there may be

Plain data only: nothing is ever unpickled. Files are read into memory, hashed, and only then
looked into, so what is checked is what is used. The hashes tell of damage and of mixed-up files,
not of malice: whoever makes a bundle makes its hashes. So nothing in it is taken at its word.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from live.body import BodyStats
from live.bundle_files import (
    BROKEN_ZIP,
    Reader,
    check_member,
    folder_reader,
    open_archive,
    zip_reader,
)
from live.bundle_net import check_net
from live.errors import SubjectError
from live.frames import Image
from live.parts import PARTS
from live.picture_size import size_of_png
from live.skeleton import JOINTS, LabelStyle
from live.window import WindowSettings

FORMAT = 2
OLDEST = 2  # in format 1 the generator saw the whole stage
MANIFEST = "subject.json"
REQUIRED = ("generator.onnx", "plate.png", "poses.npz", "thumb.jpg")
OPTIONAL = (*(part.file for part in PARTS), "generator.int8.onnx")
NETS = ("generator.onnx", *OPTIONAL)
MAX_FILE_BYTES = {  # a teacher's weights fit; a zip bomb does not
    **dict.fromkeys(NETS, 1 << 30),
    "plate.png": 1 << 26,
    "poses.npz": 1 << 28,
    "thumb.jpg": 1 << 23,
}
MAX_TOTAL_BYTES = 3 << 29
MAX_POSES_BYTES = 1 << 28  # of one array, unpacked: 450,000 poses
MAX_MANIFEST_BYTES = 1 << 20
MAX_SIDE_PX = 4096
MAX_TEXT = 2000  # characters of a name, or of a line of the consent record


@dataclass(frozen=True, slots=True)
class Consent:
    """Who agreed to be set in motion, and to what. Shown to the operator."""

    subject: str  # the person's name, or what stands in for a person
    basis: str  # "written agreement", "myself", "synthetic: no living person", ...
    scope: str  # what was agreed to, in words
    date: str  # ISO 8601, when it was given

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            _check_text(f"consent's {name}", value)


@dataclass(frozen=True, slots=True)
class SubjectManifest:
    """What `subject.json` says."""

    name: str
    generator_size: tuple[int, int]  # (height, width) of label and layer, pixels
    stage_size: tuple[int, int]  # (height, width) of the plate and of the picture, pixels
    style: LabelStyle
    body: BodyStats
    window: WindowSettings  # what of the stage the generator sees
    consent: Consent | None
    footage: dict[str, Any] = field(default_factory=dict)  # where the training pictures came from
    training: dict[str, Any] = field(default_factory=dict)  # how it was trained
    quality: dict[str, Any] = field(default_factory=dict)  # figures of the evaluation sheet

    def __post_init__(self) -> None:
        if not (isinstance(self.name, str) and self.name.strip()):
            raise ValueError(f"name is {self.name!r}; it must be a text that is not empty")
        _check_text("name", self.name)
        for what in ("generator_size", "stage_size"):
            sides = getattr(self, what)
            if len(sides) != 2 or not all(
                type(side) is int and 16 <= side <= MAX_SIDE_PX for side in sides
            ):
                raise ValueError(
                    f"{what} is {sides}; it must be (height, width) within 16..{MAX_SIDE_PX}"
                )


@dataclass(frozen=True, slots=True, eq=False)
class Codebook:
    """Poses of the training footage, in pixels of the stage."""

    points: NDArray[np.float32]  # (K, J, 2)
    scores: NDArray[np.float32]  # (K, J)
    neutral_points: NDArray[np.float32]  # (J, 2), a calm stance the subject can always return to
    neutral_scores: NDArray[np.float32]  # (J,)

    def __post_init__(self) -> None:
        count, joints = self.points.shape[0], len(JOINTS)
        expected = {
            "points": (count, joints, 2),
            "scores": (count, joints),
            "neutral_points": (joints, 2),
            "neutral_scores": (joints,),
        }
        for name, shape in expected.items():
            array = getattr(self, name)
            if array.shape != shape or array.dtype != np.float32:
                raise ValueError(
                    f"{name} is {array.dtype} {array.shape}; it must be float32 {shape}"
                )
            if not np.isfinite(array).all():
                raise ValueError(f"{name} holds numbers that are not finite")


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A bundle that was read and checked."""

    manifest: SubjectManifest
    generator: bytes  # an ONNX model
    parts: Mapping[str, bytes]  # ONNX models by `live.parts.Part.name`; only those that are there
    small: bytes | None  # the generator with 8-bit convolutions, an ONNX model
    plate: Image  # RGB uint8 (H, W, 3) at the stage's size
    codebook: Codebook
    origin: Path
    sha256: str  # of the manifest, which holds every other hash: the bundle's identity


def load_subject(path: Path) -> Subject:
    """Read and check a bundle: a folder or a .zip.

    Raises SubjectError that names the file for anything missing, altered, newer or malformed.
    """
    subject, files = _load(path)
    for name in NETS:
        if name in files:
            check_net(files[name], f"{name} of {path}")
    return subject


def load_manifest(path: Path) -> tuple[SubjectManifest, str]:
    """What a bundle says of itself, and its identity (`Subject.sha256`); no other file is read.

    Raises SubjectError.
    """
    text = _reader(path)(MANIFEST, MAX_MANIFEST_BYTES)
    return _parse_manifest(text, path)[0], hashlib.sha256(text).hexdigest()


def _reader(path: Path) -> Reader:
    if not os.path.exists(path):  # Path.exists raises on a name that is too long
        raise SubjectError(
            f"subject {path} does not exist; give the folder or .zip that export wrote, "
            f"or leave --subject out for the demo subject"
        )
    if path.is_dir() and not os.path.lexists(path / MANIFEST):
        raise SubjectError(
            f"{path} is no subject: there is no {MANIFEST} in it; --list-subjects {path} finds "
            "those below it"
        )
    return zip_reader(path, MANIFEST) if path.is_file() else folder_reader(path)


def _load(path: Path) -> tuple[Subject, dict[str, bytes]]:
    """`load_subject`, without a look into the nets, and all files by name."""
    read = _reader(path)
    text = read(MANIFEST, MAX_MANIFEST_BYTES)
    manifest, hashes = _parse_manifest(text, path)
    files: dict[str, bytes] = {}
    left = MAX_TOTAL_BYTES
    for name in hashes:
        files[name] = _checked(read(name, min(MAX_FILE_BYTES[name], left)), name, hashes, path)
        left -= len(files[name])
    plate = _decode_plate(files["plate.png"], manifest, path)
    subject = Subject(
        manifest=manifest,
        generator=files["generator.onnx"],
        parts={part.name: files[part.file] for part in PARTS if part.file in files},
        small=files.get("generator.int8.onnx"),
        plate=plate,
        codebook=_decode_codebook(files["poses.npz"], path),
        origin=path,
        sha256=hashlib.sha256(text).hexdigest(),
    )
    return subject, files


def write_subject(folder: Path, manifest: SubjectManifest, files: Mapping[str, bytes]) -> None:
    """Write a bundle, whole or not at all: it is built beside `folder` and then renamed.

    `files` maps names of `REQUIRED` and `OPTIONAL` to their content. Raises SubjectError when one
    is missing or unknown, or when `folder` holds something that is no bundle.
    """
    missing = [name for name in REQUIRED if name not in files]
    unknown = [name for name in files if name not in REQUIRED + OPTIONAL]
    if missing or unknown:
        raise SubjectError(f"cannot write {folder}: missing {missing}, unknown {unknown}")
    if folder.exists() and any(folder.iterdir()) and not (folder / MANIFEST).exists():
        raise SubjectError(f"{folder} holds files that are no subject; name an empty folder")
    building = folder.with_name(folder.name + ".building")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    for name, content in files.items():
        (building / name).write_bytes(content)
    (building / MANIFEST).write_text(_manifest_json(manifest, files), encoding="utf-8")
    _load(building)  # what we write, we can read
    shutil.rmtree(folder, ignore_errors=True)
    building.rename(folder)


def add_to_subject(folder: Path, name: str, content: bytes) -> None:
    """Put one of the `OPTIONAL` files into a bundle that is a folder; whole or not at all.

    Raises SubjectError where the bundle is broken or a .zip.
    """
    subject = load_subject(folder)
    if not folder.is_dir():
        raise SubjectError(f"{folder} is no folder; unpack it, or export the subject again")
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != MANIFEST}
    known = {name: files[name] for name in REQUIRED + OPTIONAL if name in files}
    write_subject(folder, subject.manifest, {**known, name: content})


def _manifest_json(manifest: SubjectManifest, files: Mapping[str, bytes]) -> str:
    data = {
        "format": FORMAT,
        "name": manifest.name,
        "joints": len(JOINTS),
        "generator_size": list(manifest.generator_size),
        "stage_size": list(manifest.stage_size),
        "style": asdict(manifest.style),
        "body": manifest.body.to_json(),
        "window": manifest.window.to_json(),
        "consent": asdict(manifest.consent) if manifest.consent else None,
        "footage": manifest.footage,
        "training": manifest.training,
        "quality": manifest.quality,
        "files": {name: hashlib.sha256(files[name]).hexdigest() for name in sorted(files)},
    }
    return json.dumps(data, indent=2, allow_nan=False) + "\n"


def encode_codebook(codebook: Codebook) -> bytes:
    """The content of `poses.npz`."""
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        points=codebook.points,
        scores=codebook.scores,
        neutral_points=codebook.neutral_points,
        neutral_scores=codebook.neutral_scores,
    )
    return buffer.getvalue()


def _parse_manifest(text: bytes, path: Path) -> tuple[SubjectManifest, dict[str, str]]:
    where = f"{MANIFEST} of {path}"
    try:
        data = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:  # not UTF-8, not JSON, or nested absurdly
        raise SubjectError(f"{where} is not JSON ({error}); export the subject again") from error
    if not isinstance(data, dict) or type(data.get("format")) is not int:
        raise SubjectError(f"{where} has no format number; it is no subject bundle")
    if data["format"] > FORMAT:
        raise SubjectError(
            f"{where} has format {data['format']}, this program knows {FORMAT}; "
            f"update the program or export the subject with this version"
        )
    if data["format"] < OLDEST:
        raise SubjectError(
            f"{where} has format {data['format']}, this program knows {OLDEST} to {FORMAT}; "
            f"train and export the subject again with this version"
        )
    try:
        return _manifest_from(data), _hashes_from(data["files"])
    except (KeyError, TypeError, ValueError) as error:
        problem = (
            f"lacks the field {error}"
            if isinstance(error, KeyError)
            else f"is wrong: {_printable(str(error))}"
        )
        raise SubjectError(f"{where} {problem}; export the subject again") from error


def _no_number(name: str) -> float:
    raise ValueError(f"it says {name}, which is no number")


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def _check_text(what: str, value: object) -> None:
    """These are shown: on terminals, whose commands begin with characters that are not printed."""
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise ValueError(f"{what} is no text of {MAX_TEXT} characters at most")
    if not value.isprintable():
        raise ValueError(f"{what} is {value!r}; it holds characters that cannot be printed")


def _manifest_from(data: dict[str, Any]) -> SubjectManifest:
    if data["joints"] != len(JOINTS):
        raise ValueError(f"it has {data['joints']!r} joints, this skeleton has {len(JOINTS)}")
    style = dict(data["style"])
    style["groups"] = tuple(style["groups"])
    records = {name: dict(data[name]) for name in ("footage", "training", "quality")}
    return SubjectManifest(
        name=data["name"],
        generator_size=tuple(data["generator_size"]),
        stage_size=tuple(data["stage_size"]),
        style=LabelStyle(**style),
        body=BodyStats.from_json(data["body"]),
        window=WindowSettings.from_json(data["window"]),
        consent=Consent(**data["consent"]) if data["consent"] is not None else None,
        **records,
    )


def _hashes_from(files: object) -> dict[str, str]:
    if not isinstance(files, dict):
        raise ValueError("its list of files is no table of names and hashes")
    missing = [name for name in REQUIRED if name not in files]
    unknown = [name for name in files if name not in REQUIRED + OPTIONAL]
    if missing or unknown:
        raise ValueError(f"its list of files misses {missing} and has unknown {unknown}")
    return {str(name): str(digest) for name, digest in files.items()}


def _checked(content: bytes, name: str, hashes: dict[str, str], path: Path) -> bytes:
    found = hashlib.sha256(content).hexdigest()
    if found != hashes[name]:
        raise SubjectError(
            f"{name} of {path} is not the file that was exported (SHA-256 {found[:12]}..., the "
            f"manifest says {_printable(hashes[name][:12])}...); copy or export the subject again"
        )
    return content


def _decode_plate(content: bytes, manifest: SubjectManifest, path: Path) -> Image:
    size = size_of_png(content)  # before it is unpacked, and by no decoder but PNG's
    content = _plain_png(content)
    if size not in (None, manifest.stage_size):
        raise SubjectError(
            f"plate.png of {path} is {size}, the manifest says {manifest.stage_size}; "
            f"export the subject again"
        )
    try:
        whole = np.frombuffer(content, np.uint8)
        bgr = None if size is None else cv2.imdecode(whole, cv2.IMREAD_COLOR)
    except cv2.error:
        bgr = None
    if bgr is None or bgr.shape[:2] != size:
        raise SubjectError(f"plate.png of {path} is no picture; export the subject again")
    return np.ascontiguousarray(bgr[:, :, ::-1], np.uint8)


_NPY = re.compile(
    rb"\x93NUMPY\x01\x00(..)\{'descr': '<f4', 'fortran_order': (False|True), "
    rb"'shape': \(((?:\d{1,9}, ?)*\d{0,9})\), \} *\n",
    re.DOTALL,
)
"""The head of an array of float32 as numpy writes it (NEP 1). numpy's own reader takes it for
Python, and a head that was made for the purpose makes it raise nearly anything."""


def _plain_png(content: bytes) -> bytes:
    """The chunks that make the picture; nothing where one is cut off.

    The rest may make a film of it, of any size (APNG), and for a chunk that says it has 4 GiB
    OpenCV 5.0 takes 4 GiB.
    """
    out, at = content[:8], 8
    while at + 12 <= len(content):
        end = at + 12 + int.from_bytes(content[at : at + 4], "big")
        if end > len(content):
            return b""
        if content[at + 4 : at + 8] in (b"IHDR", b"PLTE", b"IDAT", b"IEND"):
            out += content[at:end]
        at = end
    return out


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[np.float32]:
    check_member(archive.getinfo(name), MAX_POSES_BYTES)
    data = archive.read(name)
    head = _NPY.match(data)
    if head is None or head.end() != 10 + int.from_bytes(head[1], "little"):
        raise ValueError(f"{name} is no array of float32")
    shape = [int(side) for side in head[3].replace(b" ", b"").split(b",") if side]
    numbers = np.frombuffer(data, "<f4", offset=head.end()).astype(np.float32)
    return numbers.reshape(shape, order="F" if head[2] == b"True" else "C")


def _decode_codebook(content: bytes, path: Path) -> Codebook:
    try:
        with open_archive(io.BytesIO(content)) as archive:
            return Codebook(
                **{name: _array(archive, f"{name}.npy") for name in Codebook.__dataclass_fields__}
            )
    except (*BROKEN_ZIP, LookupError, MemoryError) as error:
        raise SubjectError(
            f"poses.npz of {path} cannot be used ({error}); export the subject again"
        ) from error
