"""An order from a console: read, checked and carried out, with a sentence for what is wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from live.desk.desk import Desk
from live.desk.parameters import SAFETY
from live.errors import DeskError, UnderstudyError

log = logging.getLogger(__name__)

BY = "console"
LONGEST_NAME = 60  # characters of what somebody sent, in a sentence
MOST_VALUES = 200  # of one order; the table has fewer
MOST_ARGUMENTS = 16

_KINDS = {
    "set": frozenset({"set", "fade", "id"}),
    "toggle": frozenset({"toggle", "id"}),
    "do": frozenset({"do", "with", "id"}),
    "acknowledge": frozenset({"acknowledge", "id"}),
}

Acknowledge = Callable[[str, str], None]
"""(subject's name, words): keeps that the operator answers for the subject's consent."""


@dataclass(frozen=True, slots=True)
class Orders:
    """Carries out what consoles order. For one thread at a time, and not the event loop's."""

    desk: Desk
    acknowledge: Acknowledge

    def answer(self, message: Mapping[str, object]) -> dict[str, object]:
        """`{"ok": id}`, or `{"error": sentence, "id": id}`. Never raises."""
        number = message.get("id")
        number = number if type(number) is int and abs(number) < 2**53 else None
        try:
            self._carry_out(message)
        except UnderstudyError as error:
            return {"error": str(error), "id": number}
        except Exception as error:  # a handler's own mistake ends neither console nor show
            log.exception("an order from a console failed")
            words = f"it failed ({type(error).__name__}); the log says more, and the show goes on"
            return {"error": words, "id": number}
        return {"ok": number}

    def _carry_out(self, message: Mapping[str, object]) -> None:
        kind = kind_of(message)
        if kind == "set":
            self.desk.set_many(_values(message["set"]), BY, _fade_s(message.get("fade")))
        elif kind == "toggle":
            self.desk.toggle(_text(message["toggle"], "toggle"), BY)
        elif kind == "do":
            arguments = _arguments(message.get("with"))
            self.desk.do(_text(message["do"], "do"), *arguments, by=BY)
        else:
            self.acknowledge(*_subject_and_words(message["acknowledge"]))


def kind_of(message: Mapping[str, object]) -> str:
    """Which of the four orders it is. Raises DeskError."""
    kinds = [name for name in _KINDS if name in message]
    if len(kinds) != 1:
        raise DeskError(f"an order has one of {', '.join(_KINDS)}; this one has {len(kinds)}")
    unknown = [name for name in message if name not in _KINDS[kinds[0]]]
    if unknown:
        known = ", ".join(sorted(_KINDS[kinds[0]]))
        raise DeskError(f"an order to {kinds[0]} has {known}, and no {_short(unknown[0])}")
    if type(message.get("id", 0)) is not int:
        raise DeskError("an order's id is a whole number; leave it out where none is needed")
    return kinds[0]


def is_urgent(message: Mapping[str, object], desk: Desk) -> bool:
    """Whether all that it is about is safety's: it then waits for no order before it."""
    given = message.get("set", message.get("toggle", message.get("do")))
    about = list(given) if isinstance(given, dict) else [given]
    safe = [one.name for one in desk.parameters() if one.group == SAFETY]
    return all(name in safe for name in about)


def _values(given: object) -> dict[str, object]:
    if not isinstance(given, dict) or not 0 < len(given) <= MOST_VALUES:
        raise DeskError('"set" is no table of names and values; send {"set": {"mirror": true}}')
    return given


def _fade_s(given: object) -> float:
    if given is None:
        return 0.0
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise DeskError(f'"fade" is {_short(given)}; give seconds')
    if not abs(given) < 1e9:  # an int may be beyond every float; the desk knows the real limit
        raise DeskError('"fade" is out of every range; give seconds')
    return float(given)


def _text(given: object, what: str) -> str:
    if not isinstance(given, str):
        raise DeskError(f'"{what}" is {_short(given)}; give a parameter\'s name')
    return given


def _arguments(given: object) -> list[object]:
    if given is None:
        return []
    if not isinstance(given, list) or len(given) > MOST_ARGUMENTS:
        raise DeskError(f'"with" is no list of {MOST_ARGUMENTS} values at most; send "with": [8]')
    if not all(isinstance(one, str | int | float) for one in given):  # a bool is an int
        raise DeskError('"with" holds numbers, texts, true and false alone')
    return given


def _subject_and_words(given: object) -> tuple[str, str]:
    if not isinstance(given, dict) or set(given) != {"subject", "words"}:
        raise DeskError('"acknowledge" has "subject" and "words", and nothing else')
    name, words = given["subject"], given["words"]
    if not (isinstance(name, str) and isinstance(words, str)):
        raise DeskError('"subject" and "words" of "acknowledge" are texts')
    return name, words


def _short(given: object) -> str:
    """What somebody sent, printable and not long."""
    text = repr(given) if isinstance(given, str | int | float | None) else type(given).__name__
    text = "".join(one if one.isprintable() else "?" for one in text)
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 3] + "..."
