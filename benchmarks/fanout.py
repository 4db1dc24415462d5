"""What one more viewer costs: `python -m benchmarks.fanout --viewers 1,4,8,16,32`.

Our server and stock aiortc (MediaRelay, an encoder per viewer), one after the other in one run,
the same pictures and bitrate. Server and viewers are processes of their own, and only the
server's CPU time counts. `--churn 500` lets viewers come and go instead, and looks for leaks.
Prints a table, then one line of JSON. For Linux, whose /proc tells what a process holds.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.fanout_churn import churn_json, churn_table, measure_churn
from benchmarks.fanout_process import Process
from benchmarks.fanout_report import ENOUGH, Row, Window, table, to_json, to_row
from benchmarks.fanout_server import SYSTEMS, TICK_S, Feed, run_server
from benchmarks.fanout_viewers import run_viewers
from export.machine import machine_facts
from live.errors import EXIT_BAD_INPUT, SetupError, UnderstudyError
from live.timing import Spread, spread

WARM_UP_S = 4.0
"""After the last join: encoders find their rate, queues empty."""

CHURN_WARM_UP = 100


@dataclass(frozen=True, slots=True)
class FanoutOptions:
    """What is measured."""

    viewers: tuple[int, ...] = (1, 4, 8, 16, 32)
    systems: tuple[str, ...] = ("ours", "stock-vp8", "stock-h264")
    seconds: float = 10.0  # for each row
    feed: Feed = Feed()
    churn: int = 0  # joins; 0 measures CPU instead
    churn_warm_up: int = CHURN_WARM_UP

    def __post_init__(self) -> None:
        if not self.viewers or min(self.viewers) < 1:
            raise SetupError(f"--viewers is {self.viewers}; give numbers from 1, such as 1,4,8")
        if unknown := set(self.systems) - set(SYSTEMS):
            raise SetupError(f"no system {sorted(unknown)}; there are {', '.join(SYSTEMS)}")
        if not 1 <= self.seconds <= 60:
            raise SetupError(f"--seconds is {self.seconds}; give 1 to 60 for each row")
        if self.churn < 0:
            raise SetupError(f"--churn is {self.churn}; give a number of joins, such as 500")


def measure(options: FanoutOptions) -> tuple[list[Row], list[str]]:
    """The rows, and a sentence for each that was not run."""
    rows: list[Row] = []
    stopped: list[str] = []
    for name in options.systems:
        wanted = sorted(set(options.viewers))
        found = list(_rows(name, wanted, options))
        rows += found
        if left := wanted[len(found) :]:
            share = found[-1].frames_delivered_share
            stopped.append(
                f"{name} with {', '.join(map(str, left))} viewers was not run: at "
                f"{found[-1].viewers} only {share:.0%} of the pictures arrived"
            )
    return rows, stopped


def _rows(name: str, counts: Sequence[int], options: FanoutOptions) -> Iterator[Row]:
    """One row for each of `counts`, rising, up to the first that overloads the server."""
    with Process(run_server, name, options.feed) as server:
        url = server.take()
        with Process(run_viewers, url, SYSTEMS[name].codec) as viewers:
            first: Window | None = None
            there = 0
            for count in counts:
                window = _window(server, viewers, count, count - there, options.seconds)
                first, there = first or window, count
                row = to_row(name, window, first, options.feed.fps)
                _tell(f"{name}: {count} viewers, {row.core_percent:.1f} % of a core")
                yield row
                if row.frames_delivered_share < ENOUGH:
                    return


def _window(server: Process, viewers: Process, count: int, more: int, seconds: float) -> Window:
    first_pictures_s = viewers.ask("join", more)
    time.sleep(WARM_UP_S)
    viewers.send("measure", seconds)
    server.send("measure", seconds)
    idle_lag = _idle_lag(seconds)
    return Window(count, server.take(), viewers.take(), idle_lag, first_pictures_s)


def _idle_lag(seconds: float) -> Spread:
    """How late this process, which has nothing else to do, is woken."""
    late_s: list[float] = []
    end_s = (due_s := time.monotonic()) + seconds
    while due_s < end_s:
        due_s += TICK_S
        time.sleep(max(0.0, due_s - time.monotonic()))
        late_s.append(time.monotonic() - due_s)
    return spread(late_s)


def _churn(options: FanoutOptions) -> tuple[str, dict[str, Any]]:
    name = options.systems[0]
    with Process(run_server, name, options.feed) as server:
        url = server.take()
        with Process(run_viewers, url, SYSTEMS[name].codec) as viewers:
            churn = measure_churn(server, viewers, options.churn, options.churn_warm_up)
    return churn_table(churn), churn_json(churn)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in _names(text))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    plain = FanoutOptions()
    parser = argparse.ArgumentParser(description="Measure what one more viewer costs.")
    parser.add_argument("--viewers", type=_numbers, default=plain.viewers, help="1,4,8,16,32")
    parser.add_argument("--systems", type=_names, default=plain.systems, help=", ".join(SYSTEMS))
    parser.add_argument("--seconds", type=float, default=plain.seconds, help="for each row")
    parser.add_argument("--kbit-s", type=int, default=plain.feed.kbit_s, help="for each viewer")
    parser.add_argument("--churn", type=int, default=0, metavar="JOINS", help="look for leaks")
    parser.add_argument("--churn-warm-up", type=int, default=CHURN_WARM_UP, metavar="JOINS")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the JSON there, too")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 2 where it cannot be done."""
    found = _parse(arguments)
    try:
        options = FanoutOptions(
            found.viewers,
            found.systems,
            found.seconds,
            Feed(kbit_s=found.kbit_s),
            found.churn,
            found.churn_warm_up,
        )
        text, figures = _churn(options) if options.churn else _cost(options)
    except UnderstudyError as error:
        print(f"benchmarks.fanout: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    given = sys.argv[1:] if arguments is None else arguments
    about = _about(" ".join(("python -m benchmarks.fanout", *_public(given))), options.feed)
    print(text)
    print(json.dumps(about | figures))
    if found.out is not None:
        found.out.write_text(json.dumps(about | figures, indent=2) + "\n", encoding="utf-8")
    return 0


def _cost(options: FanoutOptions) -> tuple[str, dict[str, Any]]:
    rows, stopped = measure(options)
    return table(rows, stopped), to_json(rows, stopped)


def _public(arguments: Sequence[str]) -> list[str]:
    """`arguments` without where this machine keeps the result."""
    kept, skip = [], False
    for one in arguments:
        if not skip and not one.startswith("--out"):
            kept.append(one)
        skip = one == "--out"
    return kept


def _about(command: str, feed: Feed) -> dict[str, Any]:
    machine = machine_facts("aiortc", "av", "pylibsrtp")
    height, width = feed.size
    return {
        "date": machine.pop("date"),
        "machine": machine,
        "command": command,
        "size": [height, width],
        "fps": feed.fps,
        "asked_kbit_s": feed.kbit_s,
    }


if __name__ == "__main__":
    sys.exit(main())
