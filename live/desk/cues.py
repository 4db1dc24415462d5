"""What a cue is, and what a cue file holds."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from live.arguments import Arguments
from live.desk.parameters import Value
from live.errors import DeskError
from live.folders import state_folder

Values = Mapping[str, Value]

DOABLE = ("reset", "person.any", "normalize.calibrate", "normalize.forget")
"""Actions that a cue may do: resume is for the operator's hand, and no cue moves cues."""
BY_HAND = ("panic",)
"""What neither a cue nor a preset sets: nobody may be surprised by the end of it."""


@dataclass(frozen=True, slots=True)
class Cue:
    """One step of the show."""

    number: int  # its place in the file, from 1
    name: str
    preset: str = ""  # set first
    values: Values = field(default_factory=dict)  # set on top of the preset
    fade_s: float = 0.0
    do: tuple[str, ...] = ()  # of DOABLE, after what is set
    on: str = ""  # "now", "beat", "bar"; empty: as the desk has it
    follow_s: float | None = None  # the next one goes by itself so long after this one

    @property
    def title(self) -> str:
        """As it is told: "2 Enter"."""
        return f"{self.number} {self.name}"


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that a cue file holds, checked."""

    cues: tuple[Cue, ...] = ()
    presets: Mapping[str, Values] = field(default_factory=dict)

    def gives(self, cue: Cue) -> dict[str, Value]:
        """Everything that `cue` sets."""
        return {**self.presets.get(cue.preset, {}), **cue.values}


@dataclass(frozen=True, slots=True)
class CuePlace:
    """Where the show is in its cues: what a restart needs."""

    number: int  # of the cue that went last
    name: str  # its name, should the file have been changed
    before: Values  # what the cues set, as it stood before the first of them


class CueErrors(DeskError):
    """A cue file with errors: a sentence each, with the line and the remedy."""

    def __init__(self, sentences: tuple[str, ...]) -> None:
        super().__init__("; ".join(sentences))
        self.sentences = sentences


@dataclass(frozen=True, slots=True)
class CueSettings:
    """Where cues and presets are."""

    path: Path
    asked: bool = False  # named on the command line: then it must be there and right, or no show


def unasked() -> CueSettings:
    """Where presets are kept when nobody names a file."""
    return CueSettings(state_folder() / "presets.toml")


def add_cue_arguments(parser: Arguments) -> None:
    """`--cues`."""
    parser.add_argument(
        "--cues",
        type=Path,
        metavar="FILE.toml",
        help="cues and presets, in a file that you write; presets saved at the desk are added to "
        "it (default: presets.toml in the user's state folder); docs/stage.md tells how",
    )


def cue_settings(found: Namespace) -> CueSettings:
    """The settings from what `add_cue_arguments` added."""
    if found.cues is None:
        return unasked()
    return CueSettings(found.cues.expanduser().absolute(), asked=True)
