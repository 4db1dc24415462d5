"""The visible mark: where it stands, and that it can be read on any ground."""

from __future__ import annotations

from argparse import ArgumentParser

import numpy as np
import pytest

from live.caption import Caption
from live.errors import SetupError
from live.frames import Image
from live.mark_settings import (
    CORNERS,
    TEXTS,
    CaptionSettings,
    Corner,
    MarkSettings,
    add_mark_arguments,
    mark_settings,
)


def captioned(settings: CaptionSettings, picture: Image) -> Image:
    copy = picture.copy()
    Caption(settings, (picture.shape[0], picture.shape[1])).add_to(copy)
    return copy


def ground(level: int, size: tuple[int, int] = (512, 512)) -> Image:
    return np.full((*size, 3), level, np.uint8)


@pytest.mark.parametrize("corner", CORNERS)
def test_it_stands_in_its_corner_and_nowhere_else(corner: Corner) -> None:
    changed = (captioned(CaptionSettings(corner=corner), ground(128)) != 128).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert (rows.mean() < 256) == corner.startswith("top")
    assert (columns.mean() < 256) == corner.endswith("left")
    assert min(rows.min(), columns.min()) >= 8
    assert max(rows.max(), columns.max()) < 504


@pytest.mark.parametrize("level", [0, 40, 128, 210, 255])
@pytest.mark.parametrize("text", TEXTS)
def test_it_can_be_read_on_any_ground(level: int, text: str) -> None:
    """The letters stand out from their rim, and one of the two from the ground."""
    settings = CaptionSettings(text)
    picture = captioned(settings, ground(level))
    rows, columns = Caption(settings, (512, 512)).box
    inside = picture[rows, columns].astype(int)
    lightest, darkest = np.percentile(inside, 99), np.percentile(inside, 1)
    assert lightest - darkest > 100
    assert max(lightest - level, level - darkest) > 60


def test_opacity_is_how_much_it_covers() -> None:
    bold = np.abs(captioned(CaptionSettings(opacity=1), ground(128)).astype(int) - 128).max()
    faint = np.abs(captioned(CaptionSettings(opacity=0.2), ground(128)).astype(int) - 128).max()
    assert faint == pytest.approx(0.2 * bold, rel=0.1)


@pytest.mark.parametrize("height", [512, 1080])
def test_its_size_goes_with_the_pictures_height(height: int) -> None:
    rows, _ = Caption(CaptionSettings("AI", height=0.05), (height, height)).box
    assert rows.stop - rows.start == pytest.approx(0.05 * height * 1.28, abs=3)


@pytest.mark.parametrize("size", [(16, 16), (64, 40), (40, 300), (2160, 200)])
def test_it_fits_into_any_picture(size: tuple[int, int]) -> None:
    for corner in CORNERS:
        settings = CaptionSettings("generated picture", corner, height=0.2)
        assert (captioned(settings, ground(90, size)) != 90).any()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (["--mark-opacity", "0.1"], "--mark-opacity is 0.1; give 0.2 to 1"),
        (["--mark-opacity", "nan"], "--mark-opacity is nan"),
        (["--mark-height", "0.5"], "--mark-height is 0.5"),
        (["--no-visible-mark", "--mark-text", "AI"], "leave out --no-visible-mark"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(wrong: list[str], says: str) -> None:
    parser = ArgumentParser()
    add_mark_arguments(parser)
    with pytest.raises(SetupError, match=says):
        mark_settings(parser.parse_args(wrong))


def test_both_marks_are_on_unless_told() -> None:
    parser = ArgumentParser()
    add_mark_arguments(parser)
    usual = mark_settings(parser.parse_args([]))
    assert usual == MarkSettings(CaptionSettings(), True)
    assert usual.warnings() == []
    moved = mark_settings(parser.parse_args(["--mark-corner", "top-left", "--mark-text", "AI"]))
    assert moved.caption == CaptionSettings("AI", "top-left")


def test_what_is_switched_off_is_said() -> None:
    parser = ArgumentParser()
    add_mark_arguments(parser)
    off = mark_settings(parser.parse_args(["--no-visible-mark", "--no-watermark"]))
    assert off == MarkSettings(None, False)
    assert [said.split(":")[0] for said in off.warnings()] == [
        "--no-visible-mark",
        "--no-watermark",
    ]


def test_a_text_of_ones_own_is_refused() -> None:
    with pytest.raises(SetupError, match="give one of generated, AI-generated"):
        CaptionSettings("live from the stage")
    with pytest.raises(SetupError, match="give one of top-left"):
        CaptionSettings(corner="middle")  # type: ignore[arg-type]
