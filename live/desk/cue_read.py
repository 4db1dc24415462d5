"""From the text of a cue file to a `Sheet`; whatever is wrong with it is told at once."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from difflib import get_close_matches
from functools import partial
from typing import Any, TypeVar

import tomlkit
from tomlkit.exceptions import ParseError, TOMLKitError

from live.desk.cue_lines import Lines
from live.desk.cues import BY_HAND, DOABLE, Cue, CueErrors, Sheet
from live.desk.desk import LONGEST_FADE_S, Desk
from live.desk.parameters import Kind, Value
from live.desk.table import BEATS
from live.errors import DeskError

MOST_CUES = 999
LONGEST_NAME = 60
LONGEST_FOLLOW_S = 3600.0
KEYS = ("name", "preset", "fade_s", "set", "do", "on", "follow_s")

REMEDY = "this is no TOML: each name once, and texts and names with dots in quotes"

T = TypeVar("T")
Line = Callable[[str], int | None]
"""On which line a key stands. It is searched for: asked for errors alone."""


def checked_name(value: object, what: str) -> str:
    """A name that people give. Raises DeskError."""
    if not isinstance(value, str) or not value.strip():
        raise DeskError(f"{what} has no name; give it one in quotes")
    if len(value) > LONGEST_NAME or not value.isprintable() or value != value.strip():
        raise DeskError(
            f"the name {value[:LONGEST_NAME]!r} is of no use; give up to {LONGEST_NAME} "
            "characters on one line, with no space at its ends"
        )
    return value


def checked_seconds(value: object, what: str, longest_s: float = LONGEST_FADE_S) -> float:
    """A duration. Raises DeskError."""
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    if not 0 <= number <= longest_s:
        raise DeskError(f"{what} is {value!r:.40}; give 0 to {longest_s:g} seconds")
    return float(number)


def checked_value(desk: Desk, name: str, value: object, later: bool = False) -> Value:
    """What cues and presets may set, at this moment. Raises DeskError.

    `later`: choices that the desk does not offer yet are taken as they are.
    """
    known = {one.name: one for one in desk.parameters()}
    if name not in known:
        raise DeskError(f"there is no parameter {name[:60]!r}{meant(name, known)}")
    parameter = known[name]
    if parameter.kind is Kind.ACTION:
        raise DeskError(f'{name} is done, not set; a cue does it with do = ["{name}"]')
    if name in BY_HAND:
        raise DeskError(f"{name} is for the operator's hand alone; take it out")
    offered = desk.offers().get(name)
    if later and parameter.kind is Kind.CHOICE and offered is None and isinstance(value, str):
        return value
    return parameter.checked(value, offered or ())


def meant(name: str, known: Collection[str]) -> str:
    """The remedy for a name that is none."""
    if found := get_close_matches(name, known, n=1):
        return f"; did you mean {found[0]!r}?"
    if len(known) > 12:
        return "; docs/osc.md lists them all"
    return f"; there is {', '.join(known)}" if known else "; there is none"


def flat(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, object]]:
    """`figure.scale = 1` without quotes makes tables in tables; it is meant as one name."""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{before}{key}.")
        else:
            yield before + key, value


def parsed(text: str, file: str, desk: Desk) -> Sheet:
    """The sheet. Raises CueErrors with everything that is wrong, and `file` in each sentence."""
    reader = _Reader(file, Lines.of(text), desk)
    try:
        data = tomlkit.parse(text).unwrap()
    except (TOMLKitError, ValueError, RecursionError) as error:
        line = error.line if isinstance(error, ParseError) else _line_in_toml(text)
        reader.say(line, f"{str(error).partition(' at line ')[0].rstrip('.')}; {REMEDY}")
    else:
        sheet = reader.sheet(data)
        if not reader.wrong:
            return sheet
    raise CueErrors(tuple(reader.wrong))


def _line_in_toml(text: str) -> int | None:
    """Python's own reader tells the line of a name that is there twice."""
    try:
        tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        found = re.search(r"at line (\d+)", str(error))
        return int(found[1]) if found else None
    return None


