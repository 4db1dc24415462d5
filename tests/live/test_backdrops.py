"""The operator's pictures: decoded elsewhere, cut to cover; without one nothing changes."""

from __future__ import annotations

import os
import struct
import threading
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.backdrops import Backdrops, cover
from live.errors import DeskError
from live.frames import Image
from live.picture_size import JPEG, PNG, size_of

STAGE = (60, 80)
PATIENCE_S = 20.0
PROGRESSIVE = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 1]


def write(path: Path, rgb: tuple[int, int, int], size: tuple[int, int] = (50, 40)) -> Path:
    cv2.imwrite(str(path), np.full((*size, 3), rgb[::-1], np.uint8))
    return path


def fetched(backdrops: Backdrops, name: str) -> Image | None:
    """What `get` gives once the thread that it began has ended."""
    first = backdrops.get(name, STAGE)
    for thread in threading.enumerate():
        if thread.name == "backdrop":
            thread.join(PATIENCE_S)
    return first if first is not None else backdrops.get(name, STAGE)


def test_pictures_are_listed_by_name_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path / "b.png", (1, 2, 3))
    write(tmp_path / "a.JPG", (1, 2, 3))
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "folder.png").mkdir()
    assert Backdrops(tmp_path).names() == ("a.JPG", "b.png")
    assert Backdrops().names() == Backdrops(tmp_path / "gone").names() == ()


def test_a_picture_is_there_after_a_while_and_stays(tmp_path: Path) -> None:
    write(tmp_path / "red.png", (200, 10, 20))
    backdrops = Backdrops(tmp_path)
    image = fetched(backdrops, "red.png")
    assert image is not None and image.shape == (*STAGE, 3)
    assert (image == (200, 10, 20)).all()
    (tmp_path / "red.png").unlink()
    assert backdrops.get("red.png", STAGE) is image


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("gone.png", "no backdrop 'gone.png'"),
        ("../secret.png", "no backdrop '../secret.png'"),
        ("", "no backdrop ''"),
        ("text.png", "is no picture"),
        ("cut.jpg", "is no picture"),
        ("empty.png", "is no picture"),
    ],
)
def test_what_cannot_be_shown_says_why(tmp_path: Path, name: str, says: str) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    write(tmp_path / "secret.png", (1, 2, 3))
    (folder / "text.png").write_text("not at all")
    (folder / "empty.png").write_bytes(b"")
    (folder / "cut.jpg").write_bytes(write(tmp_path / "whole.jpg", (1, 2, 3)).read_bytes()[:20])
    backdrops = Backdrops(folder)
    with pytest.raises(DeskError, match=says):
        backdrops.load(name, STAGE)


def write_bomb(path: Path, width: int, height: int) -> Path:
    """A PNG, whole and right, of black pixels of one bit."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    pixels = zlib.compress(bytes((1 + (width + 7) // 8) * height))
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + parts)
    return path


def test_a_small_file_of_a_huge_picture_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    write_bomb(tmp_path / "fine.png", 100, 80)
    assert write_bomb(tmp_path / "bomb.png", 10_000, 5_001).stat().st_size < 20_000
    cv2.imwrite(str(tmp_path / "wide.jpg"), np.zeros((800, 62_501), np.uint8))
    backdrops = Backdrops(tmp_path)
    assert backdrops.load("fine.png", STAGE).shape == (*STAGE, 3)
    for name, pixels in (("bomb.png", "10000x5001"), ("wide.jpg", "62501x800")):
        with pytest.raises(
            DeskError, match=f"{name} has {pixels} pixels, and 50 million .*; shrink it"
        ):
            backdrops.load(name, STAGE)


def test_what_tells_no_size_is_not_decoded(tmp_path: Path) -> None:
    """OpenCV goes by what is in a file, not by its ending."""
    write(tmp_path / "a.bmp", (1, 2, 3)).rename(tmp_path / "a.png")
    with pytest.raises(DeskError, match="is no picture; save it again"):
        Backdrops(tmp_path).load("a.png", STAGE)


@pytest.mark.parametrize("ending", [".png", ".jpg"])
@pytest.mark.parametrize("size", [(1, 1), (37, 300), (500, 20)])
@pytest.mark.parametrize("how", [[], PROGRESSIVE], ids=["plain", "progressive"])
def test_the_size_stands_in_the_first_bytes(
    ending: str, size: tuple[int, int], how: list[int]
) -> None:
    content = cv2.imencode(ending, np.zeros((*size, 3), np.uint8), how)[1].tobytes()
    assert size_of(content) == size
    if ending == ".jpg":  # an odd camera's: a comment of another frame's header, fill, noise
        frame = b"\xff\xc0\x00\x0b\x08\xff\xff\xff\xff\x01\x01\x11\x00"
        comment = b"\xff\xfe" + struct.pack(">H", len(frame) + 2) + frame
        assert size_of(content[:2] + comment + b"\xff\xff\xff" + content[3:]) == size
        assert size_of(content[:2] + comment + b"\xff\x00" + content[2:]) == size


@given(st.binary(max_size=40), st.sampled_from([b"", PNG, JPEG]))
def test_no_bytes_are_more_than_of_no_size(noise: bytes, start: bytes) -> None:
    found = size_of(start + noise)
    assert found is None or (start and min(found) >= 0)


def test_a_broken_picture_is_told_once_and_tried_again_when_it_is_chosen_again(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.png").write_text("broken")
    backdrops = Backdrops(tmp_path)
    told: list[tuple[str, str]] = []
    backdrops.on_trouble = lambda name, sentence: told.append((name, sentence))
    assert [fetched(backdrops, "a.png") for _ in range(3)] == [None] * 3
    assert len(told) == 1 and told[0][0] == "a.png"
    write(tmp_path / "a.png", (9, 9, 9))
    assert fetched(backdrops, "a.png") is None
    backdrops.check("a.png")
    assert fetched(backdrops, "a.png") is not None
    with pytest.raises(DeskError, match="--backdrops"):
        Backdrops().check("a.png")


@pytest.mark.parametrize("size", [(60, 80), (30, 400), (500, 20), (1, 1), (61, 80)])
def test_a_picture_covers_and_keeps_its_middle(size: tuple[int, int]) -> None:
    image = np.zeros((*size, 3), np.uint8)
    image[size[0] // 2, size[1] // 2] = 255
    covered = cover(image, STAGE)
    assert covered.shape == (*STAGE, 3)
    light = np.argwhere(covered[..., 0] == covered[..., 0].max()).mean(axis=0)
    assert np.abs(light - (STAGE[0] / 2, STAGE[1] / 2)).max() <= max(STAGE) / min(*size, 60) + 1


def test_only_so_many_are_kept(tmp_path: Path) -> None:
    backdrops = Backdrops(tmp_path)
    for number in range(12):
        write(tmp_path / f"{number:02}.png", (number, 0, 0))
        backdrops.load(f"{number:02}.png", STAGE)
    assert len(backdrops._ready) == 8


def test_a_file_that_has_changed_is_read_anew_when_it_is_chosen_again(tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", (1, 1, 1))
    backdrops = Backdrops(tmp_path)
    first = backdrops.load("a.png", STAGE)
    backdrops.check("a.png")
    assert backdrops.get("a.png", STAGE) is first, "it is at hand"
    write(path, (2, 2, 2))
    os.utime(path, ns=(0, 0))
    assert backdrops.get("a.png", STAGE) is first, "nobody has asked"
    backdrops.check("a.png")
    again = fetched(backdrops, "a.png")
    assert again is not None and (again == 2).all()
