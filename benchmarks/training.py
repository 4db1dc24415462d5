"""What a step of the teacher's training costs, and where its time goes.

    python -m benchmarks.training [--size 256x128] [--width 32] [--steps 6] [--device auto]

`ours` is the trainer of `training.train`; `plain` is pix2pixHD's step written the obvious way, with
equal nets, losses and data: one picture batch after another made in the same thread, three passes
of the critics, and weights of the critics that get gradients nobody asked for. Steps of both are
taken in turn, so that a busy machine is busy for both. Where ours spends its time, and how long it
waits for batches, is measured in as many steps alone: beside another's steps its batches would be
made meanwhile. Prints a table, then JSON in one line.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.training_footage import ready_dataset
from live.errors import EXIT_BAD_INPUT, UnderstudyError
from live.skeleton import LabelStyle
from live.timing import Timing
from training.dataset import Dataset
from training.device import choose_device
from training.loader import Loader
from training.teacher.backbones import open_backbone
from training.teacher.clips import ClipBatches, Clips, ClipSettings
from training.teacher.critic import Critic, together
from training.teacher.fit import check_size, read_size
from training.teacher.nets import GlobalGenerator, TeacherShape
from training.teacher.objective import (
    TeacherWeights,
    feature_matching,
    summed_critic_loss,
    summed_generator_loss,
)
from training.teacher.stages import PictureStage
from training.teacher.trainer import TeacherRates, TeacherTrainer
from training.teacher.world import World

AHEAD = 3  # batches that the loader makes ahead, with its two threads
SECTIONS = ("wait", "data", "forward", "backward", "optimizer")


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """What the command line may set."""

    size: tuple[int, int] = (128, 256)  # (height, width), pixels
    width: int = 32  # channels of the generator at full resolution; the paper's has 64
    blocks: int = 9
    batch: int = 1
    steps: int = 6  # that count, of each
    warm_up: int = 2
    device: str = "auto"
    threads: int = 0  # 0 takes all
    bfloat16: bool = False
    data: Path | None = None  # a dataset; made up where there is none


class Plain:
    """pix2pixHD's training loop for two consecutive frames, as its papers tell it."""

    def __init__(self, shape: TeacherShape, device: torch.device) -> None:
        self.generator = GlobalGenerator(shape).to(device)
        self.critic = Critic(12, 2).to(device)
        self.backbone = open_backbone("efficientnet").to(device)
        self.weights, self._device = TeacherWeights(), device
        self._adams = [
            torch.optim.Adam(net.parameters(), 2e-4, (0.5, 0.999))
            for net in (self.generator, self.critic)
        ]

    def step(self, batches: ClipBatches, number: int) -> None:
        """Make a batch, then learn from it."""
        clips = batches.make(number).to(self._device)
        first = self.generator(clips.label[:, 0], torch.zeros_like(clips.label[:, 0]))
        second = self.generator(clips.label[:, 1], first)
        made = torch.stack([first, second], 1)
        false, true = (together(clips.label, p, True) for p in (made, clips.truth))
        apart = self.critic(false.detach())
        real, fake = self.critic(true), self.critic(false)
        flat = [part.flatten(0, 1) for part in (made, clips.truth, clips.weight)]
        loss = summed_generator_loss(fake)
        loss = loss + 10 * feature_matching([maps.detach() for maps in real.features], fake)
        self._learn(loss + 5 * self.backbone(*flat), self._adams[0])
        self._learn(summed_critic_loss(real, apart), self._adams[1])

    def _learn(self, loss: Tensor, adam: torch.optim.Adam) -> None:
        adam.zero_grad()
        loss.backward()
        adam.step()


def measure(options: TrainingOptions, data: Dataset) -> dict[str, Any]:
    """Steps of both in turn; what they took."""
    device = choose_device(options.device)
    if options.threads:
        torch.set_num_threads(options.threads)
    shape = TeacherShape(options.width, blocks=options.blocks, local_width=options.width // 2)
    settings = ClipSettings(options.size, rows=options.batch)
    batches = ClipBatches(data, LabelStyle(), settings, seed=0)
    torch.manual_seed(0)
    timing = Timing(time.perf_counter)
    gpu = device.type == "cuda"
    rates = TeacherRates(channels_last=gpu, bfloat16=options.bfloat16)
    stage = PictureStage(GlobalGenerator(shape))
    trainer = TeacherTrainer(stage, rates, open_backbone("efficientnet"), World(0, 1, device))
    trainer.section = _section(timing, device)
    plain = Plain(shape, device)
    loader = Loader(batches, prepare=Clips.pinned if gpu else None)
    coming = loader.ahead(0)
    took: dict[str, list[float]] = {"ours": [], "plain": []}

    def our_step(_: int) -> None:
        with timing.section("wait"):
            clips = next(coming)
        trainer.train(clips, 0.0)

    def plain_step(number: int) -> None:
        plain.step(batches, number)

    for number in range(options.warm_up + options.steps):
        for name, step in (("ours", our_step), ("plain", plain_step)):
            took_s = _timed(step, number, device)
            if number >= options.warm_up:
                took[name].append(took_s)
    for number in range(AHEAD):  # what was made ahead, while `plain` worked
        our_step(number)
    before = _totals(timing)
    alone_s = sum(_timed(our_step, number, device) for number in range(options.steps))
    shares = {k: (total - before[k]) / alone_s for k, total in _totals(timing).items()}
    coming.close()  # type: ignore[attr-defined]
    return _report(options, device, took, shares, _count(stage.net))


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
    parameters: int,
) -> dict[str, Any]:
    ours, plain = (np.array(took[name]) for name in ("ours", "plain"))
    return {
        "device": device.type if device.type == "cpu" else torch.cuda.get_device_name(device),
        "threads": torch.get_num_threads(),
        "size": list(options.size),
        "million_parameters": round(parameters / 1e6, 2),
        "batch": options.batch,
        "frames": 2,
        "rows": [_row("ours", ours, options), _row("plain", plain, options)],
        "ours_over_plain": round(float(np.median(ours / plain)), 3),
        "time_shares": {name: round(shares.get(name, 0.0), 4) for name in SECTIONS},
        "peak_memory_mb": _peak_mb(device),
    }


def _row(name: str, took: np.ndarray, options: TrainingOptions) -> dict[str, Any]:
    median = float(np.median(took))
    return {
        "name": name,
        "step_ms": {
            "p50": round(1e3 * median, 1),
            "p95": round(1e3 * float(np.quantile(took, 0.95)), 1),
        },
        "steps_per_s": round(1 / median, 3),
        "samples_per_s": round(2 * options.batch / median, 3),
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


def _peak_mb(device: torch.device) -> float:
    if device.type == "cuda":
        return round(torch.cuda.max_memory_allocated(device) / 2**20, 1)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB, of the whole process
    return round(peak / 1024, 1)


def to_table(found: dict[str, Any]) -> str:
    """For people."""
    lines = [f"{'':<8}{'step p50':>12}{'p95':>12}{'steps/s':>10}{'frames/s':>10}"]
    for row in found["rows"]:
        spread = row["step_ms"]
        lines.append(
            f"{row['name']:<8}{spread['p50']:>9.1f} ms{spread['p95']:>9.1f} ms"
            f"{row['steps_per_s']:>10.2f}{row['samples_per_s']:>10.2f}"
        )
    lines.append(f"ours / plain, median of pairs: {found['ours_over_plain']:.3f}")
    shares = ", ".join(f"{name} {share:.1%}" for name, share in found["time_shares"].items())
    return "\n".join([*lines, f"our time: {shares}", f"peak {found['peak_memory_mb']:.0f} MB"])


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
