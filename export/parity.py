"""Does every engine compute what torch does? Parity is a number.

    python -m export.parity BUNDLE [--run RUN] [--engines cpu-fp32,cpu-int8] [--frames 300]

Every engine and precision that works here against the fp32 torch module, on the poses of the
bundle's codebook and on a dance through it where each engine feeds on its own past. Writes an HTML
report with difference pictures and exits with 1 where an engine is beyond its bound. The reference
is the checkpoint of --run, or else a torch net rebuilt from the weights in the bundle, as they are
stored there. Each net of a part that the bundle has is a row with ONNX Runtime in float32.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from export.generator_graph import GeneratorGraph, folded
from export.machine import machine_facts
from export.parity_engines import ENGINES, Built, Material, build
from export.parity_measure import Gap, compare
from export.parity_part import ENGINE, part_row
from export.parity_report import report, shown
from export.rebuild import student_from_onnx
from export.rehearsal import codebook_labels, dance_labels
from export.torch_engine import TorchEngine
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.errors import EXIT_BAD_INPUT, SetupError, UnderstudyError
from live.frames import Image
from live.parts import PARTS
from live.subject import Subject, load_subject
from training.nets import Student
from training.run import load_trained

DRIFT_STEPS = 8  # pictures in a row that feed on their own state
EXIT_BEYOND = 1


@dataclass(frozen=True, slots=True)
class Parity:
    """Largest differences between torch and ONNX Runtime."""

    max_abs: float  # of next_state, in [0, 1], from one and the same state
    max_levels: int  # of rgba, in 8-bit levels
    drift_abs: float  # of next_state after `DRIFT_STEPS` pictures, each side on its own state


def measure_parity(student: Student, model: bytes, labels: Sequence[Image]) -> Parity:
    """Run both on `labels`, RGB uint8 (h, w, 3) each, in order of time.

    `student` holds the very weights that were exported (`generator_graph.folded`).
    """
    graph = GeneratorGraph(student).eval()
    engine = OnnxRuntimeEngine(model, "generator.onnx")
    state = own = np.zeros((1, 4, *labels[0].shape[:2]), np.float32)
    max_abs, max_levels, drift_abs = 0.0, 0, 0.0
    for label in labels:
        with torch.no_grad():
            tensors = graph(torch.from_numpy(label[None].copy()), torch.from_numpy(state))
        rgba, next_state = (tensor.numpy() for tensor in tensors)
        found = engine.run({"label": label[None], "state": state})
        own = engine.run({"label": label[None], "state": own})["next_state"]
        max_abs = max(max_abs, float(np.abs(found["next_state"] - next_state).max()))
        levels = np.abs(found["rgba"].astype(int) - rgba.astype(int)).max()
        max_levels = max(max_levels, int(levels))
        drift_abs = float(np.abs(own - next_state).max())
        state = next_state
    engine.close()
    return Parity(max_abs, max_levels, drift_abs)


def check_parity(student: Student, model: bytes, labels: Sequence[Image], limit: float) -> Parity:
    """`measure_parity`, and a SetupError where the nets differ by more than `limit`."""
    parity = measure_parity(student, model, labels[:DRIFT_STEPS])
    if not parity.max_abs <= limit or parity.max_levels > 1:
        raise SetupError(
            f"ONNX Runtime and torch disagree by {parity.max_abs:.2e} ({parity.max_levels} levels "
            f"of 255), allowed is {limit:.0e} (1 level); do not use this bundle, and report it "
            f"with the versions of torch and onnxruntime"
        )
    return parity


@dataclass(frozen=True, slots=True)
class ParityOptions:
    """What the command line may set."""

    bundle: Path
    run: Path | None = None  # the run folder that the bundle came from
    engines: tuple[str, ...] = ()  # none: all that work here
    frames: int = 300  # of the dance
    poses: int | None = None  # of the codebook; None: all
    report: Path | None = None  # where to write the HTML; None: parity.html beside the bundle
    progress: bool = True

    def __post_init__(self) -> None:
        unknown = sorted(set(self.engines) - set(ENGINES))
        if unknown:
            known = ", ".join(ENGINES)
            raise SetupError(f"--engines names {', '.join(unknown)}; known are {known}")
        if self.frames < 2:
            raise SetupError(f"--frames is {self.frames}; at least 2 are needed")
        if self.poses is not None and self.poses < 0:
            raise SetupError(f"--poses is {self.poses}; give 0 or more")


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What was measured, for people and for machines."""

    rows: list[dict[str, Any]]
    reference: str
    report: Path

    @property
    def beyond(self) -> list[str]:
        """Names of the engines that broke their bounds."""
        return [row["name"] for row in self.rows if row["verdict"] == "beyond"]


