"""An int8 generator for the CPU, kept only where it is as good and really faster on this machine.

    python -m export.quantize BUNDLE --data DATA [--add] [--out FOLDER]

Quantizes the bundle's generator on its own codebook, races it against the float32 one in turns, and
holds both against the held-out footage of DATA (the dataset that the subject was trained on): kept
is what loses at most 0.3 dB PSNR and 2 % perceptual distance and is at least 5 % faster. Without
--data the quality cannot be known, and nothing is kept. Writes generator.int8.onnx, where one is
kept, and int8.json into FOLDER: the verdict holds for this kind of processor alone. With --add the
kept net goes into the bundle, too; the show tries both again on the machine that it runs on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from export.engine_sheet import Sheet, measure_quality
from export.int8 import RECIPES, calibration_feeds, quantized
from export.machine import machine_facts
from export.race import Lap, Player, race
from export.rehearsal import dance_labels
from live.cache import cache_folder
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.errors import EXIT_BAD_INPUT, SetupError, UnderstudyError
from live.subject import Subject, add_to_subject, load_subject
from training.dataset import Dataset
from training.disk import write_whole

MOST_PSNR_LOSS_DB = 0.3
MOST_PERCEPTUAL_GROWTH = 1.02
MOST_TIME = 0.95  # of the float32 engine's median; less of a gain is noise
RACE_LABELS = 60
FLOAT = "fp32"


@dataclass(frozen=True, slots=True)
class QuantizeOptions:
    """What the command line may set."""

    bundle: Path
    data: Path | None = None  # the dataset the subject was trained on; None: quality is not known
    out: Path | None = None  # None: the user's cache folder, by the generator's hash
    add: bool = False  # put what is kept into the bundle
    threads: int = 1
    seconds: float = 20.0  # of the race, all variants together
    frames: int = 300  # of the held-out tail

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise SetupError(f"--threads is {self.threads}; give 1 or more")
        if self.frames < 2:
            raise SetupError(f"--frames is {self.frames}; at least 2 are needed")
        if not 0 <= self.seconds <= 3600:
            raise SetupError(f"--seconds is {self.seconds}; give 0 to 3600")


@dataclass(frozen=True, slots=True)
class Variant:
    """One recipe, measured beside the float32 engine."""

    recipe: str
    size_bytes: int
    lap: Lap
    time_share: float  # of the float32 engine's median, same run
    sheet: Sheet | None  # None: no footage was given
    refusals: tuple[str, ...]  # why it is not kept; empty: it may be


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was measured, and what is kept."""

    reference: Lap
    reference_sheet: Sheet | None
    variants: tuple[Variant, ...]
    kept: str | None  # a recipe


def quantize(options: QuantizeOptions) -> tuple[Verdict, Path]:
    """Quantize, measure, decide, write. Returns the verdict and the folder it was written to."""
    subject = load_subject(options.bundle)
    data = Dataset(options.data) if options.data else None
    engines = {FLOAT: OnnxRuntimeEngine(subject.generator, "generator.onnx", options.threads)}
    feeds = calibration_feeds(subject, engines[FLOAT])
    models = {recipe: quantized(subject.generator, feeds, recipe) for recipe in RECIPES}
    for recipe, model in models.items():
        engines[recipe] = OnnxRuntimeEngine(model, f"int8 ({recipe})", options.threads)
    labels = dance_labels(subject, RACE_LABELS)
    laps = race({name: Player(e, labels) for name, e in engines.items()}, options.seconds)
    sheets = measure_quality(subject, data, engines, options.frames) if data else {}
    for engine in engines.values():
        engine.close()
    verdict = judge(laps, sheets, {recipe: len(model) for recipe, model in models.items()})
    if options.add and verdict.kept:
        add_to_subject(options.bundle, "generator.int8.onnx", models[verdict.kept])
    folder = options.out or default_folder(subject)
    _write(folder, verdict, models, subject)
    return verdict, folder


