"""How long to train, and what changes on the way; pure functions of progress in [0, 1]."""

from __future__ import annotations

import math
from dataclasses import dataclass

from live.errors import SetupError

WARM_UP_STEPS = 100


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of the training."""

    share: float  # of the whole
    adversarial: bool
    perceptual: bool = True  # without the backbone a step takes half the time


PHASES = (
    Phase(0.4, adversarial=False, perceptual=False),  # where everything is, in quick steps
    Phase(0.25, adversarial=False),  # what it is made of
    Phase(0.35, adversarial=True),  # and how sharp: a discriminator on noise would only disturb
)


@dataclass(frozen=True, slots=True)
class Budget:
    """When the training is over: after minutes of work or a number of steps, one of the two."""

    minutes: float | None = None
    steps: int | None = None

    def __post_init__(self) -> None:
        if (self.minutes is None) == (self.steps is None):
            raise SetupError("give either --minutes or --steps")
        given = self.minutes if self.minutes is not None else self.steps
        if given is not None and not (given > 0 and math.isfinite(given)):
            raise SetupError(f"the training's length is {given}; it must be above 0")

    def progress(self, step: int, elapsed_s: float) -> float:
        """Share of the training that is done, at most 1."""
        if self.steps is not None:
            return min(step / self.steps, 1.0)
        assert self.minutes is not None
        return min(elapsed_s / (self.minutes * 60), 1.0)


def phase_at(progress: float, phases: tuple[Phase, ...]) -> int:
    """Number of the phase that `progress` falls into."""
    end = 0.0
    for number, phase in enumerate(phases):
        end += phase.share
        if progress < end - 1e-9:
            return number
    return len(phases) - 1


def learning_rate(peak: float, step: int, progress: float) -> float:
    """Linear warm-up, then half a cosine down to 2 % of `peak`."""
    warm = min((step + 1) / WARM_UP_STEPS, 1.0)
    return peak * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))


def average_decay(step: int) -> float:
    """Of the exponential average of the weights: short memory at first."""
    return min(0.998, (1 + step) / (10 + step))
