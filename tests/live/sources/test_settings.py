"""What the command line names, checked once."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import replace
from typing import Any

import pytest

from live.errors import SetupError
from live.sources import SourceSettings, add_source_arguments, source_settings
from live.sources.base import redacted


def parse(*words: str) -> SourceSettings | None:
    parser = ArgumentParser()
    add_source_arguments(parser)
    return source_settings(parser.parse_args(words))


def test_camera_file_url_or_nothing() -> None:
    assert parse() is None
    assert parse("--camera", "0") == SourceSettings(0)
    assert parse("--source", "clip.mp4", "--once") == SourceSettings("clip.mp4", loop=False)
    asked = parse("--camera", "2", "--camera-size", "1280x720", "--camera-fps", "60")
    assert asked == SourceSettings(2, 1280, 720, camera_fps=60.0)


def test_both_at_once_and_a_broken_size_are_usage_errors(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for words in (["--camera", "0", "--source", "a"], ["--camera-size", "640"]):
        with pytest.raises(SystemExit) as caught:
            parse(*words)
        assert caught.value.code == 2
    assert "640" in capsys.readouterr().err


def test_a_cameras_device_file_is_answered_with_its_number(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for word, number in (("/dev/video3", 3), ("front", 0)):
        with pytest.raises(SystemExit):
            parse("--camera", word)
        said = capsys.readouterr().err
        assert f"'{word}' is not a camera's number, as in --camera {number}" in said


@pytest.mark.parametrize(
    ("where", "scheme"),
    [
        (0, None),
        ("a/b.mp4", None),
        (r"C:\clips\a.mp4", None),
        ("C://a.mp4", None),
        ("RTSP://cam/1", "rtsp"),
        ("https://host/a.mp4", "https"),
    ],
)
def test_what_counts_as_a_url(where: int | str, scheme: str | None) -> None:
    assert SourceSettings(where).scheme == scheme


@pytest.mark.parametrize("where", [-1, "", "ftp://host/a", "file:///etc/passwd", "concat://a"])
def test_sources_that_cannot_be(where: int | str) -> None:
    with pytest.raises(SetupError):
        SourceSettings(where)


@pytest.mark.parametrize(
    "change",
    [
        {"width": 0},
        {"height": -1},
        {"camera_fps": 0.0},
        {"camera_fps": float("nan")},
        {"stale_after_s": 0.0},
        {"url_stale_after_s": -1.0},
        {"open_timeout_s": float("inf")},
        {"warm_frames": -1},
    ],
)
def test_values_that_cannot_be_name_themselves(change: dict[str, Any]) -> None:
    (name,) = change
    with pytest.raises(SetupError, match=name):
        replace(SourceSettings(0), **change)


def test_a_password_never_reaches_a_log() -> None:
    assert redacted("rtsp://me:secret@cam/1?x=a@b") == "rtsp://cam/1?x=a@b"
    with pytest.raises(SetupError) as caught:
        SourceSettings("ftp://me:secret@host/a")
    assert "secret" not in str(caught.value)