def run_parity(options: ParityOptions) -> Outcome:
    """Measure and write the report. Raises SetupError and SubjectError."""
    subject = load_subject(options.bundle)
    material, reference = _material(subject, options.run)
    built = build(options.engines, material)
    poses = codebook_labels(subject, options.poses)
    dance = dance_labels(subject, options.frames)
    truth = TorchEngine(material.student, subject.manifest.generator_size)
    running = {name: found.engine for name, found in built.items() if found.engine is not None}

    def progress(labels: Iterable[Image]) -> Iterable[Image]:
        return tqdm(labels, desc="parity", unit="frame", disable=not options.progress)

    gaps = compare(truth, running, poses, dance, progress)
    for engine in running.values():
        engine.close()
    truth.close()
    rows = [_row(name, found, gaps.get(name)) for name, found in built.items()]
    if ENGINE in built:
        parts = [part for part in PARTS if part.name in subject.parts]
        rows += [part_row(part, subject, options.run) for part in parts]
    path = options.report or options.bundle.with_name(options.bundle.stem + ".parity.html")
    facts = machine_facts("onnxruntime", "torch")
    notes = [
        f"Reference: {reference}.",
        f"{len(poses)} poses of the codebook, {len(dance)} frames of a dance through them.",
        f"{facts['cpu']}, {facts['date']}, onnxruntime {facts['versions']['onnxruntime']}, "
        f"torch {facts['versions']['torch']}.",
    ]
    page = report(f"Parity of {subject.manifest.name}", notes, rows, gaps)
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise SetupError(f"{path} cannot be written ({error}); name another --report") from error
    return Outcome(rows, reference, path)


def _material(subject: Subject, run: Path | None) -> tuple[Material, str]:
    if run is None:
        student = student_from_onnx(subject.generator)
        where = "torch fp32, with the weights as they are stored in the bundle"
        return Material(subject, student, subject.generator), where
    trained = folded(load_trained(run).net, "float32")
    return Material(subject, trained, None), f"torch fp32, the checkpoint of the run {run.name}"


def _row(name: str, built: Built, gap: Gap | None) -> dict[str, Any]:
    """One engine's figures; without `gap` it says why there are none."""
    bound = built.bound
    row: dict[str, Any] = {
        "net": "generator", "name": name, "engine": built.runtime, "precision": built.precision,
        "bound": str(bound),
    }  # fmt: skip
    if gap is None:
        figures = dict.fromkeys(("max_abs", "mean_abs", "psnr_db", "drift_db"))
        return row | figures | {"verdict": "not run", "why": built.why_not}
    within = bound.holds(gap.max_abs, gap.psnr_db)
    figures = {
        key: _finite(getattr(gap, key))
        for key in (
            "max_abs", "mean_abs", "psnr_db", "codebook_psnr_db", "dance_psnr_db", "drift_db",
        )
    }  # fmt: skip
    return row | figures | {"verdict": "within" if within else "beyond"}


def _finite(value: float) -> float | None:
    """JSON knows neither infinity nor NaN."""
    return value if math.isfinite(value) else None


def table(outcome: Outcome) -> str:
    """For people."""
    keys = ("name", "max_abs", "mean_abs", "psnr_db", "drift_db", "bound", "verdict")
    lines = [f"reference: {outcome.reference}", ""]
    lines.append(_line(("engine", "max error", "mean", "PSNR dB", "drift dB", "bound", "verdict")))
    lines += [_line([shown(row[key]) for key in keys]) for row in outcome.rows]
    lines += [f"{row['name']}: {row['why']}" for row in outcome.rows if row.get("why")]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    layouts = ("<18", ">10", ">10", ">10", ">10", ">16", ">9")
    return "".join(f"{cell:{layout}}" for cell, layout in zip(cells, layouts, strict=True))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, then one JSON line; 1 beyond a bound, 2 where it cannot be measured."""
    parser = argparse.ArgumentParser(description="Every engine against torch, as a number.")
    parser.add_argument("bundle", type=Path, help="the folder or .zip that export.to_onnx wrote")
    parser.add_argument("--run", type=Path, help="the run it came from: holds the float32 weights")
    parser.add_argument("--engines", default="", help=f"by commas, of {', '.join(ENGINES)}")
    parser.add_argument("--frames", type=int, default=300, help="of the dance")
    parser.add_argument("--poses", type=int, help="of the codebook; default: all")
    parser.add_argument("--report", type=Path, help="default: BUNDLE.parity.html beside it")
    given = vars(parser.parse_args(arguments))
    given["engines"] = tuple(name for name in given["engines"].split(",") if name)
    try:
        outcome = run_parity(ParityOptions(**given))
    except UnderstudyError as error:
        print(f"export.parity: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    print(table(outcome))
    print(f"pictures: {outcome.report}")
    result = {"rows": outcome.rows, "reference": outcome.reference}
    print(json.dumps(result | {"machine": machine_facts("onnxruntime", "torch")}))
    return EXIT_BEYOND if outcome.beyond else 0


if __name__ == "__main__":
    sys.exit(main())
