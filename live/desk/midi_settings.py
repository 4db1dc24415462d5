"""Which MIDI desk is listened to, and where it is written what its controls do."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path

from live.arguments import Arguments
from live.errors import SetupError
from live.folders import config_folder

FILE = "midi.toml"
AUTO = "auto"


@dataclass(frozen=True, slots=True)
class MidiSettings:
    """MIDI, in and out."""

    name: str  # a part of the port's name, such as "nanoKONTROL"; "auto": every port
    map: Path  # made by learning, where it is not there yet

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise SetupError("--midi has no name; give a part of the port's name, or auto")

    def wants(self, port: str) -> bool:
        """Whether the port of this name is to be used."""
        if self.name.lower() == AUTO:
            return "midi through" not in port.lower()  # Linux's own, which echoes
        return self.name.lower() in port.lower()


def add_midi_arguments(parser: Arguments) -> None:
    """`--midi` and `--midi-map`."""
    parser.add_argument(
        "--midi",
        metavar="NAME",
        help="take orders from MIDI ports with NAME in their names; auto: from every port",
    )
    parser.add_argument(
        "--midi-map",
        type=Path,
        metavar="FILE",
        help="what each control does; written by learning, may be edited "
        f"(default: {FILE} in your settings folder)",
    )


def midi_settings(found: Namespace, folder: Path | None = None) -> MidiSettings | None:
    """The settings from what `add_midi_arguments` added; None without `--midi`.

    Raises SetupError.
    """
    if found.midi is None:
        if found.midi_map is not None:
            raise SetupError("--midi-map without --midi; give --midi NAME or --midi auto too")
        return None
    path = found.midi_map or (folder or config_folder()) / FILE
    return MidiSettings(found.midi, path.expanduser())
