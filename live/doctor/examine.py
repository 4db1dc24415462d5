"""The examination: one check after another, each in its own time, and none of them is believed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from live.doctor.check import Check, Plan
from live.doctor.finding import Finding, careful, from_error
from live.doctor.patience import within
from live.errors import UnderstudyError
from live.timing import Clock

BUDGET_S = 20.0
LEAST_S = 1.0
"""What each check gets, also where those before it have used all of the time."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One line of the result."""

    name: str
    finding: Finding
    took_s: float


def examine(
    plan: Plan,
    checks: Sequence[Check],
    say: Callable[[Checked], None] = lambda checked: None,
    clock: Clock = time.monotonic,
    budget_s: float = BUDGET_S,
) -> list[Checked]:
    """What they found, in their order; `say` is told each at once. Never raises.

    One at a time: they measure times, and would disturb each other.
    """
    found, end_s = [], clock() + budget_s
    with _quiet():
        for check in checks:
            began_s = clock()
            finding = _look(check, plan, min(check.limit_s, max(end_s - began_s, LEAST_S)))
            if finding is None:
                continue
            checked = Checked(check.name, finding, clock() - began_s)
            found.append(checked)
            say(checked)
    return found


def _look(check: Check, plan: Plan, limit_s: float) -> Finding | None:
    late: Finding | None = careful(
        f"no answer within {limit_s:.0f} s, and it was left behind",
        "on a new machine parts are compiled at first: let run_live.py --demo --seconds 5 run "
        "once, and ask again; if it stays so, what is looked at hangs",
    )
    try:
        return within(limit_s, lambda: check.look(plan), late, f"doctor: {check.name}")
    except UnderstudyError as error:
        return from_error(error)
    except Exception as error:  # a doctor who falls ill goes on to the next patient
        return careful(
            f"this could not be looked at ({type(error).__name__}: {error})",
            "start the show and see; and report it, for this is an error of the doctor's",
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """What the parts log while they are tried is in the findings, in better words."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
