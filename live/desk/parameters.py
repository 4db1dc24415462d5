"""What a parameter is: one entry of the table that console, OSC, MIDI, API and docs all read."""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from live.errors import DeskError

SAFETY = "safety"
"""The group of what waits for no order before it."""

Value = float | bool | str
"""Of a NUMBER float, of a SWITCH bool, of every other kind str."""


class Kind(enum.Enum):
    """What a parameter holds."""

    NUMBER = "number"
    SWITCH = "switch"
    CHOICE = "choice"  # one of `choices`, or of what the desk offers while the show runs
    COLOUR = "colour"  # "#rrggbb"
    ACTION = "action"  # holds nothing: it is done
    READING = "reading"  # told by the show, set by nobody; a number or a text


@dataclass(frozen=True, slots=True)
class Parameter:
    """One thing that can be set, done or read."""

    name: str  # "figure.scale"
    kind: Kind
    group: str  # the heading it stands under
    help: str  # one sentence for the operator
    default: Value = 0.0
    low: float = 0.0  # of a NUMBER
    high: float = 1.0
    unit: str = ""  # "ms", "s", "stage heights"; empty: a plain share or count
    choices: tuple[str, ...] = ()
    key: str = ""  # on the console's keyboard
    fades: bool = False  # a cue lets it glide
    kept: bool = True  # a part of presets and of what survives a crash
    takes: tuple[str, ...] = ()  # an ACTION's arguments: names, for the docs; "text:" before texts

    @property
    def address(self) -> str:
        """Its OSC address."""
        return "/understudy/" + self.name.replace(".", "/")

    @property
    def settable(self) -> bool:
        """Whether it has a value that an operator sets."""
        return self.kind not in (Kind.ACTION, Kind.READING)

    def checked(self, value: object, offered: Sequence[str] = ()) -> Value:
        """`value` as this parameter holds it. `offered`: the choices there are at the moment.

        Desks that know only numbers are understood: 0 and 1 switch, and a whole number picks the
        choice at that place, from 0. Raises DeskError with the remedy.
        """
        if self.kind is Kind.NUMBER:
            return self._number(value)
        if self.kind is Kind.SWITCH:
            return self._switch(value)
        if self.kind is Kind.CHOICE:
            return self._choice(value, offered or self.choices)
        if self.kind is Kind.COLOUR:
            return self._colour(value)
        what = "is done, not set" if self.kind is Kind.ACTION else "is read, not set"
        raise DeskError(f"{self.name} {what}")

    def _number(self, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise DeskError(f"{self.name} is {_shown(value)}; give a number {self._range()}")
        # An int may be beyond every float.
        if not (self.low <= value <= self.high) or not math.isfinite(value):
            raise DeskError(f"{self.name} is {_shown(value)}; give {self._range()}")
        return float(value)

    def _range(self) -> str:
        return f"from {self.low:g} to {self.high:g}" + (f" ({self.unit})" if self.unit else "")

    def _switch(self, value: object) -> bool:
        if isinstance(value, bool):
            return value
        if isinstance(value, int | float) and value in (0, 1):
            return bool(value)
        raise DeskError(f"{self.name} is {_shown(value)}; give true or false, or 1 or 0")

    def _choice(self, value: object, choices: Sequence[str]) -> str:
        if isinstance(value, str) and value in choices:
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            places = [at for at in range(len(choices)) if at == value]
            if places:
                return choices[places[0]]
        known = ", ".join(choices) or "nothing, at the moment"
        raise DeskError(f"{self.name} is {_shown(value)}; there is {known}")

    def _colour(self, value: object) -> str:
        if isinstance(value, str) and re.fullmatch("#[0-9a-fA-F]{6}", value):
            return value.lower()
        raise DeskError(f"{self.name} is {_shown(value)}; give #rrggbb, such as #101020")


def _shown(value: object) -> str:
    """What somebody sent, short and printable."""
    text = repr(value) if isinstance(value, str | int | float) else type(value).__name__
    text = "".join(one if one.isprintable() else "?" for one in text)
    return text if len(text) <= 60 else text[:57] + "..."
