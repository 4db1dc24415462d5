"""The doctor's findings as text: one column each for verdict, part, and what was found."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from textwrap import wrap

from live.doctor.examine import Checked
from live.doctor.finding import Verdict, worst

NAMES = 14  # columns of a check's name
MARGIN = 2 + 9 + NAMES
WIDEST = 110
COLOURS = {Verdict.RIGHT: "32", Verdict.CAREFUL: "33", Verdict.WRONG: "1;31"}
"""ANSI: green, yellow, bold red."""


def line_of(checked: Checked, width: int = 100, colour: bool = False) -> str:
    """One check: its line, the details under it, and what to do behind an arrow."""
    finding = checked.finding
    word = f"{finding.verdict.value:<9}"
    if colour:
        word = f"\x1b[{COLOURS[finding.verdict]}m{word}\x1b[0m"
    room = max(min(width, WIDEST) - MARGIN, 30)
    lines = wrap(finding.what, room)
    for detail in finding.details:
        lines += wrap(detail, room, initial_indent="- ", subsequent_indent="  ")
    if finding.remedy:
        lines += wrap(finding.remedy, room, initial_indent="-> ", subsequent_indent="   ")
    first, *others = lines or [""]
    below = [" " * MARGIN + other for other in others]
    return "\n".join([f"  {word}{checked.name:<{NAMES}}{first}", *below])


def ending(found: Sequence[Checked]) -> str:
    """The last line: how many of each, and what that means."""
    findings = [one.finding for one in found]
    seconds = sum(one.took_s for one in found)
    counts = {v: sum(one.verdict is v for one in findings) for v in Verdict}
    said = f"{counts[Verdict.RIGHT]} right"
    if counts[Verdict.CAREFUL]:
        said += f", {counts[Verdict.CAREFUL]} to be careful about"
    if counts[Verdict.WRONG]:
        said += f", {counts[Verdict.WRONG]} wrong"
    return f"  {said}, in {seconds:.0f} s. {_MEANS[worst(findings)]}"


_MEANS = {
    Verdict.RIGHT: "The show can begin.",
    Verdict.CAREFUL: "The show can begin; read the lines marked careful first.",
    Verdict.WRONG: "Mend what is marked wrong before the show.",
}


def terminal_width() -> int:
    """Columns of the terminal; 100 where there is none."""
    return shutil.get_terminal_size((100, 24)).columns


def wants_colour(no_colour: str | None) -> bool:
    """Whether what is printed goes to somebody's eyes; `no_colour` is the variable NO_COLOR."""
    return sys.stdout.isatty() and not no_colour
