"""What each control of a MIDI desk does: a TOML file, read strictly."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from live.desk.midi_backend import Heard, Kind
from live.desk.parameters import Kind as Holds
from live.desk.parameters import Parameter, Value
from live.errors import DeskError

LARGEST_BYTES = 262_144
MODES = ("absolute", "relative", "14bit", "toggle", "hold")
KEYS = {"parameter", "channel", "mode", "value", "low", "high", *(kind.value for kind in Kind)}


@dataclass(frozen=True, slots=True)
class Binding:
    """One control, and what it does."""

    parameter: str
    kind: Kind
    number: int  # 0 to 127
    channel: int | None = None  # 1 to 16; None: any
    mode: str = "absolute"
    value: Value | None = None  # what a note or program sets, or an action is given
    low: float | None = None  # where a fader's lower end is; None: the parameter's own
    high: float | None = None

    def matches(self, heard: Heard) -> bool:
        """Whether this control sent it; in 14 bits, its finer half, too."""
        numbers = (self.number, self.number + 32) if self.mode == "14bit" else (self.number,)
        return (
            heard.kind is self.kind
            and heard.number in numbers
            and self.channel in (None, heard.channel)
        )

    def shares_a_control(self, other: Binding) -> bool:
        """Whether both would answer to one and the same control."""
        same = (self.kind, self.number) == (other.kind, other.number)
        return same and (None in (self.channel, other.channel) or self.channel == other.channel)


@dataclass(frozen=True, slots=True)
class MidiMap:
    """All of the file."""

    bindings: tuple[Binding, ...] = ()
    pickup: bool = True
    programs: bool = True


Find = Callable[[str], Parameter]
"""A parameter by name; raises DeskError."""


def load_map(path: Path, find: Find) -> MidiMap:
    """The map in `path`; an empty one where there is no file. Raises DeskError with the line."""
    return parsed(path, read_text(path), find)


def read_text(path: Path) -> str:
    """The file's text; none where there is no file. Raises DeskError."""
    try:
        if not path.exists():
            return ""
        if path.stat().st_size > LARGEST_BYTES:
            raise DeskError(f"{path} is too large for a MIDI map; give another --midi-map")
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise DeskError(f"the MIDI map {path} cannot be read ({reason})") from error


def parsed(path: Path, text: str, find: Find) -> MidiMap:
    """The map that `text`, of the file `path`, is. Raises DeskError with the line."""
    try:
        data: dict[str, Any] = tomlkit.parse(text).unwrap()
    except (TOMLKitError, RecursionError, ValueError) as error:
        raise DeskError(f"the MIDI map {path} is no TOML: {error}; mend that line") from error
    odd = set(data) - {"pickup", "programs", "control"}
    if odd:
        raise DeskError(f"the MIDI map {path} has the unknown key {min(odd)!r}; see docs/osc.md")
    switches = {name: data.get(name, True) for name in ("pickup", "programs")}
    for name, value in switches.items():
        if not isinstance(value, bool):
            raise DeskError(f"{name} in the MIDI map {path} is {value!r:.40}; give true or false")
    rows = data.get("control", [])
    if not isinstance(rows, list):
        raise DeskError(f"control in the MIDI map {path} is no list; write [[control]]")
    lines = [at for at, line in enumerate(text.splitlines(), 1) if _HEAD.match(line)]
    bindings = tuple(_binding(row, _place(path, lines, at), find) for at, row in enumerate(rows))
    return MidiMap(bindings, **switches)


_HEAD = re.compile(r"\s*\[\[\s*control\s*\]\]")


def _place(path: Path, lines: list[int], at: int) -> str:
    line = f"line {lines[at]} of " if at < len(lines) else ""
    return f"{line}the MIDI map {path}"


def _binding(row: Any, place: str, find: Find) -> Binding:
    if not isinstance(row, dict):
        raise DeskError(f"{place} is no [[control]]")
    if odd := set(row) - KEYS:
        raise DeskError(f"{place} has the unknown key {min(odd)!r}; there is {_list(sorted(KEYS))}")
    kinds = [kind for kind in Kind if kind.value in row]
    if len(kinds) != 1:
        raise DeskError(f"{place} names {len(kinds)} controls; give one of cc, note and program")
    number = _whole(row, kinds[0].value, 0, 127, place)
    channel = _whole(row, "channel", 1, 16, place) if "channel" in row else None
    mode = row.get("mode", "absolute")
    if mode not in MODES:
        raise DeskError(f"{place}: mode is {mode!r:.40}; give one of {_list(MODES)}")
    name = row.get("parameter")
    try:
        parameter = find(name) if isinstance(name, str) else None
    except DeskError as error:
        raise DeskError(f"{place}: {error}") from error
    if parameter is None:
        raise DeskError(f"{place} has no parameter; name one of docs/osc.md")
    low, high = (_number(row, end, parameter, place) for end in ("low", "high"))
    binding = Binding(parameter.name, kinds[0], number, channel, mode, row.get("value"), low, high)
    _check(binding, parameter, place)
    return binding


def _check(binding: Binding, parameter: Parameter, place: str) -> None:
    """That the control can do it at all."""
    if parameter.kind is Holds.READING:
        raise DeskError(f"{place}: {parameter.name} is read, not set; name another parameter")
    if binding.mode == "14bit" and not (binding.kind is Kind.CC and binding.number < 32):
        raise DeskError(f"{place}: 14 bits come from cc 0 to 31, the finer half from 32 to 63")
    turns = parameter.kind in (Holds.NUMBER, Holds.CHOICE) and binding.kind is Kind.CC
    if binding.mode == "relative" and not turns:
        raise DeskError(f"{place}: relative is for a cc that turns a number or a choice")
    if binding.mode in ("toggle", "hold") and parameter.kind is not Holds.SWITCH:
        raise DeskError(f"{place}: {binding.mode} is for switches; leave mode out")
    if binding.value is not None and not isinstance(binding.value, str | int | float):
        raise DeskError(f"{place}: value is {binding.value!r:.40}; give a number or a text")
    needs = parameter.kind in (Holds.NUMBER, Holds.COLOUR, Holds.CHOICE)
    if needs and binding.kind is not Kind.CC and binding.value is None:
        raise DeskError(f'{place}: {binding.kind.value} needs a value for {parameter.name}; add '
                        "value =")  # fmt: skip
    if parameter.kind is Holds.COLOUR and binding.value is None:
        raise DeskError(f'{place}: a fader is no colour; add value = "#rrggbb"')
    # Choices that are offered later cannot be checked yet.
    late = parameter.kind is Holds.CHOICE and not parameter.choices
    if binding.value is not None and parameter.settable and not late:
        try:
            parameter.checked(binding.value)
        except DeskError as error:
            raise DeskError(f"{place}: {error}") from error


def _whole(row: Mapping[str, Any], name: str, low: int, high: int, place: str) -> int:
    value = row[name]
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise DeskError(f"{place}: {name} is {value!r:.40}; give {low} to {high}")
    return value


def _number(row: Mapping[str, Any], name: str, parameter: Parameter, place: str) -> float | None:
    if name not in row:
        return None
    if parameter.kind is not Holds.NUMBER:
        raise DeskError(f"{place}: {name} is for numbers, which {parameter.name} is none of")
    try:
        return float(parameter.checked(row[name]))
    except DeskError as error:
        raise DeskError(f"{place}: {name}: {error}") from error


def _list(words: Iterable[str]) -> str:
    return ", ".join(words)
