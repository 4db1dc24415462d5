"""What the trainer warned of while there was time, from the run's log."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path

from training.report.curves import entries

MOST = 8


@dataclass(frozen=True, slots=True)
class Noticed:
    """One matter, as it was said last."""

    stage: str  # of `training.report.curves.STAGES`; empty for the run's own log
    step: int
    sentence: str
    times: int


def read_noticed(run: Path) -> list[Noticed]:
    """Every matter that the log of `run`, or of one of its stages, warns of."""
    found: dict[tuple[str, str], Noticed] = {}
    for stage, entry in entries(run):
        sentence, step = entry.get("warning"), entry.get("step")
        if isinstance(sentence, str) and isinstance(step, int):
            matter = (stage, sentence[:20])  # figures follow later in the sentence
            times = found[matter].times + 1 if matter in found else 1
            found[matter] = Noticed(stage, step, sentence, times)
    return list(found.values())[:MOST]


def noticed_html(noticed: list[Noticed]) -> str:
    """A list; nothing where nothing was said."""
    items = "".join(f"<li class='some'>{html.escape(_words(one))}</li>" for one in noticed)
    return f'<ul class="said">{items}</ul>' if items else ""


def _words(one: Noticed) -> str:
    where = f"{one.stage}, " if one.stage else ""
    again = f" (said {one.times} times)" if one.times > 1 else ""
    return f"Noticed at {where}step {one.step}: {one.sentence}{again}."
