"""What a step of the teacher's training costs, and where its time goes.

    python -m benchmarks.training [--size 256x128] [--width 32] [--steps 6] [--device auto]

`ours` is the trainer of `training.train`; `plain` is pix2pixHD's step written the obvious way, with
equal nets, losses and data: one picture batch after another made in the same thread, three passes
of the critics, and weights of the critics that get gradients nobody asked for. Steps of both are
taken in turn, so that a busy machine is busy for both. Where ours spends its time, and how long it
waits for batches, is measured in as many steps alone: beside another's steps its batches would be
made meanwhile. The most memory that each takes is measured alone, in a process of its own. Prints a
table, then JSON in one line.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.training_footage import ready_dataset
from benchmarks.training_peak import peak_mb
from benchmarks.training_rivals import Ours, Plain, TrainingOptions
from live.errors import EXIT_BAD_INPUT, UnderstudyError
from live.timing import Timing
from training.dataset import Dataset
from training.device import choose_device
from training.teacher.fit import check_size, read_size

AHEAD = 3  # batches that the loader makes ahead, with its two threads
SECTIONS = ("wait", "data", "forward", "backward", "optimizer")


def measure(options: TrainingOptions, data: Dataset) -> dict[str, Any]:
    """Steps of both in turn; what they took, and the memory of each."""
    device = choose_device(options.device)
    if options.threads:
        torch.set_num_threads(options.threads)
    took, shares, parameters = _race(options, data, device)
    if device.type == "cuda":
        torch.cuda.empty_cache()  # what they held is the other processes' now
    peaks = {name: peak_mb(name, options, data.folder) for name in took}
    return _report(options, device, took, shares, peaks, parameters)


def _race(
    options: TrainingOptions, data: Dataset, device: torch.device
) -> tuple[dict[str, list[float]], dict[str, float], int]:
    """Seconds of each one's steps, the shares of ours' parts, and the generator's parameters."""
    torch.manual_seed(0)
    timing = Timing(time.perf_counter)
    ours, plain = Ours(options, data, device), Plain(options, data, device)
    ours.section(_section(timing, device))
    took: dict[str, list[float]] = {"ours": [], "plain": []}
    for number in range(options.warm_up + options.steps):
        for name, rival in (("ours", ours), ("plain", plain)):
            took_s = _timed(rival.step, number, device)
            if number >= options.warm_up:
                took[name].append(took_s)
    for number in range(AHEAD):  # what was made ahead, while `plain` worked
        ours.step(number)
    before = _totals(timing)
    alone_s = sum(_timed(ours.step, number, device) for number in range(options.steps))
    shares = {k: (total - before[k]) / alone_s for k, total in _totals(timing).items()}
    ours.close()
    return took, shares, _count(ours.stage.net)


def _timed(step: Callable[[int], None], number: int, device: torch.device) -> float:
    """Seconds that a step took, on a GPU too."""
    began_s = time.perf_counter()
    step(number)
    _finished(device)
    return time.perf_counter() - began_s


def _report(
    options: TrainingOptions,
    device: torch.device,
    took: dict[str, list[float]],
    shares: dict[str, float],
    peaks: dict[str, float | None],
    parameters: int,
) -> dict[str, Any]:
    ours, plain = (np.array(took[name]) for name in ("ours", "plain"))
    rows = [_row(name, np.array(taken), peaks[name], options) for name, taken in took.items()]
    return {
        "device": device.type if device.type == "cpu" else torch.cuda.get_device_name(device),
        "threads": torch.get_num_threads(),
        "size": list(options.size),
        "million_parameters": round(parameters / 1e6, 2),
        "batch": options.batch,
        "frames": 2,
        "rows": rows,
        "ours_over_plain": round(float(np.median(ours / plain)), 3),
        "time_shares": {name: round(shares.get(name, 0.0), 4) for name in SECTIONS},
        "peak_memory_mb": peaks["ours"],
    }


def _row(
    name: str, took: np.ndarray, peak_mb: float | None, options: TrainingOptions
) -> dict[str, Any]:
    median = float(np.median(took))
    return {
        "name": name,
        "step_ms": {
            "p50": round(1e3 * median, 1),
            "p95": round(1e3 * float(np.quantile(took, 0.95)), 1),
        },
        "steps_per_s": round(1 / median, 3),
        "samples_per_s": round(2 * options.batch / median, 3),
        "peak_memory_mb": peak_mb,
    }


def _section(timing: Timing, device: torch.device) -> Callable[[str], Any]:
    """Sections that end when a GPU has done what was asked of it."""

    class Section:
        def __init__(self, name: str) -> None:
            self._inner = timing.section(name)

        def __enter__(self) -> None:
            self._inner.__enter__()

        def __exit__(self, *exception: Any) -> None:
            _finished(device)
            self._inner.__exit__(*exception)

    return Section


def _finished(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _totals(timing: Timing) -> dict[str, float]:
    return {name: sum(durations) for name, durations in timing.recent(10**6).items()}


def _count(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def to_table(found: dict[str, Any]) -> str:
    """For people."""
    lines = [f"{'':<8}{'step p50':>12}{'p95':>12}{'steps/s':>10}{'frames/s':>10}{'peak':>12}"]
    for row in found["rows"]:
        spread, peak = row["step_ms"], row["peak_memory_mb"]
        memory = "unknown" if peak is None else f"{peak:.0f} MB"
        lines.append(
            f"{row['name']:<8}{spread['p50']:>9.1f} ms{spread['p95']:>9.1f} ms"
            f"{row['steps_per_s']:>10.2f}{row['samples_per_s']:>10.2f}{memory:>12}"
        )
    lines.append(f"ours / plain, median of pairs: {found['ours_over_plain']:.3f}")
    shares = ", ".join(f"{name} {share:.1%}" for name, share in found["time_shares"].items())
    return "\n".join([*lines, f"our time: {shares}"])


def parse(arguments: list[str] | None = None) -> TrainingOptions:
    """The command line. Raises SetupError."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__)
    parser.add_argument("--size", default="256x128", metavar="WxH")
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--blocks", type=int, default=9)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--bfloat16", action="store_true", help="ours in mixed precision")
    parser.add_argument("--data", type=Path, help="a dataset; made up where none is given")
    given = parser.parse_args(arguments)
    size = read_size(given.size)
    check_size(size, 16)
    return TrainingOptions(
        size, given.width, given.blocks, given.batch, given.steps, 2, given.device,
        given.threads, given.bfloat16, given.data,
    )  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    try:
        options = parse(arguments)
        with tempfile.TemporaryDirectory() as folder:
            found = measure(options, Dataset(options.data or ready_dataset(Path(folder))))
    except UnderstudyError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT
    print(to_table(found))
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
