"""What the audience sees of a change of subject: `python -m benchmarks.swap --swaps 4`.

Runs run_live's own stages with the demo, encoding included, and changes to a copy of its subject
and back, loading and all. Prints a table of the intervals between encoded pictures, then one line
of JSON.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import run_live
from benchmarks.live import WARM_UP_S
from live.errors import EXIT_BAD_INPUT, UnderstudyError
from live.frames import Picture
from live.options import DEMO, Options, parse
from live.stream.hub import Hub
from live.subject import OPTIONAL, REQUIRED, load_subject, write_subject
from live.timing import Spread, Timing, spread

PATIENCE_S = 120.0
SETTLE_S = 0.5  # after the fade: the old one is closed


class Stamped:
    """Publishes, and notes when each picture was encoded."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self.at_s: list[float] = []

    def publish(self, picture: Picture) -> object:
        published = self._hub.publish(picture)
        self.at_s.append(time.monotonic())
        return published

    def intervals_s(self, start_s: float, end_s: float) -> list[float]:
        """Between the pictures from `start_s` to `end_s`, and from one before to one after."""
        times_s = list(self.at_s)
        return [b - a for a, b in pairwise(times_s) if b >= start_s and a <= end_s]


@dataclass(frozen=True, slots=True)
class Part:
    """One stretch of the show, and what was between its pictures."""

    name: str
    intervals_s: list[float]

    @property
    def spread(self) -> Spread:
        return spread(self.intervals_s)

    @property
    def longest_ms(self) -> float:
        return max(self.intervals_s, default=0.0) * 1e3


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 2 when the show cannot begin."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname).1s %(message)s")
    parser = argparse.ArgumentParser(prog="python -m benchmarks.swap", description=__doc__)
    parser.add_argument("--swaps", type=int, default=4)
    parser.add_argument("--fade", type=float, default=1.0, help="seconds of each cross-fade")
    parser.add_argument(
        "--quiet-s", type=float, default=4.0, help="seconds before each, to compare with"
    )
    given = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory() as folder:
            copy_demo(Path(folder) / "other", "The other")
            options = replace(parse(["--demo", "--no-open"]), subjects=Path(folder))
            parts, loads_s = measure(options, given.swaps, given.fade, given.quiet_s)
    except UnderstudyError as error:
        print(f"benchmarks.swap: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    print(table(parts, loads_s))
    print(json.dumps(figures(parts, loads_s)))
    return 0


def copy_demo(folder: Path, name: str, without: Sequence[str] = ()) -> None:
    """The demo's subject under another name: as heavy as the one that runs.

    `without`: files of `OPTIONAL` to leave out.
    """
    origin = DEMO / "subject"
    files = {one: (origin / one).read_bytes() for one in REQUIRED}
    kept = [one for one in OPTIONAL if one not in without and (origin / one).exists()]
    files |= {one: (origin / one).read_bytes() for one in kept}
    write_subject(folder, replace(load_subject(origin).manifest, name=name), files)


def measure(
    options: Options, swaps: int, fade_s: float, quiet_s: float
) -> tuple[list[Part], list[float]]:
    """(before, loading, fading), each over all swaps; and how long each took to load, seconds.

    What is compared alternates: the machine may be busy with something else for a while.
    """
    before: list[float] = []
    loading: list[float] = []
    fading: list[float] = []
    loads_s = []
    with playing(options) as (stages, stamped):
        stages.desk.set("subject.fade", fade_s, "benchmark")
        names = stages.cast.names
        for number in range(swaps):
            began_s = time.monotonic()
            stages.show.wait(quiet_s)
            asked_s = time.monotonic()
            before += stamped.intervals_s(began_s, asked_s)
            stages.desk.set("subject", names[(number + 1) % 2], "benchmark")
            if not stages.cast.wait(PATIENCE_S):
                raise UnderstudyError(f"nobody came on within {PATIENCE_S:g} s")
            ready_s = time.monotonic()
            loads_s.append(ready_s - asked_s)
            stages.show.wait(fade_s + SETTLE_S)
            loading += stamped.intervals_s(asked_s, ready_s)
            fading += stamped.intervals_s(ready_s, time.monotonic())
    return [Part("before", before), Part("loading", loading), Part("fading", fading)], loads_s


@contextmanager
def playing(options: Options) -> Iterator[tuple[run_live.Stages, Stamped]]:
    """The show, warmed up."""
    hub = Hub(always_encode=True)
    stamped = Stamped(hub)
    stages = run_live.build(options, stamped, Timing())
    try:
        stages.show.start()
        stages.show.wait(WARM_UP_S)
        yield stages, stamped
    finally:
        stages.cast.close()
        stages.show.close()
        hub.close()


def table(parts: Sequence[Part], loads_s: Sequence[float]) -> str:
    """For people."""
    lines = [f"{'interval, ms':<14}{'p50':>8}{'p95':>8}{'longest':>9}{'pictures':>10}"]
    for part in parts:
        found = part.spread
        lines.append(
            f"{part.name:<14}{found.p50:>8.1f}{found.p95:>8.1f}{part.longest_ms:>9.1f}"
            f"{found.count:>10}"
        )
    lines.append(f"loaded in {', '.join(f'{each:.1f}' for each in loads_s)} s")
    return "\n".join(lines)


def figures(parts: Sequence[Part], loads_s: Sequence[float]) -> dict[str, Any]:
    """For machines."""
    rows = [
        {
            "name": part.name,
            "interval_ms": {"p50": round(part.spread.p50, 2), "p95": round(part.spread.p95, 2)},
            "longest_ms": round(part.longest_ms, 2),
            "pictures": part.spread.count,
        }
        for part in parts
    ]
    return {"rows": rows, "loads_s": [round(s, 2) for s in loads_s], "cpu_cores": os.cpu_count()}


if __name__ == "__main__":
    sys.exit(main())
