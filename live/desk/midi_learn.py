"""Writes what was learned into the MIDI map, and leaves what people wrote there as it is."""

from __future__ import annotations

from pathlib import Path

import tomlkit
from tomlkit.items import AoT, Table

from live.desk.midi_map import Binding, Find, MidiMap, load_map, parsed, read_text
from live.errors import DeskError

HEADER = """\
# What each control of the MIDI desk does. Written by learning; edit it as you like: what you write
# stays. Every key is explained in docs/osc.md.
pickup = true  # a fader takes hold when it passes the value, so that nothing jumps
programs = true  # program change n is cue n

"""


def learn(path: Path, find: Find, binding: Binding) -> MidiMap:
    """Write `binding` into the file, in place of whatever that control did. Returns the map.

    What people wrote into the file stays, comments and all. Raises DeskError.
    """
    before = load_map(path, find)
    document = tomlkit.parse(read_text(path) or HEADER)
    controls = _controls(document)
    for at in reversed(range(len(before.bindings))):
        if before.bindings[at].shares_a_control(binding):
            del controls[at]
    controls.append(_written(binding))
    if "control" not in document:
        document.append("control", controls)
    return _save(path, document, find)


def forget(path: Path, find: Find, name: str) -> MidiMap:
    """Take every control of the parameter `name` out of the file. Raises DeskError."""
    before = load_map(path, find)
    gone = [at for at, one in enumerate(before.bindings) if one.parameter == name]
    if not gone:
        raise DeskError(f"no MIDI control moves {name[:60]!r}; nothing is forgotten")
    document = tomlkit.parse(read_text(path))
    controls = _controls(document)
    for at in reversed(gone):
        del controls[at]
    if not controls:
        del document["control"]
    return _save(path, document, find)


def _controls(document: tomlkit.TOMLDocument) -> AoT:
    found = document.get("control")
    return found if isinstance(found, AoT) else tomlkit.aot()


def _written(binding: Binding) -> Table:
    table = tomlkit.table()
    table["parameter"] = binding.parameter
    table[binding.kind.value] = binding.number
    if binding.channel is not None:
        table["channel"] = binding.channel
    if binding.mode != "absolute":
        table["mode"] = binding.mode
    if binding.value is not None:
        table["value"] = binding.value
    return table


def _save(path: Path, document: tomlkit.TOMLDocument, find: Find) -> MidiMap:
    text = tomlkit.dumps(document)
    found = parsed(path, text, find)
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, "utf-8")
        partial.replace(path)
    except OSError as error:
        raise DeskError(
            f"the MIDI map {path} cannot be written ({error.strerror}); give another --midi-map"
        ) from error
    return found
