"""Moves through the cues: which there are, and which values each asks for. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from live.desk.cues import Cue, Sheet, Values
from live.desk.parameters import Value
from live.errors import DeskError

BACK_S = 1.0
"""Going back is for mistakes: it takes so long at most, however slow the cue was."""


@dataclass(frozen=True, slots=True)
class Move:
    """What is to be set, and done, to be at a cue."""

    number: int  # 0: before the first
    by: str
    values: dict[str, Value]
    fade_s: float
    do: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Due:
    """A move that is to come."""

    at_s: float
    number: int  # the cue that it leads to; 0: before the first
    name: str  # that cue's
    kind: str  # "go", "back" or "jump"
    on: str = ""  # the beat that it waits for; empty: it comes by itself, after the last one

    @property
    def says(self) -> str:
        """For the operator."""
        return f"cue {self.number} {self.name} waits for its {self.on}"


def forward(sheet: Sheet, number: int) -> Move:
    """To the next cue: it sets its own, and leaves alone what hands have set besides."""
    cue = sheet.cues[number - 1]
    return Move(number, f"cue {cue.name}", sheet.gives(cue), cue.fade_s, cue.do)


def straight(sheet: Sheet, number: int, last: int, before: Values) -> Move:
    """From cue `last` to any other, as if all before it had gone, and none after it."""
    cue = sheet.cues[number - 1]
    values = standing(sheet, number, max(number, last), before)
    return Move(number, f"cue {cue.name}", values, cue.fade_s, cue.do)


def backward(sheet: Sheet, last: int, before: Values) -> Move:
    """From cue `last` to where the cues before it lead."""
    number, undone = last - 1, sheet.cues[last - 1]
    by = f"back to {sheet.cues[number - 1].name}" if number else "back to the beginning"
    values = standing(sheet, number, last, before)
    return Move(number, by, values, min(undone.fade_s, BACK_S))


def standing(sheet: Sheet, number: int, upto: int, before: Values) -> dict[str, Value]:
    """All that cues 1 to `upto` touch, as it stands after cue `number`.

    `before`: how it stood before the first.
    """
    values = {name: before[name] for name in _touched(sheet, upto) if name in before}
    for cue in sheet.cues[:number]:
        values.update(sheet.gives(cue))
    return values


def _touched(sheet: Sheet, upto: int) -> set[str]:
    return {name for cue in sheet.cues[:upto] for name in sheet.gives(cue)}


def found_again(number: int, name: str, cues: Sequence[Cue]) -> int:
    """Where a cue is in a file that was changed: by its name, else at its number; 0: nowhere."""
    same = [cue.number for cue in cues if cue.name == name]
    if same:
        return min(same, key=lambda one: abs(one - number))
    return min(number, len(cues))


def checked_number(number: object, cues: Sequence[Cue]) -> int:
    """The number of a cue that there is. Raises DeskError."""
    if not cues:
        raise DeskError(no_more(cues))
    for cue in cues:
        if not isinstance(number, bool) and cue.number == number:  # 3.0 is 3
            return cue.number
    raise DeskError(f"there is no cue {number!r:.40}; give a number from 1 to {len(cues)}")


def no_more(cues: Sequence[Cue]) -> str:
    """Why there is no next one."""
    if not cues:
        return "there are no cues; name a file of them with --cues FILE.toml"
    return f"{cues[-1].title} was the last cue; go back, or jump to another"
