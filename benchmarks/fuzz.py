"""Spoiled input for every way in, counted: what was taken, refused, crashed on, hung on, let in.

python -m benchmarks.fuzz [--inputs 100000] [--seed 0] [--only TARGET[:NUMBER]] [--out FILE]

Inputs are valid ones that were changed where it hurts (Protocol Buffers with wrong dimensions, SDP
with lines doubled, archives whose hashes are right again). Each is made from the seed, its
target's name and its number alone, so that a finding can be made again with --only. A new way in
is added to `TARGETS`. The exit code is 1 where anything was found.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import json
import logging
import random
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks.fuzz_bundles import Bundles, Nets
from benchmarks.fuzz_console import ConsoleMessages
from benchmarks.fuzz_offers import Offers
from benchmarks.fuzz_osc import OscPackets
from benchmarks.fuzz_poses import OpenPoseFiles
from benchmarks.fuzz_requests import Requests
from benchmarks.fuzz_target import Found, LetInError, Target
from benchmarks.live import peak_rss_mb
from export.machine import machine_facts

TARGETS: tuple[Callable[[], Target], ...] = (
    Bundles, Nets, Offers, OpenPoseFiles, Requests, OscPackets, ConsoleMessages,
)  # fmt: skip

HANG_S = 5.0
"""For one input, seconds. The slowest honest one takes a fiftieth of it."""

STUCK_S = 60.0
"""After which native code is held to hang: the process ends with a trace."""

MOST_FOUND = 50
"""Findings that are kept with their words."""


class HangError(Exception):
    """An input took too long."""


@dataclass(slots=True)
class Row:
    """What one target made of its inputs."""

    name: str
    inputs: int = 0
    taken: int = 0
    refused: int = 0
    crashes: int = 0
    hangs: int = 0
    let_in: int = 0
    slowest_ms: float = 0.0
    seconds: float = 0.0
    found: list[Found] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz, print, and say by the exit code whether anything was found."""
    parser = argparse.ArgumentParser(prog="benchmarks.fuzz", description=__doc__.split("\n")[0])
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", metavar="TARGET[:NUMBER]", help="one target, or one input of it")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the figures there as well")
    found = parser.parse_args(arguments)
    # Refusals are what is wanted here, and the show's log of them is not.
    logging.disable(logging.WARNING)
    began_s = time.monotonic()
    rows = fuzz(found.inputs, found.seed, found.only)
    figures = report(rows, found.seed, time.monotonic() - began_s)
    print(table(rows))
    for one in (one for row in rows for one in row.found):
        print(f"\n{one.kind} at --seed {found.seed} --only {one.target}:{one.number}\n{one.what}")
    if found.out is not None:
        about = {"machine": machine_facts("aiohttp", "aiortc", "onnx", "opencv-contrib-python")}
        found.out.write_text(json.dumps(about | figures, indent=2) + "\n", "utf-8")
    print(json.dumps(figures))
    return 1 if any(row.crashes or row.hangs or row.let_in for row in rows) else 0


def fuzz(inputs: int, seed: int, only: str | None = None) -> list[Row]:
    """Feed every target its share of `inputs`."""
    name, _, number = (only or "").partition(":")
    rows = []
    for make in TARGETS:
        if name and make.name != name:  # type: ignore[attr-defined]
            continue
        target = make()
        try:
            count = inputs if name else round(inputs * target.share)
            numbers = [int(number)] if number else range(count)
            rows.append(_fuzz_one(target, numbers, seed))
        finally:
            target.close()
    return rows


def _fuzz_one(target: Target, numbers: Sequence[int], seed: int) -> Row:
    row, began_s = Row(target.name), time.monotonic()
    for number in numbers:
        rng = random.Random(f"{seed}/{target.name}/{number}")
        given = target.make(rng)
        start_s = time.monotonic()
        try:
            with _limited():
                verdict = target.feed(given).value
            setattr(row, verdict, getattr(row, verdict) + 1)
        except LetInError as error:
            row.let_in += 1
            _note(row, number, "let in", str(error))
        except (HangError, TimeoutError):
            row.hangs += 1
            _note(row, number, "hang", traceback.format_exc(limit=-6))
        except Exception:  # whatever it is, that is what is looked for
            row.crashes += 1
            _note(row, number, "crash", traceback.format_exc(limit=-6))
        row.inputs += 1
        row.slowest_ms = max(row.slowest_ms, round((time.monotonic() - start_s) * 1e3, 1))
    row.seconds = round(time.monotonic() - began_s, 1)
    return row


def _note(row: Row, number: int, kind: str, what: str) -> None:
    if len(row.found) < MOST_FOUND:
        row.found.append(Found(row.name, number, kind, what))


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    """Ends Python code after `HANG_S`; native code that never returns, with the process."""
    if not hasattr(signal, "setitimer"):  # Windows: what is slow is seen in `slowest_ms`
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        raise HangError(f"it took more than {HANG_S:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    others = signal.setitimer(signal.ITIMER_REAL, HANG_S)  # a test's own time limit, say
    faulthandler.dump_traceback_later(STUCK_S, exit=True, file=2)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *others)


def report(rows: Sequence[Row], seed: int, seconds: float) -> dict[str, Any]:
    """The figures, for machines."""
    total: Counter[str] = Counter()
    for row in rows:
        for name in ("inputs", "taken", "refused", "crashes", "hangs", "let_in"):
            total[name] += getattr(row, name)
    return {
        **total,
        "seed": seed,
        "seconds": round(seconds, 1),
        "peak_rss_mb": peak_rss_mb(),
        "rows": [asdict(row) for row in rows],
    }


def table(rows: Sequence[Row]) -> str:
    """The figures, for people."""
    names = ("name", "inputs", "taken", "refused", "crashes", "hangs", "let_in", "slowest_ms")
    lines = [" ".join(f"{name.replace('_', ' '):>10}" for name in (*names, "seconds"))]
    for row in rows:
        lines.append(" ".join(f"{getattr(row, name):>10}" for name in (*names, "seconds")))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
