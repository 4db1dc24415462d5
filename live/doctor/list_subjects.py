"""`--list-subjects`: whom the show can show, and why it cannot show others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from live import consent
from live.errors import SubjectError
from live.subject import MANIFEST, Subject, load_subject

DEPTH = 3
"""Folders below the one that was named: training puts bundles at runs/NAME/subject."""


@dataclass(frozen=True, slots=True)
class SubjectFound:
    """One bundle, whole or broken."""

    path: Path
    name: str = ""
    lines: tuple[str, ...] = ()  # what is known of it; of a broken one the reason
    broken: bool = False
    allowed: bool = True  # there is consent, or somebody has answered for it


def list_subjects(folder: Path | None, others: Sequence[Path]) -> str:
    """Those in `folder` and below, or where none is named `others`, as text."""
    paths = list(bundles_in(folder)) if folder is not None else list(others)
    if not paths:
        return (
            f"There is no subject in {folder}: a subject is a folder with {MANIFEST} in it, or a "
            ".zip of one, as python -m export.to_onnx writes it."
        )
    return "\n\n".join(_said(one) for one in map(look_at, dict.fromkeys(paths)))


def bundles_in(folder: Path, depth: int = DEPTH) -> Iterator[Path]:
    """Bundles in `folder`, itself included. What cannot be read is passed over."""
    if (folder / MANIFEST).exists():
        yield folder
        return
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return
    for path in paths:
        if path.suffix.lower() == ".zip" or (path / MANIFEST).exists():
            yield path
        elif depth > 1 and path.is_dir() and not path.name.startswith("."):
            yield from bundles_in(path, depth - 1)


def look_at(path: Path) -> SubjectFound:
    """Read the bundle whole, with every hash. Never raises."""
    try:
        subject = load_subject(path)
    except SubjectError as error:
        return SubjectFound(path, lines=(str(error),), broken=True)
    lines, allowed = tuple(_lines(subject)), consent.acknowledged(subject)
    return SubjectFound(path, subject.manifest.name, lines, allowed=allowed)


def _lines(subject: Subject) -> Iterator[str]:
    manifest = subject.manifest
    (height, width), (gen_height, gen_width) = manifest.stage_size, manifest.generator_size
    yield f"stage {width}x{height}, generator {gen_width}x{gen_height}"
    yield consent.says(subject)
    yield quality_says(manifest.quality)


def quality_says(quality: Mapping[str, Any]) -> str:
    """The figure of the evaluation sheet that tells most: the person's, as the stage smooths it.

    A bundle may hold anything there.
    """
    rows = quality.get("rows")
    for row in _rows(rows if isinstance(rows, list) else []):
        psnr, ssim = row.get("psnr_db"), row.get("ssim")
        if isinstance(psnr, int | float) and isinstance(ssim, int | float):
            return f"quality of the person: PSNR {psnr:.1f} dB, SSIM {ssim:.2f}"
    return "quality: not measured (python -m training.evaluate)"


def _rows(rows: Iterable[object]) -> Iterator[Mapping[str, Any]]:
    for row in rows:
        ours = isinstance(row, Mapping) and str(row.get("name", "")).startswith("student")
        if isinstance(row, Mapping) and ours and row.get("region") == "person":
            yield row


def _said(found: SubjectFound) -> str:
    title = f"BROKEN  {found.path}" if found.broken else f"{found.name}  --subject {found.path}"
    return "\n".join([title, *(f"    {line}" for line in found.lines)])
