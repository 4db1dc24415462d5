"""One variant of an ablation, trained and measured; what is done already is not done again."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

from live.errors import SetupError
from training.ablate_options import AblateOptions
from training.ablate_variants import Variant, student_options, teacher_options
from training.contest import painters_contest, pair_contest
from training.dataset import Dataset
from training.disk import write_whole
from training.evaluate import held_out, with_poses
from training.found_poses import other_backend
from training.measured import measure
from training.painters import Painter, open_painters
from training.schedule import Budget
from training.sheet import Row
from training.student import Training
from training.teacher.backbones import open_backbone
from training.train import train

ROWS = "rows.json"


def why_not(variant: Variant) -> str:
    """Why it cannot be run here; nothing where it can."""
    return _why_no_vgg() if variant.needs_vgg else ""


@cache
def _why_no_vgg() -> str:
    """Asked for once: VGG19 is half a gigabyte, and may have to be downloaded."""
    try:
        open_backbone("vgg19")
    except SetupError as error:
        return str(error)
    return ""


def train_variant(options: AblateOptions, variant: Variant, data: Dataset) -> None:
    """Up to its number of steps, from wherever it is."""
    out, budget = options.out / variant.folder, budget_of(options, variant)
    if variant.family == "student":
        whole = student_options(options.data, out, budget, options.seed, options.small)
        whole = replace(whole, threads=options.threads or (os.cpu_count() or 1))
        Training(variant.student(whole)).run()
        return
    teacher = teacher_options(options.data, out, budget, options.seed, data.stage)
    train(variant.teacher(replace(teacher, threads=options.threads)))


def budget_of(options: AblateOptions, variant: Variant) -> Budget:
    if options.steps is not None:
        return Budget(steps=options.steps)
    assert options.minutes is not None
    if variant.part:
        whole = next(v for v in options.variants() if v.family == variant.family)
        return Budget(steps=_steps(open_painters(options.out / whole.folder)))
    # The whole teacher has two stages, and each takes as long as any other training.
    trainings = sum(not why_not(v) for v in options.variants()) + ("teacher" in options.families)
    return Budget(minutes=options.minutes / trainings)


def _steps(painters: Sequence[Painter]) -> int:
    return int(painters[-1].facts["steps"])


def measured_rows(options: AblateOptions, variant: Variant, data: Dataset) -> dict[str, Any]:
    """{"steps", "rows"} of a variant's painters, kept in its folder."""
    folder = options.out / variant.folder
    painters = open_painters(folder)
    path, steps = folder / ROWS, _steps(painters)
    if path.is_file():
        held: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if held["steps"] == steps:
            return held
    # The painters alone: baselines would be the same every time.
    frames, by_name = held_out(data, options.frames), {p.name: p for p in painters}
    contest = painters_contest(by_name, data, frames, options.height)
    backend = other_backend(str(data.facts["pose"])) if options.pose else None
    rows = [asdict(row) for row in with_poses(measure(contest), backend).rows()]
    held = {"steps": steps, "rows": rows}
    write_whole(path, (json.dumps(held, indent=2, allow_nan=False) + "\n").encode())
    return held


def normalization_rows(
    options: AblateOptions, data: Dataset, pair: tuple[Path, Path]
) -> tuple[str, int, list[Row]]:
    """On paired truth, with the first family's whole: (the stage's own way, steps, all rows)."""
    painter = open_painters(options.out / options.variants()[0].folder)[0]
    performer, target = (Dataset(folder) for folder in pair)
    contest = pair_contest(painter, data, (performer, target), options.frames, options.height)
    kept = {name: contest.pictures[name] for name in contest.drawn}
    contest = replace(contest, pictures=kept, painted=tuple(kept))
    backend = other_backend(str(data.facts["pose"])) if options.pose else None
    rows = with_poses(measure(contest), backend).rows()
    return contest.first, int(painter.facts["steps"]), rows
