"""The footage from left to right: what is used, and what was wrong where."""

from __future__ import annotations

import html

import numpy as np

from training.assemble import Assembled
from training.flags import REASONS

CELLS = 240
_LEFT, _WIDE, _ROW = 150, 850, 22
_COLOURS = ("var(--good)", "var(--bad)")


def timeline(found: Assembled) -> str:
    """An SVG: one row for what training uses, and one for each thing that occurs."""
    rows = [("used for training", found.usable, _COLOURS[0])]
    rows += [
        (words, found.flags.has(flag), _COLOURS[1])
        for flag, words in REASONS.items()
        if found.flags.has(flag).any()
    ]
    parts = [_row(at, *row) for at, row in enumerate(rows)]
    height = _ROW * len(rows) + 18
    ends = _ends(found, _ROW * len(rows))
    return (
        f'<svg viewBox="0 0 {_LEFT + _WIDE} {height}" role="img" '
        f'aria-label="what of the footage is used">{"".join(parts)}{ends}</svg>'
    )


def _row(at: int, words: str, where: np.ndarray, colour: str) -> str:
    top = _ROW * at
    cells = min(CELLS, len(where))
    width = _WIDE / cells
    shares = [part.mean() for part in np.array_split(where, cells)]
    boxes = "".join(
        f'<rect x="{_LEFT + n * width:.1f}" y="{top + 3}" width="{width + 0.3:.1f}" height="15" '
        f'opacity="{0.25 + 0.75 * share:.2f}"/>'
        for n, share in enumerate(shares)
        if share > 0
    )
    back = f'<rect x="{_LEFT}" y="{top + 3}" width="{_WIDE}" height="15" fill="var(--line)"/>'
    name = f'<text x="0" y="{top + 15}">{html.escape(words)}</text>'
    return f'{name}{back}<g fill="{colour}">{boxes}</g>'


def _ends(found: Assembled, top: int) -> str:
    """Where each clip begins, by name."""
    marks = []
    for number, clip in enumerate(found.clips):
        mine = np.flatnonzero(found.video == number)
        if len(mine):
            x = _LEFT + _WIDE * mine[0] / len(found.video)
            marks.append(f'<text x="{x:.0f}" y="{top + 13}">{html.escape(clip.path.name)}</text>')
    return "".join(marks)
