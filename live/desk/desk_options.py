"""What the operator's desk is given on the command line: cues, OSC, MIDI."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass, field

from live.desk.cues import CueSettings, add_cue_arguments, cue_settings, unasked
from live.desk.midi_settings import MidiSettings, add_midi_arguments, midi_settings
from live.desk.osc_settings import OscSettings, add_osc_arguments, osc_settings


@dataclass(frozen=True, slots=True)
class DeskOptions:
    """What listens to the operator, beside the console. None: it does not."""

    cues: CueSettings = field(default_factory=unasked)
    osc: OscSettings | None = None
    midi: MidiSettings | None = None


def add_desk_arguments(parser: ArgumentParser) -> None:
    """`--cues`, `--osc...` and `--midi...`."""
    group = parser.add_argument_group("desk: the console is at /console; docs/stage.md")
    for add in (add_cue_arguments, add_osc_arguments, add_midi_arguments):
        add(group)


def desk_options(found: Namespace) -> DeskOptions:
    """The options from what `add_desk_arguments` added. Raises `SetupError`."""
    return DeskOptions(cue_settings(found), osc_settings(found), midi_settings(found))
