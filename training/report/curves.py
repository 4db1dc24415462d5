"""What the run's log says, as curves: small SVGs, drawn without a script."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

LOG = "log.jsonl"
STAGES = ("global", "local", "face", "hands")
"""Of a teacher's run, and a student's nets for parts, each with a log of its own."""
WIDE, HIGH = 260, 96
POINTS = 240  # of a curve; a longer log is thinned
MOST = 10  # curves of a log
_SKIPPED = ("step", "elapsed_s")
_FIRST = ("total", "psnr_db", "person_psnr_db", "label_effect")
_WORDS = {
    "total": "total loss",
    "psnr_db": "held-out PSNR, window (dB)",
    "person_psnr_db": "held-out PSNR, person (dB)",
    "label_effect": "label effect (1 is real)",
}


@dataclass(frozen=True, slots=True)
class Curve:
    """One figure over the steps of the training."""

    name: str
    steps: tuple[float, ...]
    values: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"name": self.name, "steps": list(self.steps), "values": list(self.values)}


def read_curves(run: Path) -> list[Curve]:
    """Every number in the log of the folder `run`, and of its stages; none without a log."""
    logs: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for folder, entry in entries(run):
        _add(entry, f"{folder}: " if folder else "", logs.setdefault(folder, {}))
    return [curve for series in logs.values() for curve in _curves(series)]


def _curves(series: dict[str, list[tuple[float, float]]]) -> list[Curve]:
    ordered = sorted(series, key=lambda n: _FIRST.index(n) if n in _FIRST else len(_FIRST))
    return [_curve(name, series[name]) for name in ordered if len(series[name]) > 1][:MOST]


def entries(run: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The lines of a run's log, or of its stages' logs, each with the stage's name."""
    for folder in ("", *STAGES):
        path = run / folder / LOG
        if path.is_file():
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                yield folder, _entry(line)


def _add(entry: dict[str, Any], prefix: str, series: dict[str, list[tuple[float, float]]]) -> None:
    """The line's numbers, to `series`."""
    step = entry.get("step")
    if not _is_number(step):
        return
    for name, value in entry.items():
        if name not in _SKIPPED and _is_number(value):
            series.setdefault(prefix + name, []).append((float(step), float(value)))


def _entry(line: str) -> dict[str, Any]:
    """A line of the log; nothing for one that a kill left half written."""
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _curve(name: str, points: list[tuple[float, float]]) -> Curve:
    every = max(math.ceil(len(points) / POINTS), 1)
    kept = points[::every]
    if kept[-1] != points[-1]:
        kept.append(points[-1])
    return Curve(name, tuple(step for step, _ in kept), tuple(value for _, value in kept))


def curves_html(curves: list[Curve]) -> str:
    """All of them, side by side."""
    if not curves:
        return "<p class='faint'>The run kept no log.</p>"
    return f'<div class="curves">{"".join(_figure(curve) for curve in curves)}</div>'


def _figure(curve: Curve) -> str:
    words = html.escape(_WORDS.get(curve.name, curve.name.replace("_", " ")))
    low, high = min(curve.values), max(curve.values)
    return (
        f'<figure class="curve"><figcaption><b>{words}</b>'
        f"<span>{curve.values[-1]:.4g}</span></figcaption>{_svg(curve, low, high, words)}"
        f"<small>{_number(low)} to {_number(high)}, "
        f"{curve.steps[-1]:.0f} steps</small></figure>"
    )


def _svg(curve: Curve, low: float, high: float, words: str) -> str:
    first, last = curve.steps[0], curve.steps[-1]
    across, up = max(last - first, 1e-9), max(high - low, 1e-9)
    points = [
        ((step - first) / across * WIDE, HIGH - 4 - (value - low) / up * (HIGH - 8))
        for step, value in zip(curve.steps, curve.values, strict=True)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    x, y = points[-1]
    return (
        f'<svg viewBox="0 0 {WIDE} {HIGH}" role="img" aria-label="{words}">'
        f'<line x1="0" y1="{HIGH - 1}" x2="{WIDE}" y2="{HIGH - 1}" class="axis"/>'
        f'<polyline points="{line}" class="line"/>'
        f'<circle cx="{min(x, WIDE - 3):.1f}" cy="{y:.1f}" r="3" class="end"/></svg>'
    )


def _number(value: float) -> str:
    return f"{value:.3g}"
