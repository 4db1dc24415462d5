"""`python -m live.doctor`: whether `run_live.py` can begin at all. Needs no package.

Where it can, `python run_live.py --doctor` looks at all the rest.
"""

from __future__ import annotations

import sys

from live.doctor.finding import Verdict
from live.doctor.packages import look_at_imports, look_at_packages, look_at_python
from live.errors import EXIT_BAD_INPUT


def main() -> int:
    """Print what is wrong; the exit code."""
    for look in (look_at_python, look_at_packages, look_at_imports):
        finding = look()
        print(f"  {finding.verdict.value:<9}{finding.what}")
        for line in finding.details:
            print(f"           - {line}")
        if finding.remedy:
            print(f"           -> {finding.remedy}")
        if finding.verdict is Verdict.WRONG:
            return EXIT_BAD_INPUT
    print("  Now: python run_live.py --doctor, with the options of your show.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
