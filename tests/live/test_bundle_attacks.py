"""Bundles made on purpose: every hash is right, and they are refused all the same."""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from live import bundle_files, bundle_net, subject
from live.bundle_net import check_net
from live.errors import SubjectError
from live.options import DEMO
from live.subject import load_subject
from tests.live.engines.nets import fading_generator
from tests.tiny_subject import label_generator, tiny_files, write_tiny_subject

Files = dict[str, bytes]
Harm = Callable[[Files], object]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """A sound bundle's files, the manifest among them."""
    folder = write_tiny_subject(tmp_path / "sound")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def hashed(files: Files) -> Files:
    """The files with a manifest that vouches for them."""
    manifest = json.loads(files["subject.json"])
    for name in manifest["files"]:
        manifest["files"][name] = hashlib.sha256(files[name]).hexdigest()
    return {**files, "subject.json": json.dumps(manifest).encode()}


def zipped(files: Files, method: int = zipfile.ZIP_DEFLATED, prefix: str = "") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(prefix + name, content)
    return buffer.getvalue()


def load(tmp_path: Path, archive: bytes) -> subject.Subject:
    path = tmp_path / "subject.zip"
    path.write_bytes(archive)
    return load_subject(path)


# ---- the manifest --------------------------------------------------------------------------


def manifest(change: Callable[[dict], object]) -> Harm:
    def do(files: Files) -> None:
        data = json.loads(files["subject.json"])
        change(data)
        files["subject.json"] = json.dumps(data).encode()

    return do


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (manifest(lambda d: d["files"].update({"../../evil": "0"})), "unknown"),
        (manifest(lambda d: d["files"].update({"/etc/passwd": "0"})), "unknown"),
        (manifest(lambda d: d.update(name="\x1b]0;owned\x07")), "cannot be printed"),
        (manifest(lambda d: d.update(name="a\u202eb")), "cannot be printed"),
        (manifest(lambda d: d.update(name="a" * 3000)), "2000 characters"),
        (manifest(lambda d: d["consent"].update(basis="\x1b[2J")), "cannot be printed"),
        (manifest(lambda d: d["consent"].update(basis=["yes"])), "no text"),
        (manifest(lambda d: d["body"].update(torso=float("nan"))), "NaN"),
        (manifest(lambda d: d["footage"].update(x=float("inf"))), "Infinity"),
        (manifest(lambda d: d.update(generator_size=[10**30, 64])), "generator_size"),
    ],
)
def test_a_manifest_that_is_meant_ill(files: Files, tmp_path: Path, harm: Harm, says: str) -> None:
    harm(files)
    with pytest.raises(SubjectError, match=says) as refused:
        load(tmp_path, zipped(files))
    assert refused.value.args[0].isprintable(), "what is told holds nothing a terminal obeys"


# ---- the archive ---------------------------------------------------------------------------


def test_a_path_out_of_the_archive_writes_nothing(files: Files, tmp_path: Path) -> None:
    """Nothing is unpacked to the disk, whatever the members are called."""
    inside = tmp_path / "deep" / "er"
    inside.mkdir(parents=True)
    assert load(inside, zipped(files, prefix="../../")).manifest.name == "tiny"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["deep", "sound"]
    assert [one.name for one in inside.iterdir()] == ["subject.zip"]


