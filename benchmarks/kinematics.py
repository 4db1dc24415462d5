"""What normalize, smooth and draw cost per frame: `python -m benchmarks.kinematics`.

One dancer with every joint seen, face and hands included, walks to and from the camera. The novelty
meter and the guard have a budget of their own: they are asked of the demo's codebook, or that of
another `--subject`, by poses that it knows and, for the guard, by poses far outside. Prints a table
and, as its last line, one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figure import arrays, clip
from live.frames import Pose
from live.normalize import Normalizer, fit_body_stats
from live.novelty import Novelty
from live.options import DEMO
from live.skeleton import Drawer, LabelStyle
from live.smooth import Smoother
from live.subject import load_subject
from live.timing import Spread, Timing

PARTS = ("normalize", "smooth", "draw", "all")
BUDGET_MS = 1.0  # DESIGN, section 5
NOVELTY_PARTS = ("novelty", "novelty of limbs", "guard, known", "guard, far outside")
NOVELTY_BUDGET_MS = 0.2
SUBJECT = DEMO / "subject"


@dataclass(frozen=True, slots=True)
class KinematicsOptions:
    """What to measure."""

    size: int = 512  # the label's height and width, pixels
    frames: int = 3000  # measured, after the warm-up
    warm_up: int = 300  # frames not counted: compilation, caches
    subject: Path = SUBJECT  # whose codebook the novelty meter is asked of

    def __post_init__(self) -> None:
        if min(self.size, self.frames, self.warm_up) < 1:
            raise ValueError(f"size, frames and warm-up must be 1 or more, got {self}")


def measure(options: KinematicsOptions) -> dict[str, Spread]:
    """The spread of each part's time per frame, milliseconds."""
    size = (options.size, options.size)
    target = fit_body_stats(*arrays(clip(16, size=size)), size)
    performance = clip(16, size=(720, 1280), scale=0.8)
    stages = Normalizer(target, size), Smoother(), Drawer(size, LabelStyle())
    timing = Timing(time.perf_counter, window=options.frames)
    for number in range(options.warm_up + options.frames):
        if number == options.warm_up:
            timing.reset()
        pose = performance[number % len(performance)]
        _frame(Pose(pose.points, pose.scores, number / 30, pose.size), *stages, timing)
    return timing.spreads()


def measure_novelty(options: KinematicsOptions) -> tuple[int, dict[str, Spread]]:
    """How many poses the codebook has, and the spread of each part's time, milliseconds."""
    subject = load_subject(options.subject)
    book, body, stage = subject.codebook, subject.manifest.body, subject.manifest.stage_size
    novelty, unchanging = Novelty(book, body, stage), Novelty(book, body, stage)
    timing = Timing(time.perf_counter, window=options.frames)
    for number in range(options.warm_up + options.frames):
        if number == options.warm_up:
            timing.reset()
        at = number % (len(book.points) - 1)
        known = Pose(book.points[at], book.scores[at], number / 30, stage)
        between = (book.points[at] + book.points[at + 1]) / 2  # nobody's pose: no entry is equal
        with timing.section("novelty"):
            novelty.measure(Pose(between, book.scores[at], number / 30, stage))
        with timing.section("novelty of limbs"):
            novelty.limbs(known)
        with timing.section("guard, known"):
            unchanging.guard(known, 1.0, number / 30)
        upside_down = Pose(stage[0] - known.points, known.scores, number / 30, stage)
        with timing.section("guard, far outside"):
            novelty.guard(upside_down, 1.0, number / 30)
    return len(book.points), timing.spreads()


def _frame(
    pose: Pose, normalizer: Normalizer, smoother: Smoother, drawer: Drawer, timing: Timing
) -> None:
    with timing.section("all"):
        with timing.section("normalize"):
            placed = normalizer.apply(pose)
        with timing.section("smooth"):
            smoothed = smoother.apply(placed, placed.captured_s)
        assert smoothed is not None
        with timing.section("draw"):
            drawer.draw(smoothed.points, smoothed.scores)


def report(
    options: KinematicsOptions, spreads: dict[str, Spread], poses: int, novelty: dict[str, Spread]
) -> str:
    """A table, then one JSON line. poses: of the codebook that `novelty` was measured with."""
    lines = [f"normalize, smooth and draw at {options.size} x {options.size}, ms per frame", ""]
    lines += [*_table(PARTS, spreads), f"{'budget':<20}{BUDGET_MS:>10.3f}", ""]
    lines += [f"the novelty meter and the guard, with {poses} known poses, ms per frame", ""]
    lines += [*_table(NOVELTY_PARTS, novelty), f"{'budget':<20}{NOVELTY_BUDGET_MS:>10.3f}", ""]
    result = {
        "size": [options.size, options.size],
        "frames": options.frames,
        "budget_ms": BUDGET_MS,
        "parts_ms": _numbers(PARTS, spreads),
        "novelty_poses": poses,
        "novelty_budget_ms": NOVELTY_BUDGET_MS,
        "novelty_ms": _numbers(NOVELTY_PARTS, novelty),
        "cpu_cores": os.cpu_count(),
        "machine": platform.machine(),
    }
    return "\n".join([*lines, json.dumps(result)])


def _table(parts: tuple[str, ...], spreads: dict[str, Spread]) -> list[str]:
    lines = [f"{'part':<20}{'median':>10}{'p95':>10}{'p99':>10}"]
    for part in parts:
        spread = spreads[part]
        lines.append(f"{part:<20}{spread.p50:>10.3f}{spread.p95:>10.3f}{spread.p99:>10.3f}")
    return lines


def _numbers(parts: tuple[str, ...], spreads: dict[str, Spread]) -> dict[str, dict[str, float]]:
    return {
        part: {name: round(getattr(spreads[part], name), 4) for name in ("p50", "p95", "p99")}
        for part in parts
    }


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description="Time normalize, smooth and draw.")
    parser.add_argument("--size", type=int, default=512, help="label height and width, pixels")
    parser.add_argument("--frames", type=int, default=3000, help="frames to measure")
    parser.add_argument("--subject", type=Path, default=SUBJECT, help="for the novelty meter")
    given = parser.parse_args()
    options = KinematicsOptions(size=given.size, frames=given.frames, subject=given.subject)
    print(report(options, measure(options), *measure_novelty(options)))


if __name__ == "__main__":
    main()
