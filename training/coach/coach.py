"""The coach: everything that was measured -> is it enough, what is missing, what to film next."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from live.errors import SetupError
from live.subject import Consent
from training.assemble import Assembled
from training.coach.advice import GOOD_S, LEAST_S, Advice, advice_from
from training.coach.bodies import bodies_of
from training.coach.coverage import Covered, coverage_of, score_of
from training.coach.expect import expectations
from training.coach.figures import Figures, figures_of
from training.consent import in_words
from training.disk import write_whole
from training.holes import holes_of

JSON = "report.json"
GOOD_COVERAGE = 0.6
ENOUGH, GAPS, NOT = "enough", "usable, with gaps", "not enough"


@dataclass(frozen=True, slots=True)
class Report:
    """What the coach says."""

    verdict: str  # ENOUGH, GAPS or NOT
    headline: str  # why, in one sentence
    clips: tuple[str, ...]  # names, sizes and rates
    figures: Figures
    coverage: tuple[Covered, ...]
    coverage_score: float  # in [0, 1]
    advice: tuple[Advice, ...]  # what helps most first
    expect: tuple[str, ...]  # what a subject of this footage would be weak in
    notes: tuple[str, ...]  # what happened to the footage: holes, frames left out
    consent: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def summary(self) -> dict[str, Any]:
        """For machines, in one line."""
        return {
            "verdict": self.verdict,
            "seconds_usable": round(self.figures.seconds_usable, 1),
            "coverage": round(self.coverage_score, 3),
            "next": [advice.do for advice in self.advice[:3]],
        }

    def text(self) -> str:
        """For people at the terminal."""
        lines = [f"Footage: {self.verdict.upper()}. {self.headline}", "", "Film next:"]
        lines += [f"  {n}. {a.do}\n     {a.why}" for n, a in enumerate(self.advice[:6], 1)]
        lines += ["", "Expect:"] if self.expect else []
        lines += [f"  - {words}" for words in self.expect]
        lines += ["", "Coverage:"]
        lines += [
            f"  {line.name:28} {line.seconds:6.1f} s of {line.wanted_s:3.0f}"
            for line in self.coverage
        ]
        return "\n".join([*lines, "", *self.notes, self.consent])

    def write(self, folder: Path) -> None:
        """`report.json` into `folder`. Raises SetupError where it cannot be written."""
        content = json.dumps(self.to_json(), indent=2, ensure_ascii=False) + "\n"
        write_whole(folder / JSON, content.encode())

    @classmethod
    def read(cls, folder: Path) -> Report:
        """`report.json` of `folder`. Raises SetupError."""
        try:
            data = json.loads((folder / JSON).read_text(encoding="utf-8"))
            data["figures"] = Figures(**data["figures"])
            data["coverage"] = tuple(Covered(**line) for line in data["coverage"])
            data["advice"] = tuple(Advice(**line) for line in data["advice"])
            for name in ("clips", "expect", "notes"):
                data[name] = tuple(data[name])
            return cls(**data)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SetupError(f"{folder / JSON} cannot be read ({error}); prepare again") from error


def coach(found: Assembled, size: tuple[int, int], consent: Consent | None) -> Report:
    """Look at everything. `size` is the generator's window, (height, width) pixels."""
    bodies = bodies_of(found)
    figures = figures_of(found, bodies, size)
    covered = coverage_of(bodies)
    score = score_of(covered)
    advice = advice_from(figures, covered, found.judgement.troubles)
    verdict, headline = _verdict(found, figures, score, advice)
    return Report(
        verdict=verdict,
        headline=headline,
        clips=tuple(_clip_words(found)),
        figures=figures,
        coverage=covered,
        coverage_score=score,
        advice=tuple(advice),
        expect=tuple(expectations(figures, covered)),
        notes=tuple(_notes(found)),
        consent=in_words(consent),
    )


def _verdict(found: Assembled, f: Figures, score: float, advice: list[Advice]) -> tuple[str, str]:
    if found.judgement.troubles:
        return NOT, _capital(found.judgement.troubles[0].sentence)
    seconds = f"{f.seconds_usable:.{0 if f.seconds_usable >= 10 else 1}f}"
    usable = f"{seconds} s can be used, {score:.0%} of the reference set is covered"
    if f.seconds_usable < LEAST_S:
        return NOT, f"Only {usable}; below {LEAST_S:.0f} s a subject learns too little."
    serious = [a for a in advice if a.worth >= 100]
    if f.seconds_usable >= GOOD_S and score >= GOOD_COVERAGE and not serious:
        return ENOUGH, f"{_capital(usable)}."
    reason = serious[0].why if serious else advice[0].why if advice else ""
    return GAPS, f"{_capital(usable)}. What would help most: {reason[:1].lower() + reason[1:]}"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _clip_words(found: Assembled) -> list[str]:
    return [f"{c.path.name}: {c.size[1]}x{c.size[0]}, {c.fps:g} per second" for c in found.clips]


def _notes(found: Assembled) -> list[str]:
    notes = [f"{hole}." for hole in holes_of(found)]
    left = int((found.seen & found.flags.excluded).sum())
    counts = ", ".join(f"{words}: {count}" for words, count in found.flags.counts().items())
    if counts:
        notes.append(
            f"Of {len(found.seen)} pictures looked at, {left} that show the person are left out of "
            f"training; flagged: {counts}."
        )
    else:
        notes.append(f"None of the {len(found.seen)} pictures looked at had to be left out.")
    return notes