class _Reader:
    """Goes on after an error, so that all are told at once."""

    def __init__(self, file: str, lines: Lines, desk: Desk) -> None:
        self.wrong: list[str] = []
        self._file = file
        self._lines = lines
        self._desk = desk

    def say(self, line: int | None, sentence: str) -> None:
        """Note an error."""
        where = self._file if line is None else f"{self._file}, line {line}"
        self.wrong.append(f"{where}: {sentence}")

    def sheet(self, data: dict[str, Any]) -> Sheet:
        self._unknown(data, ("presets", "cues"), "the file", self._lines.of_key)
        given, listed = data.get("presets", {}), data.get("cues", [])
        if not isinstance(given, dict):
            self.say(self._lines.of_key("presets"), "presets are written [presets.NAME]")
            given = {}
        if not (isinstance(listed, list) and all(isinstance(one, dict) for one in listed)):
            self.say(self._lines.of_key("cues"), "cues are written [[cues]], one below the other")
            listed = []
        if len(listed) > MOST_CUES:
            self.say(None, f"{len(listed)} cues; {MOST_CUES} are the most")
            listed = []
        presets = {name: self._preset(name, table) for name, table in given.items()}
        cues = [self._cue(number, table, presets) for number, table in enumerate(listed, 1)]
        return Sheet(tuple(cues), presets)

    def _preset(self, name: str, table: object) -> dict[str, Value]:
        what = f"preset {name[:LONGEST_NAME]!r}"
        line: Line = partial(self._lines.of_preset, name)
        self._try(lambda: checked_name(name, "a preset"), what, line, "")
        if not isinstance(table, dict):
            self.say(line(""), f"{what} is written [presets.{name}], its values below")
            return {}
        values = self._values(table, what, line)
        for key in values:
            if not self._desk.parameter(key).kept:
                self.say(line(key), f"{what}: {key} is set by cues, not by presets; take it out")
        return values

    def _cue(self, number: int, table: dict[str, Any], presets: Collection[str]) -> Cue:
        line: Line = partial(self._lines.of_cue, number)
        name = self._try(
            lambda: checked_name(table.get("name"), "the cue"), f"cue {number}", line, "name"
        )
        what = f"cue {number} {name!r}" if name else f"cue {number}"
        self._unknown(table, KEYS, what, line)
        preset, on, do = table.get("preset", ""), table.get("on", ""), table.get("do", [])
        if "preset" in table and not (isinstance(preset, str) and preset in presets):
            remedy = meant(str(preset), presets)
            self.say(line("preset"), f"{what}: there is no preset {preset!r:.60}{remedy}")
        if "on" in table and on not in BEATS:
            self.say(line("on"), f"{what}: on is {on!r:.60}; give {', '.join(BEATS)}")
        if not isinstance(do, list) or not all(one in DOABLE for one in do):
            self.say(line("do"), f"{what}: do is {do!r:.60}; a cue can do {list(DOABLE)}")
            do = []
        given = table.get("set", {})
        if not isinstance(given, dict):
            self.say(line("set"), f'{what}: what it sets is written {{ "figure.opacity" = 1.0 }}')
            given = {}
        return Cue(
            number, name or "", str(preset), self._values(given, what, line),
            self._seconds(table, "fade_s", what, line, LONGEST_FADE_S) or 0.0, tuple(do), str(on),
            self._seconds(table, "follow_s", what, line, LONGEST_FOLLOW_S),
        )  # fmt: skip

    def _values(self, table: dict[str, Any], what: str, line: Line) -> dict[str, Value]:
        values = {}
        for name, given in flat(table):
            check = partial(checked_value, self._desk, name, given, later=True)
            value = self._try(check, what, line, name)
            if value is not None:
                values[name] = value
        return values

    def _seconds(
        self, table: dict[str, Any], key: str, what: str, line: Line, longest_s: float
    ) -> float | None:
        if key not in table:
            return None
        return self._try(lambda: checked_seconds(table[key], key, longest_s), what, line, key)

    def _unknown(
        self, table: dict[str, Any], known: tuple[str, ...], what: str, line: Line
    ) -> None:
        for key in table:
            if key not in known:
                self.say(line(key), f"{what} has no {key[:60]!r}{meant(key, known)}")

    def _try(self, check: Callable[[], T], what: str, line: Line, key: str) -> T | None:
        try:
            return check()
        except DeskError as error:
            self.say(line(key), f"{what}: {error}")
            return None
