"""How fast every engine runs every net here, beside the others' ways to do it.

    python -m benchmarks.engines [--seconds-per-row 3] [--nets student,pose] [--bundle BUNDLE]

For each net and size: median and p95 of a run, GFLOP/s, the share of what this machine can do at
all with as many threads (`benchmarks.ceiling`, same run), and of those with one thread memory and
time to build (each in a process of its own). All that run one net are timed in turns. What cannot
run here is a row that says why; nothing is estimated. Prints a table and, as its last line, one
JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from benchmarks.ceiling import Ceiling, best, measure_ceiling
from benchmarks.contest_nets import (
    SIZES,
    TEACHER_SIZE,
    Net,
    generators,
    pose_networks,
    teachers,
)
from benchmarks.peers import NOBODY, Contender, Runner, contenders
from benchmarks.probe import Probe, probe
from export.machine import machine_facts
from export.race import Lap, race
from live.errors import EXIT_BAD_INPUT, SetupError, UnderstudyError
from training.teacher.nets import TeacherShape

PACKAGES = ("onnxruntime", "torch", "openvino", "mediapipe", "numpy")


@dataclass(frozen=True, slots=True)
class EnginesOptions:
    """What the command line may set."""

    seconds_per_row: float = 3.0
    nets: tuple[str, ...] = ()  # beginnings of names; none: all
    engines: tuple[str, ...] = ()  # the same of engines' names
    sizes: tuple[tuple[int, int], ...] = SIZES  # of the student, (height, width) pixels
    teacher: TeacherShape = TeacherShape()
    teacher_size: tuple[int, int] = TEACHER_SIZE  # of the global one, (height, width) pixels
    bundle: Path | None = None  # a trained subject that joins
    threads: int = 0  # the most; 0: one a core
    probes: bool = True  # memory and time to build, of those with one thread
    progress: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.seconds_per_row <= 3600:
            raise SetupError(
                f"--seconds-per-row is {self.seconds_per_row}; give more than 0, such as 3"
            )
        if self.threads < 0:
            raise SetupError(f"--threads is {self.threads}; give 1 or more, or 0 for all cores")


@dataclass(frozen=True, slots=True)
class Row:
    """One contender on one net."""

    net: str
    size: tuple[int, int]
    engine: str
    precision: str
    threads: int
    median_ms: float | None = None
    p95_ms: float | None = None
    gflops: float | None = None
    share_of_ceiling: float | None = None
    build_s: float | None = None
    memory_mb: float | None = None
    why_not: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """Everything measured."""

    ceilings: tuple[Ceiling, ...]
    rows: tuple[Row, ...]
    machine: dict[str, Any]


def measure(options: EnginesOptions) -> Result:
    """Measure the ceilings, then every net. Raises UnderstudyError."""
    facts = machine_facts(*PACKAGES) | {"load_before": _load()}
    threads = options.threads or os.cpu_count() or 1
    counts = sorted({1, threads})
    nets = chosen_nets(options)
    seconds = min(options.seconds_per_row, 3)
    before = [measure_ceiling(n, seconds) for n in counts]
    races = [
        _race(net, threads, options)
        for net in tqdm(nets, desc="engines", unit="net", disable=not options.progress)
    ]
    # Twice, and the better counts: while something else was busy there was less to be had.
    ceilings = [best(one, measure_ceiling(one.threads, seconds)) for one in before]
    rows = [_row(*entry, {c.threads: c for c in ceilings}) for race in races for entry in race]
    return Result(tuple(ceilings), tuple(rows), facts)


def chosen_nets(options: EnginesOptions) -> list[Net]:
    """The nets whose names begin as asked. Raises SetupError where there is none."""
    wanted = options.nets or ("",)
    nets: list[Net] = []
    if _asks(wanted, "student"):
        nets += generators(options.sizes, options.bundle)
    if _asks(wanted, "teacher"):
        nets += teachers(options.teacher, options.teacher_size)
    if _asks(wanted, "pose"):
        nets += pose_networks()
    found = [net for net in nets if any(net.name.startswith(name) for name in wanted)]
    if not found:
        raise SetupError(f"--nets names {', '.join(wanted)}; known are student, teacher and pose")
    return found


def _asks(wanted: Sequence[str], family: str) -> bool:
    return any(name.startswith(family) or family.startswith(name) for name in wanted)


_Entry = tuple[Net, Contender, Lap | None, Probe]


def _race(net: Net, threads: int, options: EnginesOptions) -> list[_Entry]:
    """Everybody who can run `net`, timed in turns."""
    if net.missing:
        return [(net, NOBODY, None, Probe(why_not=net.missing))]
    torch._dynamo.reset()  # it would give up on the ninth variant of one and the same function
    rivals = {
        place: rival
        for place, rival in enumerate(contenders(net, threads))
        if any(rival.engine.startswith(name) for name in options.engines or ("",))
    }
    runners: dict[int, Runner] = {}
    probes: dict[int, Probe] = {}
    for place, rival in rivals.items():
        try:
            runners[place] = rival.build(net, rival.threads)
        except UnderstudyError as error:
            probes[place] = Probe(why_not=str(error))
    if options.probes:
        alone = [place for place in runners if rivals[place].threads == 1]
        probes |= {place: probe(net, place, threads) for place in alone}
    running = {str(place): runner.run for place, runner in runners.items()}
    laps = race(running, options.seconds_per_row * len(running)) if running else {}
    for runner in runners.values():
        runner.close()
    return [
        (net, rival, laps.get(str(place)), probes.get(place, Probe()))
        for place, rival in rivals.items()
    ]


def _row(
    net: Net, rival: Contender, lap: Lap | None, taken: Probe, ceilings: dict[int, Ceiling]
) -> Row:
    if lap is None:
        why = taken.why_not
        return Row(net.name, net.size, rival.engine, rival.precision, rival.threads, why_not=why)
    macs = net.macs()
    gflops = 2 * macs / lap.median_ms / 1e6 if macs else None
    ceiling = ceilings[rival.threads].operations(rival.precision)
    return Row(
        net=net.name,
        size=net.size,
        engine=rival.engine,
        precision=rival.precision,
        threads=rival.threads,
        median_ms=round(lap.median_ms, 3),
        p95_ms=round(lap.p95_ms, 3),
        gflops=round(gflops, 1) if gflops else None,
        share_of_ceiling=round(gflops / ceiling, 3) if gflops and ceiling else None,
        build_s=round(taken.build_s, 2) if taken.build_s is not None else None,
        memory_mb=taken.memory_mb,
    )


def table(result: Result) -> str:
    """For people."""
    lines = [
        f"{c.threads} thread(s): fp32 {c.fp32_gflops:.0f} GFLOP/s, bf16 {c.bf16_gflops:.0f}, "
        f"int8 {c.int8_gops:.0f} Gop/s, copy {c.copy_gbps:.1f} GB/s"
        for c in result.ceilings
    ]
    last = None
    for row in result.rows:
        if (row.net, row.size) != last:
            last = row.net, row.size
            lines += ["", f"{row.net}, {row.size[0]}x{row.size[1]} (height x width)", _head()]
        lines.append(_line(row))
    return "\n".join(lines)


def _head() -> str:
    return (
        f"  {'engine':<36}{'number':<7}{'thr':>4}{'median ms':>11}{'p95 ms':>9}{'GFLOP/s':>9}"
        f"{'ceiling':>9}{'build s':>9}{'MB':>7}"
    )


def _line(row: Row) -> str:
    start = f"  {row.engine:<36}{row.precision:<7}{row.threads or '-':>4}"
    if row.why_not is not None:
        return f"{start}  not run: {row.why_not}"
    share = f"{row.share_of_ceiling:.0%}" if row.share_of_ceiling is not None else "-"
    return (
        f"{start}{row.median_ms:>11.2f}{row.p95_ms:>9.2f}{_cell(row.gflops):>9}{share:>9}"
        f"{_cell(row.build_s, 2):>9}{_cell(row.memory_mb, 0):>7}"
    )


def _cell(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def to_json(result: Result) -> dict[str, Any]:
    """The keys of DESIGN, section 7, and the machine. The ceiling named first is of all cores."""
    most = result.ceilings[-1]
    return {
        "ceiling_gflops": most.fp32_gflops,
        "ceiling_gbps": most.copy_gbps,
        "ceilings": [asdict(ceiling) for ceiling in result.ceilings],
        "machine": result.machine,
        "rows": [asdict(row) for row in result.rows],
    }


def _load() -> float | None:
    """How busy the machine was in the last minute, in threads; None where it does not say."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def _size(text: str) -> tuple[int, int]:
    height, _, width = text.partition("x")
    return int(height), int(width)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 2 where it cannot be done."""
    parser = argparse.ArgumentParser(description="Race every engine on every net.")
    parser.add_argument("--seconds-per-row", type=float, default=3.0)
    parser.add_argument("--nets", default="", help="beginnings of names, by commas")
    parser.add_argument("--engines", default="", help="the same")
    parser.add_argument(
        "--sizes", nargs="+", type=_size, default=SIZES, help="of the student, HEIGHTxWIDTH"
    )
    parser.add_argument("--bundle", type=Path, help="a trained subject that joins")
    parser.add_argument("--threads", type=int, default=0, help="the most; default: one a core")
    parser.add_argument(
        "--no-probes", dest="probes", action="store_false", help="no memory, no time to build"
    )
    given = vars(parser.parse_args(arguments))
    for names in ("nets", "engines"):
        given[names] = tuple(name for name in given[names].split(",") if name)
    given["sizes"] = tuple(given["sizes"])
    try:
        result = measure(EnginesOptions(**given))
    except UnderstudyError as error:
        print(f"benchmarks.engines: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    print(table(result))
    print(json.dumps(to_json(result)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
