"""The demo show for a long time, with everything going wrong: `python -m benchmarks.soak`.

    python -m benchmarks.soak --minutes 10 --faults --seed 1 --every 20

Real pose, generator, encoder, server and WebRTC viewers, the latter in a process of their own. A
seeded schedule injects a fault every so often. Reports the memory's slope, handles and threads that
were left, the longest gap of the picture as a viewer sees it, and how each fault was borne. The
last line is one JSON object.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import multiprocessing
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.soak_faults import Fault, Planned, schedule
from benchmarks.soak_report import Borne, Held, by_fault, held, slope_per_h, table
from benchmarks.soak_show import SoakShow
from benchmarks.soak_viewers import Gap, run_watchers
from live.errors import EXIT_BAD_INPUT, SetupError, UnderstudyError

WARM_UP_S = 20.0
"""Not measured: caches fill, the allocator finds its size."""
SETTLE_S = 20.0
"""At the end, without faults: who vanished is given up after ten seconds."""
AFTERMATH_S = 8.0
"""A gap that begins so soon after a fault's end is its own."""
HANG_S = 5.0
"""In the warm-up: long enough for the second estimator to hang, too."""
SAMPLE_S = 1.0
RECOVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class Happened:
    """A fault's course, on the monotonic clock."""

    fault: Fault
    began_s: float
    ended_s: float
    noticed_s: float | None
    danced_s: float | None


class Soak:
    """One run."""

    def __init__(self, show: SoakShow, ask: Callable[..., Any]) -> None:
        self._show, self._ask = show, ask
        self._left = threading.Event()
        self.samples: list[Held] = []
        self._sampler = threading.Thread(target=self._sample, name="sampler", daemon=True)

    def run(self, planned: Sequence[Planned], seconds: float) -> list[Happened]:
        began_s = time.monotonic()
        self._sampler.start()
        happened = []
        for one in planned:
            self._wait_until(began_s + one.at_s)
            happened.append(self._suffer(one.fault))
        self._wait_until(began_s + seconds)
        self._left.set()
        self._sampler.join()
        return happened

    def _suffer(self, fault: Fault) -> Happened:
        began_s = time.monotonic()
        noticed_s: float | None = None

        def notice() -> None:
            nonlocal noticed_s
            if noticed_s is None and self._show.source.trouble is not None:
                noticed_s = time.monotonic()

        if fault.lasts_s:
            with Burning(4 if fault.name == "busy machine" else 0):
                self._show.suffer(fault.name, fault.lasts_s, notice)
        else:
            self._ask({"viewer vanishes": "vanish", "malformed offers": "malform"}.get(
                fault.name, "storm"))  # fmt: skip
        ended_s = time.monotonic()
        return Happened(fault, began_s, ended_s, noticed_s, self._dances_after(ended_s))

    def _dances_after(self, at_s: float) -> float | None:
        while time.monotonic() < at_s + RECOVERY_S:
            if self._show.sent.danced_s > at_s:
                return self._show.sent.danced_s
            threading.Event().wait(0.01)
        return None

    def _wait_until(self, at_s: float) -> None:
        threading.Event().wait(max(at_s - time.monotonic(), 0.0))

    def _sample(self) -> None:
        while not self._left.wait(SAMPLE_S):
            if (found := held(time.monotonic())) is not None:
                self.samples.append(found)


