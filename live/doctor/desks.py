"""Cues, OSC and MIDI, where they are asked for."""

from __future__ import annotations

import socket

from live.backdrops import Backdrops
from live.cast_list import known
from live.desk.cue_file import CueFile
from live.desk.cues import CueErrors
from live.desk.desk import Desk
from live.desk.midi_backend import list_ports, open_backend
from live.desk.midi_map import load_map
from live.desk.osc_in import OscIn
from live.doctor.check import Plan
from live.doctor.finding import Finding, careful, from_error, right, wrong
from live.errors import DeskError
from live.options import DEMO

TOLD = 8
"""Errors of a cue file that are told at once."""


def look_at_cues(plan: Plan) -> Finding | None:
    """The cue file, read as the show does it, and with the subjects and pictures that there are."""
    settings = plan.options.desk.cues
    if not (settings.asked or settings.path.exists()):
        return None
    try:
        sheet = CueFile(settings).read(_desk(plan))
    except CueErrors as errors:
        said = f"{settings.path} has {_count(len(errors.sentences), 'error')}"
        more = errors.sentences[:TOLD]
        remedy = "mend those lines; docs/stage.md shows how cues are written"
        return (wrong if settings.asked else careful)(said, remedy, more)
    cues, presets = _count(len(sheet.cues), "cue"), _count(len(sheet.presets), "preset")
    return right(f"{cues} and {presets} in {settings.path}")


def look_at_osc(plan: Plan) -> Finding | None:
    """Its port is free, and whom it tells has an address."""
    settings = plan.options.desk.osc
    if settings is None:
        return None
    said = []
    if settings.port is not None:
        port = OscIn(settings, lambda data, sender: None, lambda: None)  # raises SetupError
        said.append(f"orders come in at UDP {settings.host}:{port.port}")
        port.close()
    for target in settings.to:
        try:
            socket.getaddrinfo(target.host, target.port, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError):
            return wrong(
                f"--osc-to {target}: no machine of that name is known",
                "give its address, as in 192.168.1.20:9001",
            )
        said.append(f"changes are told to {target}")
    if settings.open_to_others:
        return careful(
            "; ".join(said) + "; whoever reaches that port operates the show",
            "keep that network to yourselves: no audience in it, no open Wi-Fi",
        )
    return right("; ".join(said))


def look_at_midi(plan: Plan) -> Finding | None:
    """MIDI works, the device that was named is there, and its map can be read."""
    settings = plan.options.desk.midi
    if settings is None:
        return None
    inputs, _ = list_ports(open_backend())  # raises SetupError
    try:
        controls = len(load_map(settings.map, Desk().parameter).bindings)
    except DeskError as error:
        return from_error(error)
    wanted = [name for name in inputs if settings.wants(name)]
    others = ", ".join(inputs) or "none"
    if not wanted:
        return careful(
            f"no MIDI device for --midi {settings.name}; there is: {others}",
            "plug it in (it is taken up also while the show runs), or give a part of its name",
        )
    learnt = f"{_count(controls, 'control')} in {settings.map}"
    if not controls:
        return careful(
            f"{', '.join(wanted)} is there, and none of its controls does anything yet",
            "learn them at the console, or write the map by hand; docs/osc.md tells how",
        )
    return right(f"{', '.join(wanted)}; {learnt}")


def _desk(plan: Plan) -> Desk:
    """With the choices that the show will have, so that a cue's wrong name is found now."""
    desk, options = Desk(), plan.options
    desk.offer("subject", list(known(options.subjects, [options.subject, DEMO / "subject"])))
    desk.offer("background.picture", Backdrops(options.backdrops).names())
    return desk


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
