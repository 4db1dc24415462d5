"""The command that looks at a file: videos through the show's encoder, pictures, and clean ones."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.marking_pictures import SUBJECT, bare_pictures, marked, marks_of
from live.errors import EXIT_BAD_INPUT
from live.frames import Image
from live.mark_settings import MarkSettings
from live.marking import THRESHOLD, Verdict, in_words, main
from live.stream.encoder import ENCODERS, Codec, Encoder, EncoderSettings
from live.stream.planes import to_i420
from live.stream.recording import Recording
from live.subject import load_subject
from live.watermark_payload import Payload
from tests.tiny_subject import write_tiny_subject

FRAMES = 60


@pytest.fixture(scope="module")
def bare() -> list[Image]:
    return bare_pictures(FRAMES)


@pytest.fixture(scope="module")
def shown(bare: list[Image]) -> list[Image]:
    marks = marks_of(bare[0].shape[:2])
    return [marked(picture, marks) for picture in bare]


def save(path: Path, picture: Image) -> Path:
    assert cv2.imwrite(str(path), picture[:, :, ::-1])
    return path


def film(path: Path, pictures: Sequence[Image], kbps: int = 1500) -> Path:
    """Through libx264 as the show sets it up, into a file as the recorder writes it."""
    size = pictures[0].shape[0], pictures[0].shape[1]
    kind = next(kind for kind in ENCODERS[Codec.H264] if kind.name == "libx264")
    encoder = Encoder(kind, size, EncoderSettings(kbps, name="libx264"))
    coded = [
        encoder.encode(to_i420(picture), number * 3000, number / 30, number == 0)
        for number, picture in enumerate(pictures)
    ]
    recording = Recording(path, coded[0], sound=False)
    for one in coded[1:]:
        recording.write(one)
    recording.close()
    return path


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out + captured.err


def test_a_recording_at_the_streams_bitrate_is_read(
    tmp_path: Path, shown: list[Image], capsys: pytest.CaptureFixture[str]
) -> None:
    path = film(tmp_path / "show.mp4", shown)
    code, said = told(capsys, path, "--subject", SUBJECT)
    assert code == 0
    assert "marked as generated" in said and "2026-01-01" in said
    assert load_subject(SUBJECT).sha256[:6] in said
    assert said.rstrip().endswith("That is the subject given.")


def test_cut_and_half_as_large_the_recording_is_still_read(
    tmp_path: Path, shown: list[Image], capsys: pytest.CaptureFixture[str]
) -> None:
    """70 % of either side, after the first codec; then scaled by half, and coded a second time."""
    once = film(tmp_path / "show.mp4", shown)
    clip = cv2.VideoCapture(str(once))
    cut = []
    while True:
        there, picture = clip.read()
        if not there:
            break
        piece = picture[61 : 61 + 358, 92 : 92 + 358, ::-1]
        small = cv2.resize(piece, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        cut.append(np.asarray(small, np.uint8)[:178, :178])
    clip.release()
    assert len(cut) == FRAMES
    code, said = told(capsys, film(tmp_path / "cut.mp4", cut), "--json")
    found = json.loads(said)
    assert code == 0 and found["marked"] and found["score"] > THRESHOLD
    assert found["payload"]["subject"] == load_subject(SUBJECT).sha256[:6]


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_a_screenshot_is_read(
    tmp_path: Path, shown: list[Image], ending: str, capsys: pytest.CaptureFixture[str]
) -> None:
    page = np.full((900, 1440, 3), 17, np.uint8)
    page[100:800, 400:1100] = cv2.resize(shown[20], (700, 700))
    code, said = told(capsys, save(tmp_path / f"shot.{ending}", page), "--json")
    found = json.loads(said)
    assert code == 0 and found["payload"]["day"] == "2026-01-01"
    assert found["pictures"] == 1 and found["chance"] < 1e-9


def test_the_visible_mark_alone_is_none_for_machines(
    tmp_path: Path, bare: list[Image], capsys: pytest.CaptureFixture[str]
) -> None:
    marks = marks_of(bare[0].shape[:2], MarkSettings(watermark=False))
    code, said = told(capsys, save(tmp_path / "shot.png", marked(bare[0], marks)))
    assert code == 1 and "no mark found" in said and "does not prove" in said


def test_clean_video_has_no_mark(
    tmp_path: Path,
    bare: list[Image],
    one_person_clip: Path,
    two_people_clip: Path,
    sports_clip: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ours = film(tmp_path / "bare.mp4", bare)
    for path in (ours, one_person_clip, two_people_clip, sports_clip):
        code, said = told(capsys, path, "--json")
        found = json.loads(said)
        assert code == 1 and found["payload"] is None, path
        assert 3 < found["score"] < THRESHOLD, path


def test_another_bundle_is_told_from_the_one_that_was_shown(
    tmp_path: Path, shown: list[Image], capsys: pytest.CaptureFixture[str]
) -> None:
    other = write_tiny_subject(tmp_path / "other")
    path = save(tmp_path / "shot.png", shown[0])
    code, said = told(capsys, path, "--subject", other)
    assert code == 0 and said.rstrip().endswith("That is not the subject given.")


def test_what_cannot_be_read_is_told_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    for name in ("absent.png", "text.png", "text.mp4", "empty.jpg", "folder.png", "x" * 300):
        code, said = told(capsys, tmp_path / name)
        assert code == EXIT_BAD_INPUT
        assert said.startswith("understudy: ") and len(said.splitlines()) == 1


def test_a_mark_that_cannot_be_read_is_told_as_one() -> None:
    said = in_words(Path("a.png"), Verdict(True, 9.0, None, 1))
    assert "marked as generated" in said and "cannot be read" in said


def test_the_more_is_looked_at_the_likelier_is_chance() -> None:
    day = datetime.date(2026, 5, 4)
    few, many = Verdict(True, 9, None, 24), Verdict(True, 9, None, 240)
    assert many.chance == pytest.approx(10 * few.chance, rel=0.01)
    assert Verdict(True, 9, Payload("abcdef", day), 24).chance < few.chance / 1e6
    assert Verdict(False, 0, None, 0).chance == 1
