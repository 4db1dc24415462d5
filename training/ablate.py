"""What does each part of the method bring? Every part changed in turn, at a small size.

    python -m training.ablate DATASET --out FOLDER --minutes N [--pair PERFORMER_DATA TARGET_DATA]

Trains variants of the student and of the teacher; N minutes are shared among them. The first of
each family sets the number of steps for the others, so all differ in one thing only. Writes
ablation.md and ablation.json, prints the table, then the JSON in one line. Stopped or killed, the
same command goes on where it was. The normalization takes no training: --pair tells of it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from training.ablate_options import FAMILIES, AblateOptions, open_folder
from training.ablate_table import Ablation, Line
from training.ablate_variants import Variant
from training.ablate_work import measured_rows, normalization_rows, train_variant, why_not
from training.dataset import Dataset
from training.evaluate import held_out
from training.painters import FACE
from training.sheet import Row
from training.sitting import sit

FEW_STEPS = 300  # below this a net paints little more than the plate
Say = Callable[[str], None]


def ablate(options: AblateOptions, say: Say = print) -> Ablation:
    """Train and measure what is not there yet. Raises SetupError."""
    data = Dataset(options.data)
    held_out(data, options.frames)  # before hours of training, not after
    open_folder(options)
    lines: list[Line] = []
    notes: list[str] = []
    for variant in options.variants():
        missing = why_not(variant)
        if missing:
            notes.append(f"not run: {variant.family}, {variant.part}, {variant.words}: {missing}")
            continue
        say(f"{variant.folder}: {variant.part or 'the whole'}, {variant.words}")
        train_variant(options, variant, data)
        lines += _lines(variant, measured_rows(options, variant, data), lines)
    if options.pair is None:
        notes.append("not run: normalization; give --pair PERFORMER_DATA TARGET_DATA")
    else:
        lines += _normalizations(options, data, options.pair)
    found = Ablation(_facts(options, data), lines, [*notes, *_too_short(lines)])
    found.write(options.out)
    return found


def _lines(variant: Variant, held: dict[str, Any], before: Sequence[Line]) -> list[Line]:
    """A variant's rows beside its family's whole; a face net's beside the same run without."""
    rows = [Row(**row) for row in held["rows"]]
    plain = {row.region: row for row in rows if not row.name.endswith(FACE)}
    whole = {
        line.row.region: line
        for line in before
        if not line.part and line.variant.startswith(variant.family)
    }
    found = []
    for row in [*plain.values(), *(row for row in rows if row.name.endswith(FACE))]:
        steps = held["steps"]
        if row.name.endswith(FACE):
            words = f"{variant.family}: on"
            against = f"{variant.family}, the whole but the face"
            found.append(Line("face", words, against, steps, row, plain.get(row.region)))
        elif variant.part:
            words, other = f"{variant.family}: {variant.words}", whole.get(row.region)
            against = other.variant if other else ""
            found.append(
                Line(variant.part, words, against, steps, row, other.row if other else None)
            )
        else:
            but = ", the whole but the face" if variant.family == "teacher" else ", the whole"
            found.append(Line("", f"{variant.family}{but}", "", steps, row, None))
    return found


def _normalizations(options: AblateOptions, data: Dataset, pair: tuple[Path, Path]) -> list[Line]:
    ours, steps, rows = normalization_rows(options, data, pair)
    whole = {row.region: row for row in rows if row.name == ours}
    return [
        Line("normalization", row.name, ours, steps, row, whole[row.region])
        if row.name != ours
        else Line("normalization", row.name, "", steps, row, None)
        for row in rows
    ]


def _too_short(lines: Sequence[Line]) -> list[str]:
    """A warning for each family's whole that has hardly begun to learn."""
    steps = {line.variant: line.steps for line in lines if not line.part}
    return [
        f"{name}: {count} steps are too few to tell what helps; give more --minutes"
        for name, count in steps.items()
        if count < FEW_STEPS
    ]


def _facts(options: AblateOptions, data: Dataset) -> dict[str, Any]:
    return {
        "minutes": options.minutes,
        "seed": options.seed,
        "size": list(data.size),
        "training_frames": len(data.train),
        "held_out_frames_measured": min(len(data.held_out), options.frames),
        "measured_at_height": options.height,
    }


def parse(arguments: list[str] | None = None) -> AblateOptions:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.ablate", description=__doc__)
    parser.add_argument("data", type=Path, metavar="DATASET")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--minutes", type=float, help="of training, for all together (default 60)")
    parser.add_argument("--steps", type=int, help="of each variant, instead of minutes")
    parser.add_argument("--only", choices=FAMILIES, help="leave the other family out")
    parser.add_argument(
        "--pair", nargs=2, type=Path, metavar=("PERFORMER_DATA", "TARGET_DATA"),
        help="two datasets of one choreography, for the normalization",
    )  # fmt: skip
    parser.add_argument("--frames", type=int, default=120, help="measured, at most")
    parser.add_argument("--height", type=int, default=256, help="at which pictures are compared")
    parser.add_argument("--no-pose", action="store_true", help="leave out pose error and missed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0, help="of the CPU; 0 takes all")
    parser.add_argument("--full-size", action="store_true", help="the student that goes on stage")
    given = parser.parse_args(arguments)
    minutes = 60.0 if given.minutes is None and given.steps is None else given.minutes
    return AblateOptions(
        data=given.data,
        out=given.out,
        minutes=minutes,
        steps=given.steps,
        families=(given.only,) if given.only else FAMILIES,
        pair=tuple(given.pair) if given.pair else None,
        frames=given.frames,
        height=given.height,
        pose=not given.no_pose,
        seed=given.seed,
        threads=given.threads,
        small=not given.full_size,
    )


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return sit(lambda: _told(parse(arguments)))


def _told(options: AblateOptions) -> None:
    found = ablate(options, lambda words: print(words, file=sys.stderr))
    print(found.to_markdown())
    print(json.dumps(found.to_json(), allow_nan=False))


if __name__ == "__main__":
    sys.exit(main())
