"""The show's summary as a table for people and as plain numbers for machines."""

from __future__ import annotations

from typing import Any

from live.parts import PARTS
from live.show import Summary
from live.timing import Spread

STAGES = (
    ("pose", "pose"),
    ("normalize", "  normalize"),
    ("smooth", "  smooth"),
    ("draw", "  draw"),
    ("generate", "  generate"),
    *((part.name, f"  {part.name}") for part in PARTS),
    ("compose", "  compose"),
    ("picture", "picture, in all"),
    ("encode", "encode"),
)
"""Section name and the words for it, in the order of the pipeline."""


def table(summary: Summary) -> str:
    """A few lines for the person at the desk."""
    lines = [
        f"{summary.seconds:.1f} s, {summary.fps:.1f} fps, {summary.dropped} dropped",
        f"{'milliseconds':<18}{'p50':>8}{'p95':>8}{'p99':>8}{'count':>8}",
    ]
    for name, words in STAGES:
        if name in summary.stages_ms:
            lines.append(_row(words, summary.stages_ms[name]))
    lines.append(_row("grab to encoded", summary.grab_to_encoded_ms))
    rungs = ", ".join(f"{name} {number}" for name, number in sorted(summary.rungs.items()))
    lines.append(f"pictures: {rungs or 'none'}")
    lines += _mishaps(summary)
    return "\n".join(lines)


def _mishaps(summary: Summary) -> list[str]:
    """One line about what failed and went on; none where nothing did."""
    said = [f"{name} {number}" for name, number in sorted(summary.restarts.items())]
    said += [f"picture repeated {summary.repeated}"] if summary.repeated else []
    return [f"started again: {', '.join(said)}"] if said else []


def figures(summary: Summary) -> dict[str, Any]:
    """The keys of `benchmarks.live` that a summary knows."""
    delay = summary.grab_to_encoded_ms
    return {
        "fps": round(summary.fps, 2),
        "grab_to_encoded_ms": _figures(delay) | {"p99": round(delay.p99, 2)},
        "stages_ms": {name: _figures(found) for name, found in summary.stages_ms.items()},
        "dropped": summary.dropped,
    }


def _row(words: str, found: Spread) -> str:
    return f"{words:<18}{found.p50:>8.1f}{found.p95:>8.1f}{found.p99:>8.1f}{found.count:>8}"


def _figures(found: Spread) -> dict[str, float]:
    return {"p50": round(found.p50, 2), "p95": round(found.p95, 2)}
