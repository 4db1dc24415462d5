"""How pictures are marked as generated, from the command line. Both marks are on unless told."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass, field
from typing import Literal, get_args

from live.arguments import Arguments
from live.errors import SetupError

Corner = Literal["top-left", "top-right", "bottom-left", "bottom-right"]

CORNERS: tuple[Corner, ...] = get_args(Corner)
TEXTS = ("generated", "AI-generated", "generated picture", "synthetic", "AI")
"""What the mark may say: a mark that says anything may say nothing."""


@dataclass(frozen=True, slots=True)
class CaptionSettings:
    """The visible mark."""

    text: str = TEXTS[0]
    corner: Corner = "bottom-right"
    opacity: float = 0.7  # 0.2 to 1
    height: float = 0.03  # of a capital letter, in heights of the picture

    def __post_init__(self) -> None:
        if self.text not in TEXTS:
            raise SetupError(f"--mark-text {self.text!r}: give one of {', '.join(TEXTS)}")
        if self.corner not in CORNERS:
            raise SetupError(f"--mark-corner {self.corner!r}: give one of {', '.join(CORNERS)}")
        if not 0.2 <= self.opacity <= 1:
            raise SetupError(f"--mark-opacity is {self.opacity}; give 0.2 to 1")
        if not 0.02 <= self.height <= 0.2:
            raise SetupError(f"--mark-height is {self.height}; give 0.02 to 0.2")


@dataclass(frozen=True, slots=True)
class MarkSettings:
    """What every picture bears that leaves the machine."""

    caption: CaptionSettings | None = field(default_factory=CaptionSettings)  # None: no visible one
    watermark: bool = True  # the invisible one

    def off(self) -> list[str]:
        """Which are switched off, in words that "off" follows."""
        visible = ["the visible mark is"] if self.caption is None else []
        return visible + ([] if self.watermark else ["the watermark is"])

    def warnings(self) -> list[str]:
        """A sentence for each mark that was switched off, for the log."""
        said = []
        if self.caption is None:
            said.append("--no-visible-mark: no picture says to people that it is generated")
        if not self.watermark:
            said.append("--no-watermark: no picture says to machines that it is generated")
        return said


def add_mark_arguments(parser: Arguments) -> None:
    """`--mark-text`, `--mark-corner`, `--mark-opacity`, `--mark-height`, and how to do without."""
    usual = CaptionSettings()
    parser.add_argument(
        "--mark-text", choices=TEXTS, help=f"the visible mark's text (default {usual.text})"
    )
    parser.add_argument(
        "--mark-corner", choices=CORNERS, help=f"where it stands (default {usual.corner})"
    )
    parser.add_argument("--mark-opacity", type=float, help=f"0.2 to 1 (default {usual.opacity:g})")
    parser.add_argument(
        "--mark-height",
        type=float,
        metavar="SHARE",
        help=f"of its letters, in heights of the picture (default {usual.height:g})",
    )
    parser.add_argument(
        "--no-visible-mark",
        action="store_true",
        help="pictures do not say that they are generated; the log and /status do",
    )
    parser.add_argument(
        "--no-watermark",
        action="store_true",
        help="no invisible mark in the pictures; the log and /status say so",
    )


def mark_settings(found: Namespace) -> MarkSettings:
    """The settings from what `add_mark_arguments` added. Raises `SetupError`."""
    asked = {
        "text": found.mark_text,
        "corner": found.mark_corner,
        "opacity": found.mark_opacity,
        "height": found.mark_height,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    if found.no_visible_mark:
        if given:
            raise SetupError(
                f"--mark-{next(iter(given))} goes with a visible mark; leave out --no-visible-mark"
            )
        return MarkSettings(None, not found.no_watermark)
    return MarkSettings(CaptionSettings(**given), not found.no_watermark)
