from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

import pytest

from live.errors import SetupError, SourceError
from live.stream.sound_settings import (
    SoundSettings,
    add_sound_arguments,
    open_sound,
    sound_settings,
)
from tests.live.stream.sounds import write_clicks


def parse(*arguments: str) -> SoundSettings | None:
    parser = ArgumentParser()
    add_sound_arguments(parser)
    return sound_settings(parser.parse_args(arguments))


def test_no_sound_is_asked_for_by_default() -> None:
    assert parse() is None


@pytest.mark.parametrize(
    ("where", "device"), [("mic", None), ("mic:3", 3), ("mic:USB Audio: 2", "USB Audio: 2")]
)
def test_a_microphone_by_name_or_number(where: str, device: str | int | None) -> None:
    settings = parse("--sound", where)
    assert settings is not None
    assert settings.path is None
    assert settings.device == device


@pytest.mark.parametrize("where", ["song.wav", "./mic", "micro.mp3", "C:/songs/mic.wav"])
def test_anything_else_is_a_file(where: str) -> None:
    settings = parse("--sound", where)
    assert settings is not None
    assert settings.path == Path(where)


def test_the_offset_has_a_sign() -> None:
    assert parse("--sound", "mic", "--sound-offset-ms", "-35") == SoundSettings("mic", -35.0)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--sound", ""),
        ("--sound", "mic:"),
        ("--sound", "mic", "--sound-offset-ms", "3000"),
        ("--sound", "mic", "--sound-offset-ms", "nan"),
        ("--sound-offset-ms", "40"),
    ],
)
def test_what_cannot_work_is_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(SetupError, match="give "):
        parse(*arguments)


def test_a_file_is_opened_with_its_offset(tmp_path: Path) -> None:
    path = write_clicks(tmp_path / "song.wav", 1.0)
    sound = open_sound(SoundSettings(str(path), 40.0), lambda: 0.0)
    assert sound.offset_s == pytest.approx(0.04)
    sound.close()


def test_a_file_that_is_absent_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        open_sound(SoundSettings(str(tmp_path / "absent.wav")), lambda: 0.0)