class Burning:
    """Processes that do nothing but compute."""

    def __init__(self, count: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._burners = [context.Process(target=burn, daemon=True) for _ in range(count)]

    def __enter__(self) -> None:
        for burner in self._burners:
            burner.start()

    def __exit__(self, *_: object) -> None:
        for burner in self._burners:
            burner.kill()
            burner.join()
            burner.close()


def burn() -> None:
    """For ever."""
    number = 1
    while True:
        number = number * 1103515245 % 2147483647 + 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Soak and report; 2 for what cannot be measured."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname).1s %(message)s")
    parser = argparse.ArgumentParser(prog="benchmarks.soak")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--faults", action="store_true", help="inject them")
    parser.add_argument("--every", type=float, default=60.0, metavar="SECONDS", help="a fault")
    parser.add_argument("--seed", type=int, default=1, help="of the schedule")
    parser.add_argument("--viewers", type=int, default=4)
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the JSON here")
    found = parser.parse_args(arguments)
    try:
        if not 0.2 <= found.minutes <= 600:
            raise SetupError(f"--minutes is {found.minutes}; give 0.2 to 600")
        if not 2 <= found.every <= 3600:
            raise SetupError(f"--every is {found.every}; give 2 to 3600 seconds")
        if not 1 <= found.viewers <= 32:
            raise SetupError(f"--viewers is {found.viewers}; give 1 to 32")
        seconds = 60 * found.minutes
        planned = schedule(seconds, found.every, found.seed, SETTLE_S) if found.faults else []
        report = soak(seconds, planned, found.viewers) | {"seed": found.seed}
    except UnderstudyError as error:
        print(f"benchmarks.soak: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    text = json.dumps(report)
    if found.out is not None:
        found.out.write_text(text + "\n", encoding="utf-8")
    print(text)
    return 0


def soak(seconds: float, planned: Sequence[Planned], viewers: int) -> dict[str, Any]:
    """Run it, print the table, and return the figures."""
    show = SoakShow()
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    show.start()
    process = context.Process(target=run_watchers, args=(theirs, show.server.url), daemon=True)
    process.start()
    try:
        ask = _asking(mine)
        first_s = ask("join", viewers)
        if planned:
            _reach_the_peak(show)
        threading.Event().wait(WARM_UP_S)
        gc.collect()
        show.show.restart_clock()
        counts = show.hub.counts
        begun_s = time.monotonic()
        run = Soak(show, ask)
        happened = run.run(planned, seconds)
        gaps, summary, after_counts = ask("gaps"), show.show.summary(), show.hub.counts
        pictures = ask("pictures")
        gc.collect()
        mine.send(("stop",))
        mine.recv()
    finally:
        process.kill()
        process.join()
        show.close()
    if show.show.error is not None:
        raise UnderstudyError(f"the show ended: {show.show.error!r}")
    all_gaps = [gap for each in gaps for gap in each if gap.from_s >= begun_s]
    borne = [_borne(one, all_gaps, begun_s) for one in happened]
    calm_s = _longest(gap for gap in all_gaps if not _of_any(gap, happened))
    rows = by_fault(borne)
    print(table(rows))
    figures: dict[str, Any] = {
        "minutes": round(seconds / 60, 2),
        "faults": len(planned),
        "longest_gap_s": round(_longest(all_gaps), 2),
        "longest_gap_without_fault_s": round(calm_s, 2),
        "rss_slope_mb_per_h": round(slope_per_h([(s.at_s, s.rss_mb) for s in run.samples]), 1),
        **_leaks(run.samples),
        "rss_mb": [round(one.rss_mb) for one in run.samples[:: max(len(run.samples) // 20, 1)]],
        "fps": round(summary.fps, 1),
        "delay_ms": {"p50": round(summary.grab_to_encoded_ms.p50, 1),
                     "p95": round(summary.grab_to_encoded_ms.p95, 1)},
        "dropped": summary.dropped,
        "dropped_for_viewers": after_counts.dropped - counts.dropped,
        "restarts": summary.restarts,
        "repeated": summary.repeated,
        "estimators_renewed": show.estimator.renewals,
        "rungs": summary.rungs,
        "viewers": {"pictures": pictures, "first_picture_s": [round(one, 2) for one in first_s]},
        "rows": rows,
    }  # fmt: skip
    return figures


def _reach_the_peak(show: SoakShow) -> None:
    """Suffer ahead what takes the most memory: estimators that hang, with two more beside them,
    and subjects that are exchanged.

    The allocator keeps what they held: steps, which in a short soak would pass for a slope.
    """
    for name in ("estimator hangs", "subject swapped", "every control moved") * 2:
        threading.Event().wait(2.0)
        show.suffer(name, HANG_S)


def _asking(pipe: Connection) -> Callable[..., Any]:
    def ask(*what: object) -> Any:
        pipe.send(what)
        if not pipe.poll(120):
            raise UnderstudyError(f"the viewers do not answer to {what[0]}")
        answer = pipe.recv()
        if isinstance(answer, Exception):
            raise UnderstudyError(f"the viewers' {what[0]} failed: {answer}")
        return answer

    return ask


def _borne(one: Happened, gaps: Sequence[Gap], begun_s: float) -> Borne:
    return Borne(
        one.fault.name,
        one.began_s - begun_s,
        _longest(gap for gap in gaps if _of(gap, one)),
        None if one.danced_s is None else one.danced_s - one.ended_s,
        None if one.noticed_s is None else one.noticed_s - one.began_s,
    )


def _of(gap: Gap, one: Happened) -> bool:
    return gap.to_s > one.began_s and gap.from_s < one.ended_s + AFTERMATH_S


def _of_any(gap: Gap, happened: Sequence[Happened]) -> bool:
    return any(_of(gap, one) for one in happened)


def _longest(gaps: Any) -> float:
    return max((gap.lasted_s for gap in gaps), default=0.0)


def _leaks(samples: Sequence[Held]) -> dict[str, Any]:
    """None where the system does not say. The last seconds' median: one is always on its way."""
    if not samples:
        return {"leaked_handles": None, "leaked_threads": None}
    first, last = samples[0], samples[-5:]
    return {
        "leaked_handles": round(median(one.handles for one in last)) - first.handles,
        "leaked_threads": round(median(one.threads for one in last)) - first.threads,
    }


if __name__ == "__main__":
    sys.exit(main())
