from __future__ import annotations

import hashlib
import io
import json
import random
import shutil
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from live.errors import SubjectError
from live.options import DEMO
from live.parts import PARTS
from live.subject import Codebook, add_to_subject, load_subject, write_subject
from tests.tiny_part import add_net, painting_net
from tests.tiny_subject import (
    PLATE_RGB,
    label_generator,
    tiny_files,
    tiny_manifest,
    write_tiny_subject,
)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_tiny_subject(tmp_path / "tiny")


def test_what_is_written_is_read(bundle: Path) -> None:
    subject = load_subject(bundle)
    assert subject.manifest == tiny_manifest((64, 64), (128, 128))
    assert subject.plate.shape == (128, 128, 3)
    assert tuple(subject.plate[0, 0]) == PLATE_RGB
    assert subject.codebook.neutral_points.dtype == np.float32
    assert subject.parts == {}


def test_nets_of_parts_are_found_by_name(bundle: Path) -> None:
    nets = {part.name: painting_net(32, part=part) for part in PARTS}
    for part in reversed(PARTS):
        add_net(bundle, nets[part.name], part)
    found = load_subject(bundle).parts
    assert found == nets and list(found) == [part.name for part in PARTS]


def test_the_demos_bundle_has_a_face_net_and_may_lack_others() -> None:
    assert "face" in load_subject(DEMO / "subject").parts


def test_a_zip_is_as_good_as_its_folder(bundle: Path, tmp_path: Path) -> None:
    for inside in ("", "tiny/"):
        path = tmp_path / f"{len(inside)}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for file in bundle.iterdir():
                archive.write(file, inside + file.name)
        assert load_subject(path).sha256 == load_subject(bundle).sha256


def edit(change: Callable[[dict], object]) -> Callable[[Path], None]:
    def do(bundle: Path) -> None:
        path = bundle / "subject.json"
        data = json.loads(path.read_text())
        change(data)
        path.write_text(json.dumps(data))

    return do


def tamper(bundle: Path) -> None:
    path = bundle / "generator.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b"x")


def swap(name: str, content: bytes) -> Callable[[Path], None]:
    """Another content, with the hash that it wants: made on purpose, not by accident."""

    def do(bundle: Path) -> None:
        (bundle / name).write_bytes(content)
        edit(lambda d: d["files"].update({name: hashlib.sha256(content).hexdigest()}))(bundle)

    return do


def npy() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


def npz_of_scalars() -> bytes:
    buffer = io.BytesIO()
    one = np.float32(1)
    np.savez(buffer, points=one, scores=one, neutral_points=one, neutral_scores=one)
    return buffer.getvalue()


def link(bundle: Path) -> None:
    (bundle / "plate.png").rename(bundle.parent / "elsewhere.png")
    (bundle / "plate.png").symlink_to(bundle.parent / "elsewhere.png")


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda b: shutil.rmtree(b), "does not exist"),
        (lambda b: (b / "plate.png").unlink(), "plate.png is missing"),
        (lambda b: (b / "subject.json").unlink(), "no subject.json in it; --list-subjects"),
        (tamper, "generator.onnx of .* is not the file that was exported"),
        (link, "symbolic link"),
        (lambda b: (b / "subject.json").write_text("{"), "not JSON"),
        (lambda b: (b / "subject.json").write_text("[]"), "no format number"),
        (
            edit(lambda d: d.update(format=99)),
            "format 99, this program knows 2; update the program",
        ),
        (
            edit(lambda d: d.update(format=1)),
            "format 1, .* knows 2 to 2; train and export .* again",
        ),
        (edit(lambda d: d.pop("body")), "lacks the field 'body'"),
        (edit(lambda d: d.pop("window")), "lacks the field 'window'"),
        (edit(lambda d: d.update(window=[])), "window"),
        (edit(lambda d: d["window"].update(height=0)), "window height is 0"),
        (edit(lambda d: d["window"].pop("feet")), r"window .* \['feet'\]"),
        (edit(lambda d: d["body"].update(torso=0)), "torso is 0"),
        (edit(lambda d: d["body"].update(torso=None)), "torso is None"),
        (edit(lambda d: d["files"].pop("plate.png")), r"misses \['plate.png'\]"),
        (edit(lambda d: d["files"].update({"../x": "0"})), r"unknown \['../x'\]"),
        (edit(lambda d: d.update(generator_size=[64, 100000])), "generator_size"),
        (edit(lambda d: d.update(stage_size=[64, 64])), r"plate.png .* is \(128, 128\)"),
        (edit(lambda d: d.update(joints=17)), "17 joints"),
        (edit(lambda d: d["style"].update(groups=["tail"])), "unknown joint groups"),
        (lambda b: (b / "subject.json").write_text("[" * 100_000), "not JSON"),
        (lambda b: (b / "subject.json").write_text("9" * 5_000), "not JSON"),
        (swap("plate.png", b""), "plate.png .* is no picture"),
        (swap("poses.npz", b""), "poses.npz .* cannot be used"),
        (swap("poses.npz", npy()), "poses.npz .* cannot be used"),
        (swap("poses.npz", npz_of_scalars()), "poses.npz .* cannot be used"),
    ],
)
def test_a_broken_bundle_is_refused_by_name(
    bundle: Path, harm: Callable[[Path], None], says: str
) -> None:
    harm(bundle)
    with pytest.raises(SubjectError, match=says):
        load_subject(bundle)


