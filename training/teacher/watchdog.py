"""Notices a training that goes wrong while it can still be helped."""

from __future__ import annotations

from dataclasses import dataclass, field

LABEL_EFFECT = 0.15  # of the truth's own change; below it the label is ignored
WON = 0.04  # of the critic's loss a scale; 0.25 is a draw, 0 knows every picture for what it is
MEMORY = 0.98  # of the running mean of the critic's loss: some 50 steps
PATIENCE = 200  # steps before anything is said, and between two words on one matter


@dataclass(slots=True)
class Watchdog:
    """Is told of every step, and answers with a sentence where there is something to say."""

    scales: int
    _mean: float | None = None
    _spoke: dict[str, int] = field(default_factory=dict)

    def step(self, step: int, losses: dict[str, float]) -> str | None:
        """What the losses of `step` tell."""
        loss = losses["critic"] / self.scales
        self._mean = loss if self._mean is None else MEMORY * self._mean + (1 - MEMORY) * loss
        if self._mean > WON or not self._may_speak("critic", step):
            return None
        return (
            f"the discriminator has won: its loss is {self._mean:.3f} a scale, where 0.25 is a "
            f"draw, and the generator learns little from it; try a smaller --critic-width, a "
            f"larger --batch, --pixel 10, or more footage"
        )

    def look(self, step: int, progress: float, label_effect: float) -> str | None:
        """What sample pictures tell: how much they change with the label, of the truth's change."""
        if progress < 0.05 or label_effect >= LABEL_EFFECT or not self._may_speak("label", step):
            return None
        return (
            f"the picture hardly depends on its label ({label_effect:.0%} of the truth's change): "
            f"look at the samples; the footage may hold too little movement, or --pixel 10 and "
            f"--foreground may help"
        )

    def _may_speak(self, matter: str, step: int) -> bool:
        last = self._spoke.get(matter, 0 if matter == "critic" else -PATIENCE)
        if step - last < PATIENCE:
            return False
        self._spoke[matter] = step
        return True
