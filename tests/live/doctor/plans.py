"""Plans of shows for the doctor, from the command line as a user gives it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import run_live
from live.doctor.check import Check, Look, Plan
from live.doctor.examine import examine
from live.doctor.finding import Finding
from live.options import DEMO, parse

PERFORMER = DEMO / "performer.mp4"
PATIENCE_S = 60.0  # no test asserts a time


def plan_of(
    subject: Path,
    *arguments: object,
    source: object = PERFORMER,
    source_named: bool = True,
    **desk: Any,
) -> Plan:
    """The show that these options ask for; `desk` are fields of `DeskOptions`."""
    where = ["--camera"] if isinstance(source, int) else ["--source"]
    given = [*where, source, "--subject", subject, "--port", 0, *arguments]
    options = parse([str(one) for one in given])
    options = replace(options, desk=replace(options.desk, **desk))
    return Plan(options, run_live.build_estimator, source_named)


def looked(look: Look, plan: Plan) -> Finding:
    """What one check finds, errors of the parts included."""
    found = examine(plan, [Check("one", look, PATIENCE_S)], budget_s=PATIENCE_S)
    assert len(found) == 1, "the check has nothing to say"
    return found[0].finding
