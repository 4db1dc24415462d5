"""What normalize, smooth and draw cost per frame: `python -m benchmarks.kinematics`.

One dancer with every joint seen, face and hands included, walks to and from the camera. Prints a
table and, as its last line, one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from dataclasses import dataclass

from benchmarks.figure import arrays, clip
from live.frames import Pose
from live.normalize import Normalizer, fit_body_stats
from live.skeleton import Drawer, LabelStyle
from live.smooth import Smoother
from live.timing import Spread, Timing

PARTS = ("normalize", "smooth", "draw", "all")
BUDGET_MS = 1.0  # DESIGN, section 5


@dataclass(frozen=True, slots=True)
class KinematicsOptions:
    """What to measure."""

    size: int = 512  # the label's height and width, pixels
    frames: int = 3000  # measured, after the warm-up
    warm_up: int = 300  # frames not counted: compilation, caches

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


def report(options: KinematicsOptions, spreads: dict[str, Spread]) -> str:
    """A table, then one JSON line."""
    lines = [f"normalize, smooth and draw at {options.size} x {options.size}, ms per frame", ""]
    lines.append(f"{'part':<12}{'median':>10}{'p95':>10}{'p99':>10}")
    for part in PARTS:
        spread = spreads[part]
        lines.append(f"{part:<12}{spread.p50:>10.3f}{spread.p95:>10.3f}{spread.p99:>10.3f}")
    lines += [f"{'budget':<12}{BUDGET_MS:>10.3f}", ""]
    result = {
        "size": [options.size, options.size],
        "frames": options.frames,
        "budget_ms": BUDGET_MS,
        "parts_ms": {
            part: {name: round(getattr(spreads[part], name), 4) for name in ("p50", "p95", "p99")}
            for part in PARTS
        },
        "cpu_cores": os.cpu_count(),
        "machine": platform.machine(),
    }
    return "\n".join([*lines, json.dumps(result)])


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description="Time normalize, smooth and draw.")
    parser.add_argument("--size", type=int, default=512, help="label height and width, pixels")
    parser.add_argument("--frames", type=int, default=3000, help="frames to measure")
    given = parser.parse_args()
    options = KinematicsOptions(size=given.size, frames=given.frames)
    print(report(options, measure(options)))


if __name__ == "__main__":
    main()