def judge(
    laps: Mapping[str, Lap], sheets: Mapping[str, Sheet], sizes: Mapping[str, int]
) -> Verdict:
    """Keep the fastest recipe that nothing speaks against.

    laps and sheets: by `FLOAT` and by recipe, sheets empty where there was no footage.
    """
    variants = []
    for recipe, size in sizes.items():
        share = laps[recipe].median_ms / laps[FLOAT].median_ms
        refusals = [f"takes {share:.2f} of the float32 time"] if share > MOST_TIME else []
        if sheets:
            refusals += losses(sheets[FLOAT], sheets[recipe])
        else:
            refusals.append("its quality was not measured (--data)")
        sheet = sheets.get(recipe)
        variants.append(Variant(recipe, size, laps[recipe], share, sheet, tuple(refusals)))
    good = [variant for variant in variants if not variant.refusals]
    kept = min(good, key=lambda variant: variant.time_share).recipe if good else None
    return Verdict(laps[FLOAT], sheets.get(FLOAT), tuple(variants), kept)


def losses(whole: Sheet, small: Sheet) -> list[str]:
    """Where `small` is worse than the bounds allow."""
    found = []
    for region, quality in whole.items():
        loss_db = quality.psnr_db - small[region].psnr_db
        growth = small[region].perceptual / max(quality.perceptual, 1e-9)
        if not loss_db <= MOST_PSNR_LOSS_DB:
            found.append(f"loses {loss_db:.2f} dB PSNR on the {region}")
        if not growth <= MOST_PERCEPTUAL_GROWTH:
            found.append(f"is {growth - 1:.1%} farther, perceptually, on the {region}")
    return found


def default_folder(subject: Subject) -> Path:
    """Where the variant of this generator is kept on this machine."""
    return cache_folder() / "int8" / hashlib.sha256(subject.generator).hexdigest()[:16]


def _write(folder: Path, verdict: Verdict, models: Mapping[str, bytes], subject: Subject) -> None:
    record = {
        "generator_sha256": hashlib.sha256(subject.generator).hexdigest(),
        "machine": machine_facts("onnxruntime"),
        **asdict(verdict),
    }
    path = folder / "generator.int8.onnx"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # one that was kept before need not be good any more
    except OSError as error:
        raise SetupError(
            f"{folder} cannot be written ({error}); name another folder with --out"
        ) from error
    if verdict.kept:
        write_whole(path, models[verdict.kept])
    write_whole(folder / "int8.json", json.dumps(record, indent=2).encode() + b"\n")


def table(verdict: Verdict) -> str:
    """For people."""
    head = f"{'':<14}{'median ms':>10}{'p95 ms':>8}{'x':>7}{'PSNR dB':>9}{'person':>8}"
    lines = [f"{head}{'perceptual':>12}{'person':>8}"]
    lines.append(_line(FLOAT, verdict.reference, 1.0, verdict.reference_sheet))
    for variant in verdict.variants:
        name = f"int8, {variant.recipe}"
        lines.append(_line(name, variant.lap, variant.time_share, variant.sheet))
    for variant in verdict.variants:
        why = "; ".join(variant.refusals) or "as good, and faster"
        lines.append(f"int8, {variant.recipe}: {why}")
    lines.append(f"kept: int8, {verdict.kept}" if verdict.kept else "kept: none, float32 stays")
    return "\n".join(lines)


def _line(name: str, lap: Lap, share: float, sheet: Sheet | None) -> str:
    line = f"{name:<14}{lap.median_ms:>10.2f}{lap.p95_ms:>8.2f}{1 / share:>7.2f}"
    if sheet is None:
        return line + f"{'-':>9}{'-':>8}{'-':>12}{'-':>8}"
    picture, person = sheet["picture"], sheet["person"]
    line += f"{picture.psnr_db:>9.2f}{person.psnr_db:>8.2f}"
    return line + f"{picture.perceptual:>12.4f}{person.perceptual:>8.4f}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, then one JSON line; 2 where it cannot be done."""
    parser = argparse.ArgumentParser(description="An int8 generator for the CPU, where it pays.")
    parser.add_argument("bundle", type=Path, help="the folder or .zip that export.to_onnx wrote")
    parser.add_argument("--data", type=Path, help="the dataset the subject was trained on")
    parser.add_argument("--out", type=Path, help="folder to write to; default: the cache folder")
    parser.add_argument("--add", action="store_true", help="put what is kept into the bundle")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=20.0, help="of the race, in all")
    parser.add_argument("--frames", type=int, default=300, help="of the held-out footage")
    try:
        verdict, folder = quantize(QuantizeOptions(**vars(parser.parse_args(arguments))))
    except UnderstudyError as error:
        print(f"export.quantize: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    print(table(verdict))
    print(f"written to {folder}")
    result: dict[str, Any] = asdict(verdict) | {"machine": machine_facts("onnxruntime")}
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
