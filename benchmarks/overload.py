"""A busy machine: the show before, beside and after some burners: `python -m benchmarks.overload`.

Prints a table, then one line of JSON: the delay stays bounded, the rate falls, and both come back.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from typing import Any

import run_live
from benchmarks.soak import Burning
from live.errors import EXIT_BAD_INPUT, SetupError, UnderstudyError
from live.options import parse
from live.show import Show, Summary
from live.stream.hub import Hub
from live.timing import Timing

WARM_UP_S = 3.0
SETTLE_S = 1.0
"""After a change, not measured."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 2 when the show cannot begin."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname).1s %(message)s")
    parser = argparse.ArgumentParser(prog="benchmarks.overload")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each of the three parts")
    parser.add_argument("--burners", type=int, default=4, help="processes that only compute")
    found = parser.parse_args(arguments)
    try:
        if not 1 <= found.seconds <= 3600:
            raise SetupError(f"--seconds is {found.seconds}; give 1 to 3600")
        if not 1 <= found.burners <= 64:
            raise SetupError(f"--burners is {found.burners}; give 1 to 64")
        rows = measure(found.seconds, found.burners)
    except UnderstudyError as error:
        print(f"benchmarks.overload: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    print(f"{'part':<10}{'fps':>8}{'p50':>8}{'p95':>8}{'p99':>8}{'dropped':>9}  (ms)")
    for row in rows:
        delay = row["grab_to_encoded_ms"]
        print(f"{row['part']:<10}{row['fps']:>8}{delay['p50']:>8}{delay['p95']:>8}"
              f"{delay['p99']:>8}{row['dropped']:>9}")  # fmt: skip
    print(json.dumps({"burners": found.burners, "rows": rows}))
    return 0


def measure(seconds: float, burners: int) -> list[dict[str, Any]]:
    """The three parts, one after another, in one show."""
    hub = Hub(always_encode=True)
    show = run_live.build(parse(["--demo", "--no-open"]), hub, Timing()).show
    try:
        show.start()
        show.wait(WARM_UP_S)
        rows = [_part("before", show, seconds)]
        with Burning(burners):
            rows.append(_part("beside", show, seconds))
        rows.append(_part("after", show, seconds))
    finally:
        show.close()
        hub.close()
    if show.error is not None:
        raise UnderstudyError(f"the show stopped while it was measured: {show.error}")
    return rows


def _part(name: str, show: Show, seconds: float) -> dict[str, Any]:
    show.wait(SETTLE_S)
    show.restart_clock()
    show.wait(seconds)
    return {"part": name} | _figures(show.summary())


def _figures(summary: Summary) -> dict[str, Any]:
    delay = summary.grab_to_encoded_ms
    return {
        "fps": round(summary.fps, 1),
        "grab_to_encoded_ms": {
            "p50": round(delay.p50, 1), "p95": round(delay.p95, 1), "p99": round(delay.p99, 1)
        },
        "dropped": summary.dropped,
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