def test_a_link_in_an_archive_is_no_file(files: Files, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (0o120777 if name == "plate.png" else 0o100644) << 16
            archive.writestr(info, content)
    with pytest.raises(SubjectError, match=r"plate\.png .* symbolic link"):
        load(tmp_path, buffer.getvalue())


def test_a_bomb_is_not_unpacked(files: Files, tmp_path: Path) -> None:
    files["thumb.jpg"] = bytes(7 << 20)  # a thousandth of it when packed
    with pytest.raises(SubjectError, match="would grow"):
        load(tmp_path, zipped(hashed(files)))
    files["thumb.jpg"] = os.urandom(9 << 20)
    with pytest.raises(SubjectError, match="larger than"):
        load(tmp_path, zipped(hashed(files), zipfile.ZIP_STORED))


def test_all_files_together_have_a_limit(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "MAX_TOTAL_BYTES", sum(map(len, files.values())) // 2)
    with pytest.raises(SubjectError, match="larger than"):
        load(tmp_path, zipped(files))


def test_a_bomb_within_the_poses_is_not_unpacked(files: Files, tmp_path: Path) -> None:
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        head, {"descr": "<f4", "fortran_order": False, "shape": (1 << 40,)}
    )
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("points.npy", head.getvalue() + bytes(4 << 20))
        for name in ("scores", "neutral_points", "neutral_scores"):
            archive.writestr(f"{name}.npy", head.getvalue())
    files["poses.npz"] = bomb.getvalue()
    with pytest.raises(SubjectError, match="would grow"):
        load(tmp_path, zipped(hashed(files)))


def test_a_plate_that_claims_to_be_huge_is_not_unpacked(files: Files, tmp_path: Path) -> None:
    plate = bytearray(files["plate.png"])
    plate[16:24] = struct.pack(">2L", 60_000, 60_000)
    files["plate.png"] = bytes(plate)
    with pytest.raises(SubjectError, match=r"plate\.png .* is \(60000, 60000\)"):
        load(tmp_path, zipped(hashed(files)))


def chunk(kind: bytes, body: bytes, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return struct.pack(">L", size) + kind + body + struct.pack(">L", zlib.crc32(kind + body))


def test_a_chunk_that_claims_to_be_huge_gets_no_memory(files: Files, tmp_path: Path) -> None:
    plate = files["plate.png"]
    files["plate.png"] = plate[:33] + chunk(b"IDAT", b"x" * 100, 0xFF00_0000)
    with pytest.raises(SubjectError, match="no picture"):
        load(tmp_path, zipped(hashed(files)))


def test_a_plate_that_is_a_film_is_a_picture(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plate = files["plate.png"]
    seen: list[bytes] = []
    film = chunk(b"acTL", struct.pack(">2L", 1 << 30, 0)) + chunk(b"iCCP", b"x" * 50)
    files["plate.png"] = plate[:33] + film + plate[33:]
    decode = cv2.imdecode

    def watched(data: np.ndarray, how: int) -> object:
        seen.append(data.tobytes())
        return decode(data, how)

    monkeypatch.setattr(cv2, "imdecode", watched)
    assert load(tmp_path, zipped(hashed(files))).plate.shape == (128, 128, 3)
    assert seen == [plate], "what the decoder met"


@pytest.mark.parametrize("kind", [".jpg", ".tiff", ".webp", ".bmp"])
def test_a_plate_meets_no_decoder_but_pngs(files: Files, tmp_path: Path, kind: str) -> None:
    files["plate.png"] = cv2.imencode(kind, np.zeros((128, 128, 3), np.uint8))[1].tobytes()
    with pytest.raises(SubjectError, match="no picture"):
        load(tmp_path, zipped(hashed(files)))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_packings_are_not_unpacked(files: Files, tmp_path: Path, method: int) -> None:
    """Some may ask for gigabytes before they give a byte."""
    with pytest.raises(SubjectError, match="another way"):
        load(tmp_path, zipped(files, method))


def test_a_list_of_a_million_files_is_not_read(files: Files, tmp_path: Path) -> None:
    many = zipped({**files, **{f"{n}": b"" for n in range(70)}})
    with pytest.raises(SubjectError, match="lists 75 files"):
        load(tmp_path, many)
    whole = bytearray(zipped(files))
    struct.pack_into("<L", whole, len(whole) - 10, 0xFFFF_FFFF)  # the list's length
    with pytest.raises(SubjectError, match=r"readable \.zip"):
        load(tmp_path, bytes(whole))
    locator = b"PK\x06\x07" + bytes(16)
    with pytest.raises(SubjectError, match="4 GiB"):
        load(tmp_path, bytes(zipped(files)[:-22]) + locator + zipped(files)[-22:])


def test_two_manifests_are_one_too_many(files: Files, tmp_path: Path) -> None:
    with pytest.raises(SubjectError, match="holds 2 files named"):
        load(tmp_path, zipped({**files, "other/subject.json": files["subject.json"]}))


# ---- the folder ----------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_does_not_hang_the_start(tmp_path: Path) -> None:
    folder = write_tiny_subject(tmp_path / "tiny")
    (folder / "plate.png").unlink()
    os.mkfifo(folder / "plate.png")
    with pytest.raises(SubjectError, match="no plain file"):
        load_subject(folder)


def test_a_file_that_is_too_large_is_read_no_further(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_tiny_subject(tmp_path / "tiny")
    monkeypatch.setitem(subject.MAX_FILE_BYTES, "plate.png", 100)
    with pytest.raises(SubjectError, match=r"plate\.png is larger than 100"):
        load_subject(folder)


# ---- the nets ------------------------------------------------------------------------------


def net(change: Callable[[onnx.ModelProto], object]) -> bytes:
    model = onnx.load_from_string(fading_generator(64, 64))
    change(model)
    return bytes(model.SerializeToString())


def weight(name: str = "half") -> Callable[[onnx.ModelProto], TensorProto]:
    def found(model: onnx.ModelProto) -> TensorProto:
        return next(one for one in model.graph.initializer if one.name == name)

    return found


def replaced(value: np.ndarray) -> bytes:
    def change(model: onnx.ModelProto) -> None:
        weight()(model).CopyFrom(numpy_helper.from_array(value, "half"))

    return net(change)


def typed(kind: int, **values: list) -> bytes:
    def change(model: onnx.ModelProto) -> None:
        tensor = weight()(model)
        tensor.Clear()
        tensor.name, tensor.data_type = "half", kind
        tensor.dims.append(len(next(iter(values.values()))))
        for name, given in values.items():
            getattr(tensor, name).extend(given)

    return net(change)


def in_constant(model: onnx.ModelProto) -> None:
    tensor = numpy_helper.from_array(np.array([np.nan], np.float32), "hidden")
    inner = helper.make_graph([], "inner", [], [], [tensor])
    model.graph.node.append(
        helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner)
    )


def deep(model: onnx.ModelProto) -> None:
    graph = helper.make_graph([], "inner", [], [])
    for _ in range(30):
        node = helper.make_node("If", ["x"], ["y"], then_branch=graph, else_branch=graph)
        graph = helper.make_graph([node], "outer", [], [])
        if graph.ByteSize() > 1 << 20:
            break
    model.graph.node.extend(graph.node)


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (lambda: replaced(np.array([1, NAN], np.float32)), "'half' has numbers that are not"),
        (lambda: replaced(np.array([INF], np.float32)), "not finite"),
        (lambda: replaced(np.array([-INF], np.float16)), "not finite"),
        (lambda: replaced(np.array([NAN], np.float64)), "not finite"),
        (lambda: typed(TensorProto.FLOAT, float_data=[1, NAN]), "not finite"),
        (lambda: typed(TensorProto.DOUBLE, double_data=[INF]), "not finite"),
        (lambda: typed(TensorProto.FLOAT16, int32_data=[0x7C00]), "not finite"),
        (lambda: typed(TensorProto.BFLOAT16, int32_data=[0x7F80]), "not finite"),
        (lambda: net(in_constant), "'hidden' has numbers that are not finite"),
        (
            lambda: net(
                lambda m: m.graph.node.append(helper.make_node("Elu", ["a"], ["b"], alpha=NAN))
            ),
            "attribute has numbers",
        ),
        (
            lambda: net(lambda m: m.graph.node.append(helper.make_node("Loop", [], ["x"]))),
            "Loop, which may never end",
        ),
        (lambda: net(lambda m: weight()(m).dims.extend([1 << 20, 1 << 20])), "more than"),
        (lambda: net(lambda m: weight()(m).dims.append(1 << 40)), "side of 1099511627776"),
        (lambda: net(lambda m: weight()(m).dims.append(-1)), "side of -1"),
        (lambda: net(lambda m: weight()(m).dims.append(7)), "says 28 bytes and has 4"),
        (lambda: net(lambda m: weight()(m).dims.extend([1] * 40)), "more dimensions"),
        (
            lambda: net(
                lambda m: setattr(
                    m.graph.input[0].type.tensor_type.shape.dim[1], "dim_value", 1 << 50
                )
            ),
            "an input or output has a side",
        ),
        (lambda: net(deep), "fields|deep"),
        (lambda: b"", "empty"),
        (lambda: b"no net", "no ONNX model"),
        (lambda: label_generator(64, 64)[:-3], "cut off"),
        (lambda: b"\x08\x01" * 500_000, "more than 400000 fields"),
        (lambda: b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "cut off"),
    ],
)
def test_a_net_that_is_meant_ill(
    files: Files, tmp_path: Path, made: Callable[[], bytes], says: str
) -> None:
    files["generator.onnx"] = made()
    with pytest.raises(SubjectError, match=says) as refused:
        load(tmp_path, zipped(hashed(files)))
    assert "generator.onnx of" in str(refused.value)


@pytest.mark.parametrize("name", ["face.onnx", "hands.onnx", "generator.int8.onnx"])
def test_every_net_is_looked_at(files: Files, tmp_path: Path, name: str) -> None:
    data = json.loads(files["subject.json"])
    data["files"][name] = ""
    files |= {
        "subject.json": json.dumps(data).encode(),
        name: replaced(np.array([NAN], np.float32)),
    }
    with pytest.raises(SubjectError, match=f"{name} of .* not finite"):
        load(tmp_path, zipped(hashed(files)))


def test_sound_nets_pass() -> None:
    for model in (
        label_generator(64, 64),
        fading_generator(64, 64),
        load_subject(DEMO / "subject").generator,
        replaced(np.array([65504, -65504], np.float16)),
    ):
        check_net(model, "net")


def test_the_hash_is_checked_before_anything_is_looked_into(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    for module, name in (
        (subject, "check_net"),
        (subject, "_decode_plate"),
        (subject, "_decode_codebook"),
    ):
        monkeypatch.setattr(module, name, lambda *_, name=name: looked.append(name))
    for name in tiny_files((64, 64), (128, 128)):
        altered = {**files, name: files[name] + b"x"}
        with pytest.raises(SubjectError, match="is not the file that was exported"):
            load(tmp_path, zipped(altered))
    assert looked == []


def test_the_limits_leave_room_for_what_we_make() -> None:
    demo = DEMO / "subject"
    for name, most in subject.MAX_FILE_BYTES.items():
        if (demo / name).exists():
            assert (demo / name).stat().st_size * 10 < most
    assert bundle_files.MOST_MEMBERS > 7
    assert bundle_net.MOST_NUMBERS > 1 << 27