def test_no_pickle_is_ever_loaded(tmp_path: Path) -> None:
    files = tiny_files((64, 64), (128, 128))
    evil = tmp_path / "evil.npz"
    np.savez(evil, points=np.array([{"a": 1}], dtype=object))
    files["poses.npz"] = evil.read_bytes()
    with pytest.raises(SubjectError, match=r"poses.npz .* cannot be used"):
        write_subject(tmp_path / "bad", tiny_manifest((64, 64), (128, 128)), files)


def test_a_zip_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(SubjectError, match="neither a folder nor a readable"):
        load_subject(path)


def test_a_zip_that_was_damaged_or_cut_off_is_refused(bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in bundle.iterdir():
            archive.write(file, file.name)
    whole = path.read_bytes()
    generator = random.Random(5)
    refused = 0
    for _ in range(200):
        damaged = bytearray(whole)
        damaged[generator.randrange(len(damaged))] ^= 1 << generator.randrange(8)
        path.write_bytes(damaged[: generator.choice([len(damaged), len(damaged) // 2])])
        with suppress(SubjectError):  # and nothing else
            load_subject(path)
            continue
        refused += 1
    assert refused > 100, "the rest hit a date or the like"


def test_a_name_that_no_file_can_have_is_not_there() -> None:
    with pytest.raises(SubjectError, match="does not exist"):
        load_subject(Path("a" * 300))


def test_writing_never_overwrites_what_is_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(SubjectError, match="no subject"):
        write_tiny_subject(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_the_codebook_checks_itself() -> None:
    wrong = np.zeros((1, 3, 2), np.float32)
    with pytest.raises(ValueError, match="points"):
        Codebook(wrong, wrong[..., 0], wrong[0], wrong[0, :, 0])


def test_an_optional_file_is_added_and_hashed(tmp_path: Path) -> None:
    folder = write_tiny_subject(tmp_path / "tiny")
    before = load_subject(folder)
    assert before.small is None
    smaller = label_generator(32, 64)
    add_to_subject(folder, "generator.int8.onnx", smaller)
    after = load_subject(folder)
    assert after.small == smaller and after.generator == before.generator
    assert after.manifest == before.manifest and after.sha256 != before.sha256
    (folder / "generator.int8.onnx").write_bytes(b"another")
    with pytest.raises(SubjectError, match=r"generator\.int8\.onnx .* is not the file"):
        load_subject(folder)
    whole = write_tiny_subject(tmp_path / "other")
    with pytest.raises(SubjectError, match=r"unknown \['notes.txt'\]"):
        add_to_subject(whole, "notes.txt", b"")
    assert load_subject(whole).small is None
