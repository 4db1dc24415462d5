"""Before `run_live.py` imports what may be missing: a sentence, where Python would show a trace.

Nothing but the standard library is imported here.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from live.doctor.packages import look_at_python, missing_packages
from live.errors import EXIT_BAD_INPUT

NAMED = 3
"""So many packages are named; another Python has none of them, and the list would be long."""


def require_packages() -> None:
    """End the process with code 2 where this Python cannot run the show."""
    python = look_at_python()
    missing = [] if python.remedy else missing_packages()
    if python.remedy:
        _refuse(f"{python.what}; {python.remedy}")
    if missing:
        _refuse(missing_says(missing, sys.executable))


def missing_says(missing: Sequence[str], python: str, platform: str = sys.platform) -> str:
    """What to tell whoever started the show by `python`, which lacks `missing`."""
    named, more = ", ".join(missing[:NAMED]), len(missing) - NAMED
    have = f"{named} and {more} more are" if more > 0 else named + _are(missing)
    venv = r".venv\Scripts\python" if platform == "win32" else ".venv/bin/python"
    return (
        f"{have} not installed for {python}; run it by {venv} (`make demo` makes that), or let "
        f"`{python} -m live.doctor` say how to install them"
    )


def _are(names: Sequence[str]) -> str:
    return " is" if len(names) == 1 else " are"


def _refuse(sentence: str) -> None:
    print(f"understudy: {sentence}", file=sys.stderr)
    sys.exit(EXIT_BAD_INPUT)
