"""The evaluation's table: for people as Markdown, for machines as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from training.disk import write_whole

AS_LATE_MS = "as_close_as_the_real_picture_of_ms_ago"
"""A fact: see `training.staleness`; None where no real picture is too old."""


@dataclass(frozen=True, slots=True)
class Row:
    """One contestant within one region of the picture."""

    name: str
    region: str  # "picture", "person", "face" or "hands"
    ssim: float
    psnr_db: float
    perceptual: float
    pose_error: float | None  # mean joint distance, % of the body's height; None: not measured
    missed: float | None  # share of frames in which nobody was found; None: not measured
    flicker: float
    warp_error: float
    warp_over_real: float | None = None  # over the real video's own; None: that stands still
    kid: float | None = None  # MMD², unbiased; None: too few frames
    label_error: float | None = None  # on paired truth: of the normalized pose, % of the height


@dataclass(frozen=True, slots=True)
class Column:
    """How a figure is written, and which end of it is good."""

    key: str
    title: str
    form: str
    more_is_better: bool = False
    best: float | None = None  # where neither end is good but this

    @property
    def sign(self) -> str:
        """Where the good end is."""
        return "→ 1" if self.best is not None else "↑" if self.more_is_better else "↓"

    def better(self, value: float, other: float) -> bool:
        """Whether `value` is the better one."""
        if self.best is not None:
            return abs(value - self.best) < abs(other - self.best)
        return (value > other) == self.more_is_better

    def text(self, row: Row) -> str:
        """The figure of `row`, or nothing where it was not measured."""
        value = getattr(row, self.key)
        return "" if value is None else self.form.format(value)


COLUMNS = (
    Column("ssim", "SSIM", "{:.4f}", True),
    Column("psnr_db", "PSNR dB", "{:.2f}", True),
    Column("perceptual", "perceptual", "{:.4f}"),
    Column("pose_error", "pose error %", "{:.2f}"),
    Column("missed", "missed", "{:.1%}"),
    Column("flicker", "flicker", "{:.2f}"),
    Column("warp_error", "warp", "{:.2f}"),
    Column("warp_over_real", "warp / real", "{:.2f}", best=1.0),
    Column("kid", "KID", "{:.4f}"),
)
LABEL_ERROR = Column("label_error", "label error %", "{:.2f}")


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
            "rows": [_rounded(row, paired=False) for row in self.rows],
            "paired": [_rounded(row, paired=True) for row in self.paired],
        }

    def to_markdown(self) -> str:
        """Tables with a line on what each column is."""
        parts = ["# Evaluation sheet\n", facts_list(self.facts), "## Held-out tail\n"]
        parts.append(_table(self.rows, COLUMNS))
        if self.paired:
            parts.append("## Paired truth: a performer's clip, retargeted\n")
            parts.append(_table(self.paired, (LABEL_ERROR, *COLUMNS)))
        parts += [explained(self.facts), PAIRED if self.paired else ""]
        return "\n".join(parts).rstrip("\n") + "\n"

    def write(self, folder: Path) -> None:
        """Write sheet.md and sheet.json."""
        text = json.dumps(self.to_json(), indent=2, allow_nan=False) + "\n"
        write_whole(folder / "sheet.json", text.encode())
        write_whole(folder / "sheet.md", self.to_markdown().encode())


def explained(facts: dict[str, Any]) -> str:
    """What each column is, in words."""
    late = ""
    if (age_ms := facts.get(AS_LATE_MS)) is not None:
        late = f"; perceptually, the first row is as close as the real picture of {age_ms} ms ago"
    return f"""\
Nearest neighbour: the training frame of the closest pose. Previous frame: the real picture before,
which nobody has on stage{late}. Plate: the empty room. "Smoothed as
live": poses with the stage's lag.
Regions: 'person' is the box around the person, 'face' the square around the head, frame by frame;
'hands' the squares, an eighth of the height wide and 32 pixels at least, around the hands that are
seen, both alike. They are measured as they stand on the stage, nothing is enlarged.
SSIM (Gaussian 11x11, sigma 1.5) and PSNR: higher is better, the rest: lower. Perceptual: mean
distance of {facts.get("perceptual", "the features at hand")}.
Pose error: the pose found in the picture against the pose found in the truth, both by
{facts.get("pose_found_by")}, which drove neither, % of the body's height. Missed: frames whose
truth shows somebody and in which nobody was found. Flicker: mean difference between the picture's
change and the truth's, 8-bit levels. Warp error: the picture against the one before it moved along
the truth's flow (Farnebäck), 8-bit levels; over real: that, over what the real video has itself, so
that 1 is as steady as real.
KID: unbiased MMD² on {facts.get("kid_features")}; compare it only with itself.
"""


PAIRED = """\
Paired truth: label error is that of the normalized pose itself against the pose that the target
took, before anything is painted. Placed as live: with the statistics of the footage that was
trained on, so depth is where that footage had it. Placed as the truth: with statistics of the same
dance, which the truth shares. Ours is the stage's, causal; the paper's knows the whole clip.
"""


def _rounded(row: Row, paired: bool) -> dict[str, Any]:
    found = {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(row).items()}
    if row.kid is not None:
        found["kid"] = round(row.kid, 6)
    if not paired:
        del found["label_error"]
    return found


def facts_list(facts: dict[str, Any]) -> str:
    """Markdown: one line a fact."""
    return "\n".join(f"- {name.replace('_', ' ')}: {value}" for name, value in facts.items()) + "\n"


def _table(rows: list[Row], columns: tuple[Column, ...]) -> str:
    titles = ["who", "region", *(column.title for column in columns)]
    cells = ([row.name, row.region, *(column.text(row) for column in columns)] for row in rows)
    return markdown_table(titles, cells)


def markdown_table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells, row by row."""
    lines = ["| " + " | ".join(titles) + " |", "|---" * len(titles) + "|"]
    lines += ["| " + " | ".join(cells) + " |" for cells in rows]
    return "\n".join(lines) + "\n"
