"""The evaluation's table: for people as Markdown, for machines as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from training.dataset import write_whole


@dataclass(frozen=True, slots=True)
class Row:
    """One contestant within one region of the picture."""

    name: str
    region: str  # "picture" or "person"
    ssim: float
    psnr_db: float
    perceptual: float
    pose_error: float | None  # mean joint distance, % of the body's height; None: not measured
    missed: float | None  # share of frames in which nobody was found; None: not measured
    flicker: float
    warp_error: float


@dataclass(frozen=True, slots=True)
class Sheet:
    """What `training.evaluate` found."""

    facts: dict[str, Any]
    rows: list[Row]  # on the held-out tail
    paired: list[Row]  # on a performer's clip, against the target really doing it

    def to_json(self) -> dict[str, Any]:
        """Plain data, figures rounded to what they are worth."""
        return {
            "facts": self.facts,
            "rows": [_rounded(row) for row in self.rows],
            "paired": [_rounded(row) for row in self.paired],
        }

    def to_markdown(self) -> str:
        """Tables with a line on what each column is."""
        parts = ["# Evaluation sheet\n", _facts(self.facts), "## Held-out tail\n"]
        parts.append(_table(self.rows))
        if self.paired:
            parts += ["## Paired truth: a performer's clip, retargeted\n", _table(self.paired)]
        parts.append(EXPLAINED)
        return "\n".join(parts)

    def write(self, folder: Path) -> None:
        """Write sheet.md and sheet.json."""
        text = json.dumps(self.to_json(), indent=2, allow_nan=False) + "\n"
        write_whole(folder / "sheet.json", text.encode())
        write_whole(folder / "sheet.md", self.to_markdown().encode())


EXPLAINED = """\
Region 'person' is the box around the person, frame by frame. SSIM and PSNR: higher is better, the
rest: lower. Perceptual: mean distance of channel-normalized EfficientNet-Lite0 features at 1/2 to
1/16 of the resolution; it is not LPIPS and compares only with itself. Pose error: the pose found in
the picture against the pose found in the truth, both by MediaPipe, % of the body's height; missed:
frames in which nobody was found. Flicker: mean difference between the picture's change and the
truth's, 8-bit levels. Warp error: picture against the one before it moved along the truth's flow.
Placed as live: with the bundle's statistics, so depth is where the training footage had it. Placed
as the truth: with statistics of the same dance.
"""


def _rounded(row: Row) -> dict[str, Any]:
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(row).items()}


def _facts(facts: dict[str, Any]) -> str:
    return "\n".join(f"- {name.replace('_', ' ')}: {value}" for name, value in facts.items()) + "\n"


def _table(rows: list[Row]) -> str:
    head = "| who | region | SSIM | PSNR dB | perceptual | pose error % | missed | flicker | warp |"
    lines = [head, "|---|---|---|---|---|---|---|---|---|"]
    for row in rows:
        pose = "" if row.pose_error is None else f"{row.pose_error:.2f}"
        missed = "" if row.missed is None else f"{row.missed:.1%}"
        lines.append(
            f"| {row.name} | {row.region} | {row.ssim:.4f} | {row.psnr_db:.2f} | "
            f"{row.perceptual:.4f} | {pose} | {missed} | {row.flicker:.2f} | {row.warp_error:.2f} |"
        )
    return "\n".join(lines) + "\n"
