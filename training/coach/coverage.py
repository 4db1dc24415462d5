"""How much of the reference set the footage shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.coach.bodies import Bodies, Where
from training.coach.reference import Reference, reference_set, shown_by

LEAST_S = 0.1  # what is shorter is a joint that jumped, rather than a pose
APART_S = 0.5  # a pose that comes back after less is still the same occasion


@dataclass(frozen=True, slots=True)
class Covered:
    """One line of the reference set, and what the footage has of it."""

    name: str
    seconds: float
    wanted_s: float
    occasions: int  # times that it was shown, apart from one another
    worth: float
    film: str
    example: int  # number of a frame that shows it; -1 where none does

    @property
    def share(self) -> float:
        """Of what is wanted, in [0, 1]."""
        return min(self.seconds / self.wanted_s, 1.0)


def coverage_of(bodies: Bodies) -> tuple[Covered, ...]:
    """Every line of the reference set."""
    return tuple(_covered(reference, bodies) for reference in reference_set())


def score_of(covered: tuple[Covered, ...]) -> float:
    """The whole set in one figure, in [0, 1]: shares weighted by worth."""
    total = sum(line.worth for line in covered)
    return sum(line.share * line.worth for line in covered) / total


def _covered(reference: Reference, bodies: Bodies) -> Covered:
    runs = _runs(shown_by(reference, bodies), bodies)
    runs = [run for run in runs if bodies.seconds[run].sum() >= LEAST_S]
    longest = max(runs, key=len, default=np.zeros(0, np.int64))
    return Covered(
        name=reference.name,
        seconds=round(sum(float(bodies.seconds[run].sum()) for run in runs), 1),
        wanted_s=reference.wanted_s,
        occasions=len(runs),
        worth=reference.worth,
        film=reference.film,
        example=int(longest[len(longest) // 2]) if len(longest) else -1,
    )


def _runs(where: Where, bodies: Bodies) -> list[NDArray[np.int64]]:
    """Numbers of the frames of each occasion."""
    numbers = np.flatnonzero(where)
    if not len(numbers):
        return []
    gaps = np.diff(bodies.times_s[numbers])
    usual_s = float(np.median(bodies.seconds)) if len(bodies.seconds) else 0.0
    ends = (np.abs(gaps) > max(APART_S, 2.5 * usual_s)) | (np.diff(bodies.video[numbers]) != 0)
    return np.split(numbers, np.flatnonzero(ends) + 1)
