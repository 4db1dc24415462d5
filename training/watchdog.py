"""Notices a training that goes wrong while it can still be helped: teacher's or student's."""

from __future__ import annotations

from dataclasses import dataclass, field

LABEL_EFFECT = 0.15  # of the truth's own change; below it the label is ignored
WON = 0.16  # of the critic's loss at a draw; 0 knows every picture for what it is
DEAD, EVERYWHERE = 0.2, 0.5  # mean alpha on the person, and where nobody is
MEMORY = 0.98  # of the running mean of the critic's loss: some 50 steps
PATIENCE = 200  # steps before anything is said, and between two words on one matter
BEGUN = 0.05  # of the training; before it pictures say nothing


@dataclass(slots=True)
class Watchdog:
    """Is told of every step, and answers with a sentence where there is something to say."""

    draw: float  # the critic's loss when it cannot tell real from painted
    won_help: str  # what to try against a critic that has won
    label_help: str  # ... and against a label that is ignored
    _mean: float | None = None
    _critics: int = 0  # steps in which there was a critic
    _spoke: dict[str, int] = field(default_factory=dict)

    def step(self, step: int, losses: dict[str, float]) -> str | None:
        """What the losses of `step` tell; "critic" is not among them while there is none."""
        if "critic" not in losses:
            return None
        loss = losses["critic"] / self.draw
        self._mean = loss if self._mean is None else MEMORY * self._mean + (1 - MEMORY) * loss
        self._critics += 1
        if self._critics <= PATIENCE or self._mean > WON or not self._may_speak("critic", step):
            return None
        return (
            f"the discriminator has won: its loss is {self._mean:.0%} of what it is at a draw, and "
            f"the generator learns little from it; {self.won_help}"
        )

    def look(self, step: int, progress: float, label_effect: float) -> str | None:
        """What sample pictures tell: how much they change with the label, of the truth's change."""
        if progress < BEGUN or label_effect >= LABEL_EFFECT or not self._may_speak("label", step):
            return None
        return (
            f"the picture hardly depends on its label ({label_effect:.0%} of the truth's change): "
            f"{self.label_help}"
        )

    def alpha(
        self, step: int, progress: float, person: float | None, empty: float | None
    ) -> str | None:
        """What alpha tells: its mean on the person and where nobody is; None where unknown."""
        if progress < BEGUN:
            return None
        if person is not None and person < DEAD and self._may_speak("alpha", step):
            return (
                f"alpha is dead: {person:.2f} on the person, where it should be near 1, so the "
                f"plate shows instead; the plate may contain the person: look at it"
            )
        if empty is not None and empty > EVERYWHERE and self._may_speak("alpha", step):
            return (
                f"alpha is {empty:.2f} where nobody is, so the room is painted and will shimmer; "
                f"light or camera may have changed between plate and footage: look at the report"
            )
        return None

    def _may_speak(self, matter: str, step: int) -> bool:
        last = self._spoke.get(matter)
        if last is not None and step - last < PATIENCE:
            return False
        self._spoke[matter] = step
        return True
