"""Where footage could not be read: holes in its time, and ends that come too early."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from training.assemble import Assembled

LEAST_S = 0.4
LEAST_FRAMES = 4  # at a low rate, a step of the same time is none


@dataclass(frozen=True, slots=True)
class Hole:
    """A stretch without pictures."""

    clip: str  # the file's name
    begins_s: float
    seconds: float
    at_end: bool = False  # fewer pictures than promised: lost at the end, or one by one before

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        if self.at_end:
            return (
                f"{self.clip} ends at {self.begins_s:.1f} s, {self.seconds:.1f} s too early: "
                f"pictures are lost; what could be read is used"
            )
        return (
            f"{self.clip} could not be read from {self.begins_s:.1f} s for {self.seconds:.1f} s; "
            f"what lies before and after is used"
        )


def holes_of(found: Assembled) -> list[Hole]:
    """All of them, in order."""
    holes = []
    for number, clip in enumerate(found.clips):
        times = found.times_s[found.video == number]
        if not len(times):
            holes.append(Hole(clip.path.name, 0.0, round(clip.announced / clip.fps, 2)))
            continue
        steps = np.diff(times)
        usual_s = float(np.median(steps)) if len(steps) else 1 / clip.fps
        least_s = max(LEAST_S, LEAST_FRAMES * usual_s)
        for at in np.flatnonzero(steps > least_s):
            begins_s, length_s = float(times[at]) + usual_s, float(steps[at]) - usual_s
            holes.append(Hole(clip.path.name, round(begins_s, 2), round(length_s, 2)))
        # Containers promise a frame or two too many.
        missing_s = clip.announced / clip.fps - float(times[-1]) - usual_s
        if missing_s > least_s:
            ends_s = round(float(times[-1]), 2)
            holes.append(Hole(clip.path.name, ends_s, round(missing_s, 2), at_end=True))
    return holes
