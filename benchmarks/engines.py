"""How fast every engine runs every net here, beside the others' ways to do it.

    python -m benchmarks.engines [--seconds-per-row 3] [--nets student,pose] [--bundle BUNDLE]
    python -m benchmarks.engines --nets teacher-local --into benchmarks/results/engines-cpu.json

For each net and size: median and p95 of a run, GFLOP/s, the share of what this machine can do at
all with as many threads, or on its GPU (`benchmarks.ceiling`, `benchmarks.ceiling_gpu`, same run),
the time to build, and of those with one thread or on a GPU the memory (each in a process of its
own). All that run one net are timed in turns. What cannot run here is a row that says why; nothing
is estimated. Prints a table and, as its last line, one JSON object; --into puts the rows into a
file among those that were measured before.

A net of more than 20 billion multiply-accumulates (a teacher, tier gpu) takes minutes: there
torch.compile is not built a second time for its memory, which is left out, and every run is timed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from tqdm import tqdm

from benchmarks.ceiling import Ceiling, best, measure_ceiling
from benchmarks.ceiling_gpu import measure_gpu_ceiling
from benchmarks.contest_nets import (
    SIZES,
    TEACHER_SIZE,
    TEACHERS,
    TIER_SIZES,
    Net,
    generators,
    pose_networks,
    teachers,
    tier_name,
    tiers,
)
from benchmarks.devices import NAMES, gpu_facts, open_on_gpu
from benchmarks.engines_report import (
    Result,
    Row,
    merged,
    read_earlier,
    table,
    to_json,
    write_results,
)
from benchmarks.peers import NOBODY, Contender, Runner, contenders
from benchmarks.probe import Probe, probe
from export.machine import machine_facts
from export.race import Lap, race
from live.errors import EXIT_BAD_INPUT, SetupError, UnderstudyError
from training.teacher.nets import TeacherShape

PACKAGES = (
    "onnxruntime", "onnxruntime-gpu", "tensorrt", "tensorrt-rtx-cu13-bindings", "cuda-bindings",
    "torch", "openvino", "mediapipe", "numpy",
)  # fmt: skip
LARGE_MACS = 20e9  # of a net that is not built a second time by those who take long


@dataclass(frozen=True, slots=True)
class EnginesOptions:
    """What the command line may set."""

    seconds_per_row: float = 3.0
    nets: tuple[str, ...] = ()  # beginnings of names; none: all
    engines: tuple[str, ...] = ()  # the same of engines' names
    sizes: tuple[tuple[int, int], ...] = SIZES  # of the student, (height, width) pixels
    tiers: tuple[tuple[str, tuple[int, int]], ...] = TIER_SIZES  # larger ones, each at its size
    teacher: TeacherShape = TeacherShape()
    teacher_size: tuple[int, int] = TEACHER_SIZE  # of the global one, (height, width) pixels
    bundle: Path | None = None  # a trained subject that joins
    threads: int = 0  # the most; 0: one a core
    probes: bool = True  # memory, of those with one thread or on a GPU
    progress: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.seconds_per_row <= 3600:
            raise SetupError(
                f"--seconds-per-row is {self.seconds_per_row}; give more than 0, such as 3"
            )
        if self.threads < 0:
            raise SetupError(f"--threads is {self.threads}; give 1 or more, or 0 for all cores")


def measure(options: EnginesOptions) -> Result:
    """Measure the ceilings, then every net. Raises UnderstudyError."""
    facts = machine_facts(*PACKAGES) | {"load_before": _load()} | gpu_facts()
    threads = options.threads or os.cpu_count() or 1
    counts = sorted({1, threads})
    nets = chosen_nets(options)
    seconds = min(options.seconds_per_row, 3)
    before = [measure_ceiling(n, seconds) for n in counts]
    # Taken once: nothing else computes on a GPU while it is measured.
    on_gpu = _gpu_ceiling(seconds) if facts["gpu"] else None
    races = []
    with tqdm(total=len(nets), desc="engines", unit="net", disable=not options.progress) as bar:
        while nets:  # a net is let go when it is done: a teacher holds 1.5 GB
            races.append(_race(nets.pop(0), threads, options))
            bar.update()
    # Twice, and the better counts: while something else was busy there was less to be had.
    ceilings = [best(one, measure_ceiling(one.threads, seconds)) for one in before]
    ceilings += [on_gpu] if on_gpu else []
    rows = [_with_share(row, {c.threads: c for c in ceilings}) for race in races for row in race]
    return Result(tuple(ceilings), tuple(rows), facts)


def _gpu_ceiling(seconds: float) -> Ceiling | None:
    return measure_gpu_ceiling({name: partial(open_on_gpu, name) for name in NAMES}, seconds)


def chosen_nets(options: EnginesOptions) -> list[Net]:
    """The nets whose names begin as asked. Raises SetupError where there is none.

    A name's spaces and commas may be written as in "teacher-local": commas part names.
    """
    wanted = tuple(map(_plain, options.nets)) or ("",)
    nets: list[Net] = []
    if _asks(wanted, "student"):
        nets += generators(options.sizes, options.bundle)
    nets += tiers([one for one in options.tiers if _plain(tier_name(one[0])).startswith(wanted)])
    taught = [name for name in TEACHERS if _plain(name).startswith(wanted)]
    nets += teachers(options.teacher, options.teacher_size, taught)
    if _asks(wanted, "pose"):
        nets += pose_networks()
    found = [net for net in nets if _plain(net.name).startswith(wanted)]
    if not found:
        raise SetupError(
            f"--nets names {', '.join(options.nets)}; known are student, "
            f"{', '.join(map(_plain, TEACHERS))} and pose"
        )
    return found


def _plain(name: str) -> str:
    return name.strip().replace(",", "").replace(" ", "-")


def _asks(wanted: Sequence[str], family: str) -> bool:
    return any(name.startswith(family) or family.startswith(name) for name in wanted)


def _race(net: Net, threads: int, options: EnginesOptions) -> list[Row]:
    """Everybody who can run `net`, timed in turns."""
    if net.missing:
        return [_row(net, NOBODY, None, Probe(why_not=net.missing), None)]
    torch._dynamo.reset()  # it would give up on the ninth variant of one and the same function
    rivals = {
        place: rival
        for place, rival in enumerate(contenders(net, threads))
        if any(rival.engine.startswith(name) for name in options.engines or ("",))
    }
    runners: dict[int, Runner] = {}
    probes: dict[int, Probe] = {}
    for place, rival in rivals.items():
        began_s = time.perf_counter()
        try:
            runners[place] = _started(rival, net)
        except (UnderstudyError, RuntimeError) as error:  # out of memory, too
            probes[place] = Probe(why_not=" ".join(str(error).split())[:300])
            continue
        probes[place] = Probe(build_s=time.perf_counter() - began_s)
    macs = net.macs()
    if options.probes:
        alone = [place for place in runners if _is_probed(rivals[place], macs)]
        probes |= {place: probe(net, place, threads) for place in alone}
    running = {str(place): runner.run for place, runner in runners.items()}
    laps = race(running, options.seconds_per_row * len(running)) if running else {}
    for runner in runners.values():
        runner.close()
    return [
        _row(net, rival, laps.get(str(place)), probes[place], macs)
        for place, rival in rivals.items()
    ]


def _started(rival: Contender, net: Net) -> Runner:
    """Built, and its first picture done."""
    runner = rival.build(net, rival.threads)
    try:
        runner.run()
    except BaseException:
        runner.close()
        raise
    return runner


def _is_probed(rival: Contender, macs: int | None) -> bool:
    slow = rival.engine.startswith("torch.compile") and (macs or 0) > LARGE_MACS
    return rival.threads <= 1 and not slow


def _row(net: Net, rival: Contender, lap: Lap | None, taken: Probe, macs: int | None) -> Row:
    row = Row(net.name, net.size, rival.engine, rival.precision, rival.threads)
    if lap is None:
        return replace(row, why_not=taken.why_not)
    gflops = 2 * macs / lap.median_ms / 1e6 if macs else None
    return replace(
        row,
        median_ms=round(lap.median_ms, 3),
        p95_ms=round(lap.p95_ms, 3),
        gflops=round(gflops, 1) if gflops else None,
        build_s=round(taken.build_s, 2) if taken.build_s is not None else None,
        memory_mb=taken.memory_mb,
    )


def _with_share(row: Row, ceilings: dict[int, Ceiling]) -> Row:
    ceiling = ceilings.get(row.threads)  # none of a GPU that computes no products
    operations = ceiling.operations(row.precision) if ceiling else None
    if not (row.gflops and operations):
        return row
    return replace(row, share_of_ceiling=round(row.gflops / operations, 3))


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
    parser.add_argument(
        "--nets", default="", help="beginnings of names, by commas: student, teacher-local, pose"
    )
    parser.add_argument("--engines", default="", help="the same")
    parser.add_argument(
        "--sizes", nargs="+", type=_size, default=SIZES, help="of the student, HEIGHTxWIDTH"
    )
    parser.add_argument("--bundle", type=Path, help="a trained subject that joins")
    parser.add_argument("--threads", type=int, default=0, help="the most; default: one a core")
    parser.add_argument(
        "--no-probes", dest="probes", action="store_false", help="memory is left out"
    )
    parser.add_argument("--into", type=Path, metavar="FILE", help="results to put the rows into")
    given = vars(parser.parse_args(arguments))
    into: Path | None = given.pop("into")
    for names in ("nets", "engines"):
        given[names] = tuple(name for name in given[names].split(",") if name)
    given["sizes"] = tuple(given["sizes"])
    try:
        options = EnginesOptions(**given)
        earlier = read_earlier(into) if into else None  # before minutes are spent
        result = measure(options)
        print(table(result))
        if into:
            write_results(into, merged(earlier, to_json(result)))
    except UnderstudyError as error:
        print(f"benchmarks.engines: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    print(json.dumps(to_json(result)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
