"""What the marks cost and what the invisible one survives: `python -m benchmarks.marking`.

The demo subject's own pictures, in a dance through its poses, are marked as on stage, then treated:

    codec       libx264 as the show sets it up, at 1.5 Mbit/s: its first picture, the worst; single
                pictures after the first second; and a video's pictures averaged, as
                `live.marking` reads a file
    half        rescaled to 50 %
    crop        cut to 70 % of either side, at a place of chance
    screenshot  scaled to what a browser's window gives it, on a dark page, as PNG and as JPEG 85

alone and together. For each: how often the mark is found, how
many coded bits are wrong before error correction, how often the whole payload is read.

Clean pictures (clips of people from the wheels pose2sim and sports2d, the demo without the mark and
its performer, cut and scaled by chance, some as JPEG) give the scores without a mark: the highest,
and the chance of one at the threshold, by Gumbel's law fitted to them.

Prints a table and, as its last line, one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.marking_attacks import Row, rows_of
from benchmarks.marking_clean import Clean, clean_scores
from benchmarks.marking_cost import Cost, cost_of
from benchmarks.marking_pictures import bare_pictures, marks_of
from export.machine import machine_facts
from live.errors import EXIT_BAD_INPUT, SetupError, UnderstudyError
from live.marking import THRESHOLD


@dataclass(frozen=True, slots=True)
class MarkingOptions:
    """What the command line may set."""

    frames: int = 240  # of the demo's dance
    samples: int = 40  # single pictures of each row
    clean: int = 2000  # pictures without a mark
    out: Path | None = None

    def __post_init__(self) -> None:
        if self.frames < 60:
            raise SetupError(f"--frames is {self.frames}; give 60 or more")
        if not 1 <= self.samples <= self.frames - 30:
            raise SetupError(f"--samples is {self.samples}; give 1 to {self.frames - 30}")
        if self.clean < 10:
            raise SetupError(f"--clean is {self.clean}; give 10 or more")


@dataclass(frozen=True, slots=True)
class Result:
    """Everything measured."""

    cost: Cost
    rows: list[Row]
    clean: Clean


def measure(options: MarkingOptions) -> Result:
    """Measure everything. Raises UnderstudyError."""
    bare = bare_pictures(options.frames)
    marks = marks_of(bare[0].shape[:2])
    return Result(
        cost_of(bare, marks),
        rows_of(bare, marks, options.samples),
        clean_scores(bare, options.clean),
    )


def table(result: Result) -> str:
    """For people."""
    cost, clean = result.cost, result.clean
    lines = [
        f"watermark {cost.watermark_ms.p50:.2f} ms (p95 {cost.watermark_ms.p95:.2f}), "
        f"caption {cost.caption_ms.p50:.3f} ms (p95 {cost.caption_ms.p95:.3f}), "
        f"PSNR {cost.psnr_db:.1f} dB (worst {cost.worst_psnr_db:.1f}), "
        f"at most {cost.most_levels} levels",
        *(
            f"libx264 asked for {one.asked_kbps} kbit/s: {one.bare_kbps:.0f} bare, "
            f"{one.marked_kbps:.0f} marked; coded again the same {one.bare_psnr_db:.2f} dB bare, "
            f"{one.marked_psnr_db:.2f} marked"
            for one in cost.bitrates
        ),
        "",
        f"{'':<34}{'looks':>6}{'found':>7}{'bits wrong':>12}{'read':>7}{'score':>8}{'least':>7}",
    ]
    for row in result.rows:
        lines.append(
            f"{row.name:<34}{row.looks:>6}{row.found:>7.0%}{row.ber:>12.3f}{row.read:>7.0%}"
            f"{row.score:>8.1f}{row.least_score:>7.1f}"
        )
    lines += [
        "",
        f"{clean.looks} clean pictures: highest score {clean.highest:.2f}, median "
        f"{clean.median:.2f}; found {clean.found}, read {clean.read}; at the threshold "
        f"{THRESHOLD:g} or above by chance: {clean.chance:.1e} "
        f"(Gumbel, mode {clean.mode:.2f}, scale {clean.scale:.3f})",
    ]
    return "\n".join(lines)


def to_json(result: Result) -> dict[str, Any]:
    """All figures, and the machine."""
    return asdict(result) | {
        "threshold": THRESHOLD,
        "machine": machine_facts("numba", "numpy", "opencv-contrib-python", "av"),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 2 where it cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.marking", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--frames", type=int, default=240, help="of the demo's dance")
    parser.add_argument("--samples", type=int, default=40, help="single pictures of each row")
    parser.add_argument("--clean", type=int, default=2000, help="pictures without a mark")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the JSON there, too")
    try:
        options = MarkingOptions(**vars(parser.parse_args(arguments)))
        result = measure(options)
    except UnderstudyError as error:
        print(f"benchmarks.marking: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    found = json.dumps(to_json(result))
    if options.out is not None:
        options.out.write_text(found + "\n", "utf-8")
    print(table(result))
    print(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
