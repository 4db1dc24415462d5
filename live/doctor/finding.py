"""What a look at one part of the show found, in words for the person at the desk."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from live.errors import UnderstudyError


class Verdict(enum.Enum):
    """From best to worst. The value is the word that is shown."""

    RIGHT = "right"
    CAREFUL = "careful"  # the show runs, and may not be what it could be
    WRONG = "wrong"  # the show does not begin, or shows nothing


@dataclass(frozen=True)  # without slots: Python 3.9 is told by one, too, that it is too old
class Finding:
    """What was found, and how to mend it."""

    verdict: Verdict
    what: str
    remedy: str = ""  # empty where there is nothing to mend
    details: tuple[str, ...] = ()  # one line each, for who wants to know more


def right(what: str, details: Sequence[str] = ()) -> Finding:
    """It is as it should be."""
    return Finding(Verdict.RIGHT, what, "", tuple(details))


def careful(what: str, remedy: str, details: Sequence[str] = ()) -> Finding:
    """It works, and could be better, or will not work for long."""
    return Finding(Verdict.CAREFUL, what, remedy, tuple(details))


def wrong(what: str, remedy: str, details: Sequence[str] = ()) -> Finding:
    """It has to be mended before the show."""
    return Finding(Verdict.WRONG, what, remedy, tuple(details))


def from_error(error: UnderstudyError, verdict: Verdict = Verdict.WRONG) -> Finding:
    """As the show itself would say it: "what happened; what to do"."""
    what, remedy = halves(str(error))
    return Finding(verdict, what, remedy)


def halves(sentence: str) -> tuple[str, str]:
    """What happened, and what to do, which is behind a semicolon outside of brackets."""
    depth = 0
    for at, letter in enumerate(sentence):
        depth += (letter in "([") - (letter in ")]")
        if letter == ";" and depth <= 0:
            return sentence[:at], sentence[at + 1 :].strip()
    return sentence, ""


def worst(findings: Sequence[Finding]) -> Verdict:
    """Of them all; right where there are none."""
    order = list(Verdict)
    return max((one.verdict for one in findings), key=order.index, default=Verdict.RIGHT)
