"""Answers what was asked instead of a show: prints it, and gives the exit code."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from live.doctor.asked import Inquiry, Question
from live.doctor.check import Check, Plan
from live.doctor.examine import Checked, examine
from live.doctor.finding import Verdict, worst
from live.doctor.list_cameras import list_cameras
from live.doctor.list_subjects import list_subjects
from live.doctor.table import CHECKS
from live.doctor.words import ending, line_of, terminal_width, wants_colour
from live.errors import EXIT_BAD_INPUT, SetupError
from live.options import DEMO
from live.sources import BROWSER
from live.sources.base import redacted


def answer(inquiry: Inquiry, plan: Plan, checks: Sequence[Check] = CHECKS) -> int:
    """0; of the doctor 2 where something is wrong. Raises SetupError."""
    if inquiry.question is Question.CAMERAS:
        print(list_cameras())
        return 0
    if inquiry.question is Question.SUBJECTS:
        options = plan.options
        print(
            list_subjects(inquiry.folder or options.subjects, [options.subject, DEMO / "subject"])
        )
        return 0
    return _doctor(inquiry, plan, checks)


def _doctor(inquiry: Inquiry, plan: Plan, checks: Sequence[Check]) -> int:
    width, colour = terminal_width(), wants_colour(os.environ.get("NO_COLOR"))

    def say(checked: Checked) -> None:
        print(line_of(checked, width, colour), flush=True)

    print(f"\n  {_title(plan)}\n", flush=True)
    found = examine(plan, checks, say)
    print(f"\n{ending(found)}\n", flush=True)
    if inquiry.json is not None:
        write_json(inquiry.json, found)
    wrong = worst([one.finding for one in found]) is Verdict.WRONG
    return EXIT_BAD_INPUT if wrong else 0


def _title(plan: Plan) -> str:
    """What is looked at: the show that these options ask for."""
    where = plan.options.source.where
    subject = str(plan.options.subject)
    if plan.options.subject == DEMO / "subject":
        subject = "the demo's subject"
    if not plan.source_named:
        source = "no source yet"
    elif isinstance(where, str) and Path(where).parent == DEMO:
        source = "the demo's film"
    elif where == BROWSER:
        source = "a phone's camera"
    else:
        source = f"camera {where}" if isinstance(where, int) else redacted(where)
    return f"{source} -> {subject}: looking at it takes up to 20 seconds"


def write_json(path: Path, found: Sequence[Checked]) -> None:
    """For programs: `{"verdict", "checks": [{"name", "verdict", "what", "remedy", ...}]}`."""
    data: dict[str, Any] = {
        "verdict": worst([one.finding for one in found]).value,
        "checks": [
            {
                "name": one.name,
                "verdict": one.finding.verdict.value,
                "what": one.finding.what,
                "remedy": one.finding.remedy,
                "details": list(one.finding.details),
                "took_s": round(one.took_s, 3),
            }
            for one in found
        ],
    }
    try:
        path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise SetupError(
            f"--doctor-json {path} cannot be written ({error.strerror}); give another file"
        ) from error
