"""The fallback ladder: what the subject does while nobody can be followed.

generated -> held (at most `hold_s`) -> eased into the neutral pose -> (only when the generator
itself fails) the plate. No step shows the camera's picture. A pure function of (state, now).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from live.errors import SetupError
from live.frames import Pose

Rung = Literal["generated", "held", "neutral", "plate"]


@dataclass(frozen=True, slots=True)
class LadderSettings:
    """How long each step lasts."""

    hold_s: float = 0.5  # seconds the last pose stands still after the performer is lost
    ease_s: float = 1.2  # seconds from there into the neutral pose
    return_s: float = 0.35  # seconds from the neutral pose back to a performer who returns

    def __post_init__(self) -> None:
        for name in ("hold_s", "ease_s", "return_s"):
            if not 0 <= getattr(self, name) <= 60:
                raise SetupError(f"{name} is {getattr(self, name)}; it must be 0 to 60 seconds")


class Ladder:
    """Gives the pose to show at each moment, and the rung that it stands on."""

    def __init__(self, neutral: Pose, settings: LadderSettings | None = None) -> None:
        self.settings = settings or LadderSettings()
        self._neutral = neutral
        self.reset()

    def reset(self) -> None:
        """Back to the start: the neutral pose, nobody followed."""
        self._shown = self._neutral
        self._anchor = self._neutral  # where the present easing began
        self._began_s = -np.inf  # when it began
        self._lasts_s = 0.0  # how long it lasts
        self._seen_s = -np.inf
        self._rung: Rung = "neutral"

    def join(self, now_s: float) -> None:
        """Begin as if the performer were followed already: with no way from the neutral pose."""
        self._seen_s, self._rung = now_s, "generated"

    def step(self, pose: Pose | None, now_s: float) -> tuple[Pose, Rung]:
        """The pose to show at `now_s`, given the followed performer's or None."""
        rung = self._next_rung(pose, now_s)
        if rung != self._rung:
            self._turn(rung, now_s)
        if pose is not None:
            self._seen_s = now_s
        self._shown = self._pose_at(pose, now_s)
        return self._shown, rung

    def _turn(self, rung: Rung, now_s: float) -> None:
        """Begin the easing that leads onto `rung`, from what is shown now."""
        lasts_s = self.settings.ease_s if rung == "neutral" else self.settings.return_s
        arrived = now_s - self._began_s >= self._lasts_s
        if self._rung == "held" and rung == "generated" and arrived:
            # A blink of the tracker: catch up in the time that it lasted, no longer.
            lasts_s = min(lasts_s, now_s - self._seen_s)
        if rung != "held":
            self._anchor, self._began_s, self._lasts_s = self._shown, now_s, lasts_s
        self._rung = rung

    def _next_rung(self, pose: Pose | None, now_s: float) -> Rung:
        if pose is not None:
            return "generated"
        if now_s - self._seen_s <= self.settings.hold_s:
            return "held"
        return "neutral"

    def _pose_at(self, pose: Pose | None, now_s: float) -> Pose:
        if pose is not None:
            return _blend(self._anchor, pose, self._eased(now_s))
        if self._rung == "held":
            return self._shown
        return _blend(self._anchor, self._neutral, self._eased(now_s))

    def _eased(self, now_s: float) -> float:
        """How far the easing is: 0 at its start, 1 at its end."""
        return eased(now_s, self._began_s, self._lasts_s)


def eased(now_s: float, began_s: float, lasts_s: float) -> float:
    """Smoothstep of the time since `began_s`: 0 up to then, 1 once `lasts_s` have passed."""
    if now_s - began_s >= lasts_s:
        return 1.0
    share = max(now_s - began_s, 0.0) / lasts_s
    return share * share * (3 - 2 * share)


def _blend(start: Pose, end: Pose, share: float) -> Pose:
    """Between two poses; a joint that only one of them has stays where that one has it."""
    if share >= 1:
        return end
    in_start, in_end = start.scores > 0, end.scores > 0
    weight = np.where(in_start & in_end, share, in_end.astype(np.float64))[:, None]
    start_px = np.where(in_start[:, None], start.points, 0)  # undefined where not seen
    end_px = np.where(in_end[:, None], end.points, 0)
    points = (start_px * (1 - weight) + end_px * weight).astype(np.float32)
    scores = (start.scores * (1 - share) + end.scores * share).astype(np.float32)
    return replace(end, points=points, scores=scores)
