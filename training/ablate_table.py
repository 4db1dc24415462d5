"""The ablation's one table: figures, and how far each lies from the whole's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from training.disk import write_whole
from training.sheet import LABEL_ERROR, Column, Row, facts_list, markdown_table

COLUMNS = (
    Column("psnr_db", "PSNR dB", "{:.2f}", True),
    Column("ssim", "SSIM", "{:.4f}", True),
    Column("perceptual", "perceptual", "{:.4f}"),
    Column("pose_error", "pose error %", "{:.2f}"),
    Column("missed", "missed", "{:.3f}"),
    Column("flicker", "flicker", "{:.2f}"),
    Column("warp_over_real", "warp / real", "{:.2f}", best=1.0),
    Column("kid", "KID", "{:.4f}"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One variant within one region."""

    part: str  # what is changed
    variant: str  # how
    against: str  # which variant it is held against; empty for such a one itself
    steps: int
    row: Row
    whole: Row | None  # that variant's row in the same region

    def difference(self, column: Column) -> float | None:
        """Ours less the whole's; None where either is unknown."""
        if self.whole is None:
            return None
        value, other = getattr(self.row, column.key), getattr(self.whole, column.key)
        return None if value is None or other is None else value - other

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        differences = {c.key: self.difference(c) for c in (LABEL_ERROR, *COLUMNS)}
        return {
            "part": self.part,
            "variant": self.variant,
            "against": self.against,
            "steps": self.steps,
            **asdict(self.row),
            "difference": {k: v for k, v in differences.items() if v is not None},
        }


@dataclass(frozen=True, slots=True)
class Ablation:
    """What `training.ablate` found."""

    facts: dict[str, Any]
    lines: list[Line]
    notes: list[str]  # what was not run and why, and what not to believe

    def to_json(self) -> dict[str, Any]:
        """Plain data, figures rounded to what they are worth."""
        found = {
            "facts": self.facts,
            "rows": [line.to_json() for line in self.lines],
            "notes": self.notes,
        }
        return dict(_rounded(found))

    def to_markdown(self) -> str:
        """One table a region, the person's first."""
        parts = ["# Ablation\n", facts_list(self.facts)]
        for region in ("person", "face", "hands", "picture"):
            lines = [line for line in self.lines if line.row.region == region]
            if lines:
                parts += [f"## {region.capitalize()}\n", _table(lines)]
        parts += [f"- {note}" for note in self.notes]
        parts.append(EXPLAINED)
        return "\n".join(parts)

    def write(self, folder: Path) -> None:
        """Write ablation.md and ablation.json."""
        text = json.dumps(self.to_json(), indent=2, allow_nan=False) + "\n"
        write_whole(folder / "ablation.json", text.encode())
        write_whole(folder / "ablation.md", self.to_markdown().encode())


EXPLAINED = """
In brackets the difference to the variant named under 'against', which has the same number of
steps and the same seed. Trained small and briefly: which part helps, not how good it gets; one
seed, so differences of the last digit say nothing. PSNR and SSIM: higher is better, the rest:
lower, but warp over real is best near 1. Normalization is held against the stage's own. Columns as
in sheet.md.
"""


def _table(lines: Sequence[Line]) -> str:
    columns = [
        column
        for column in (LABEL_ERROR, *COLUMNS)
        if any(getattr(line.row, column.key) is not None for line in lines)
    ]
    titles = ["part", "variant", "against", "steps", *(column.title for column in columns)]
    rows = (
        [line.part or "**whole**", line.variant, line.against, str(line.steps)]
        + [_cell(line, column) for column in columns]
        for line in lines
    )
    return markdown_table(titles, rows)


def _cell(line: Line, column: Column) -> str:
    text, difference = column.text(line.row), line.difference(column)
    if difference is None:
        return text
    size = column.form.format(abs(difference))
    sign = "±" if not float(size) else "+" if difference > 0 else "−"
    return f"{text} ({sign}{size})"


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    return [_rounded(inner) for inner in value] if isinstance(value, list) else value
