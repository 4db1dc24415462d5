"""What a subject trained on this footage would be weak in: said before, not found out on stage."""

from __future__ import annotations

from collections.abc import Iterator

from training.coach.advice import BLURRED, DRIFT, SOFT_HAND_PX, SOFT_HEAD_PX
from training.coach.coverage import Covered
from training.coach.figures import Figures

_HARDLY = 0.25  # of what is wanted
_NAMED = 6


def expectations(f: Figures, covered: tuple[Covered, ...]) -> Iterator[str]:
    """One sentence each, with its figure."""
    if f.hand_px < SOFT_HAND_PX:
        yield f"Hands will be soft: {f.hand_px:.0f} px tall, where {SOFT_HAND_PX:.0f} are needed."
    if f.head_px < SOFT_HEAD_PX:
        yield f"The face will be soft: the head is {f.head_px:.0f} px tall of {SOFT_HEAD_PX:.0f}."
    if f.blur > BLURRED:
        yield f"The whole figure will be soft: its pictures have blur {f.blur:.2f} of {BLURRED}."
    missing = [line for line in covered if line.share < _HARDLY]
    if missing:
        missing.sort(key=lambda line: -line.worth)
        names = ", ".join(f"{line.name} ({line.seconds:.1f} s)" for line in missing[:_NAMED])
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        yield f"Hardly shown, so it will be guessed, and look it: {names}{more}."
    rare = [line.name for line in covered if line.occasions == 1 and line.share >= _HARDLY]
    if rare:
        yield f"Shown on one occasion only, so with one set of folds and light: {', '.join(rare)}."
    if f.unseen_behind_share > 0.1:
        yield (
            f"{f.unseen_behind_share:.0%} of the background around the figure was never filmed and "
            f"will be painted: it may shimmer with the figure."
        )
    if f.light_drift > DRIFT:
        yield f"Edges of the figure may flicker: the light changes by {f.light_drift:.0%}."
