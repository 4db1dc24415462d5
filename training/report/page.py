"""The report as one HTML file, pictures and all, and as JSON beside it."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from training.contest import NEAREST, OWN, PLATE, Contest
from training.disk import write_whole
from training.measured import Measured
from training.report.curves import curves_html, read_curves
from training.report.film import close_ups, film, side_by_side
from training.report.headline import Sentence, headline
from training.report.noticed import noticed_html, read_noticed
from training.report.style import CSS
from training.report.table import tables
from training.report.worst import Worst, worst_frames
from training.sheet import AS_LATE_MS, PAIRED, Sheet, explained

HTML, JSON = "report.html", "report.json"
PAINTED_ROWS = 4  # of a film strip; more would not be looked at


def write_report(
    folder: Path, sheet: Sheet, measured: Sequence[Measured], runs: Sequence[Path]
) -> None:
    """`report.html` and `report.json` into `folder`. Raises SetupError where it is full.

    measured: the held-out tail, then each pair; runs: the painters' folders, the first one's first.
    """
    tail = measured[0]
    worst = worst_frames(tail, tail.contest.first)
    said = headline(sheet.rows, tail.contest.first, worst)
    curves, noticed = read_curves(runs[0]), read_noticed(runs[0])
    found = {
        "headline": [sentence.words for sentence in said],
        **sheet.to_json(),
        "worst": [_of_footage(tail.contest, frame) for frame in worst],
        "noticed": [asdict(one) for one in noticed],
        "curves": [curve.to_json() for curve in curves],
    }
    write_whole(folder / JSON, (json.dumps(found, indent=2, allow_nan=False) + "\n").encode())
    training = noticed_html(noticed) + curves_html(curves)
    write_whole(folder / HTML, page(sheet, measured, said, worst, training, runs[0].name).encode())


def page(
    sheet: Sheet,
    measured: Sequence[Measured],
    said: Sequence[Sentence],
    worst: Sequence[Worst],
    training: str,
    run: str,
) -> str:
    """The whole page; `training` is what it shows of the run's log."""
    tail = measured[0].contest
    parts = [
        _head(said, run),
        _facts(sheet.facts),
        f"<h2>The held-out tail</h2>{film(tail, tail.painted[:PAINTED_ROWS])}",
        _section("Faces", close_ups(tail, "face", tail.painted[:PAINTED_ROWS])),
        _section("Hands", close_ups(tail, "hands", tail.painted[:PAINTED_ROWS])),
        _table(sheet, tail),
        _worst(tail, worst),
        f"<h2>Training</h2>{training}",
        *(_pair(number, found) for number, found in enumerate(measured[1:])),
        _how(sheet),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f"<title>Run: {_safe(run)}</title><style>{CSS}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>"
    )


def _head(said: Sequence[Sentence], run: str) -> str:
    first, rest = said[0], said[1:]
    items = "".join(f'<li class="{s.paint}">{_safe(s.words)}</li>' for s in rest)
    words = first.words[:1].upper() + first.words[1:]
    return (
        f"<h1>Run report · {_safe(run)}</h1>"
        f'<p class="verdict {first.paint}">{_safe(words)}</p><ul class="said">{items}</ul>'
    )


def _facts(facts: dict[str, Any]) -> str:
    late_ms = facts.get(AS_LATE_MS)
    shown = {
        "steps": facts.get("steps"),
        "minutes of training": facts.get("minutes"),
        "training frames": facts.get("training_frames"),
        "held-out frames": facts.get("held_out_frames_measured"),
        "measured at": f"{facts.get('measured_at_height')} px",
        "as close as the real picture of": None if late_ms is None else f"{late_ms} ms ago",
        "poses found by": facts.get("pose_found_by"),
    }
    cells = "".join(
        f"<div><dt>{name}</dt><dd>{_safe(str(value))}</dd></div>"
        for name, value in shown.items()
        if value is not None
    )
    return f'<dl class="facts">{cells}</dl>'


def _section(title: str, content: str) -> str:
    return f"<h2>{title}</h2>{content}" if content else ""


def _table(sheet: Sheet, tail: Contest) -> str:
    ours = [name for name in tail.pictures if name.startswith(tail.painted)]
    words = (
        "Arrows point to better. Green beats the nearest training frame, red does not. "
        "The previous frame is the real one, which nobody has on stage; the plate never moves and "
        "so flickers least, and is none the better for it."
    )
    body = tables(sheet.rows, NEAREST, ours)
    return f'<h2>The table</h2><p class="faint">{words}</p>{body}'


def _worst(tail: Contest, worst: Sequence[Worst]) -> str:
    if not worst:
        return ""
    cards = "".join(
        f'<figure><div class="four">{side_by_side(tail, tail.first, found.frame)}</div>'
        f"<figcaption><b>{_safe(found.words)}</b> · frame "
        f"{int(tail.numbers[found.frame])}</figcaption></figure>"
        for found in worst
    )
    words = "Label, real, painted, difference. In bold, the figure that makes the frame stand out."
    return f'<h2>The worst frames</h2><p class="faint">{words}</p><div class="worst">{cards}</div>'


def _pair(number: int, found: Measured) -> str:
    contest = found.contest
    shown = [name for name in contest.painted if name != OWN][:3]
    title = f"Paired truth {number + 1}" if number else "Paired truth"
    ours = [name for name in contest.pictures if name not in (PLATE, *_nearest(contest))]
    return (
        f"<h2>{title}: somebody else performs, the target really did the same</h2>"
        f"{film(contest, shown, label=False)}"
        f"{tables(found.rows(), next(iter(_nearest(contest)), ''), ours, shut=True)}"
    )


def _nearest(contest: Contest) -> list[str]:
    return [name for name in contest.pictures if name.startswith(NEAREST)]


def _how(sheet: Sheet) -> str:
    words = explained(sheet.facts) + (PAIRED if sheet.paired else "")
    return (
        f"<details><summary>How this is measured</summary><p class='faint'>{_safe(words)}</p>"
        "<p class='faint'>A frame counts among the worst by the figure in which it lies farthest "
        "beyond what is usual in this run, in median deviations. The same figures are in "
        "report.json.</p></details>"
    )


def _of_footage(contest: Contest, worst: Worst) -> dict[str, Any]:
    return {**asdict(worst), "frame": int(contest.numbers[worst.frame])}


def _safe(words: str) -> str:
    return html.escape(words)
