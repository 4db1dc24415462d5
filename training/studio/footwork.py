"""Steps: where each foot stands, when it lifts and where it lands. A planted foot never slides.

The root's way and heading are known in advance. Once a beat one foot, left and right in turn, may
step to where it will belong in the middle of its next stance; it stays if it is nearly there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.studio.choreography import COLUMN, Choreography, ease

Array = NDArray[np.float64]
TOE_OUT = 0.16  # radians


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """One foot over time. Lengths in leg lengths."""

    ground: Array  # (T, 2): x and z of the ankle's place on the floor
    lift: Array  # (T,)
    yaw: Array  # (T,) radians
    pitch: Array  # (T,) radians, heel up positive
    swing: Array  # (T,) 1 in the air, 0 on the floor


@dataclass(frozen=True, slots=True, eq=False)
class Footwork:
    """Both feet."""

    left: Steps
    right: Steps

    def side(self, name: str) -> Steps:
        """The steps of "left" or "right"."""
        return self.left if name == "left" else self.right


def plan_steps(dance: Choreography, width: float, reach: float = 0.62) -> Footwork:
    """Steps for a dance; `width` is the distance between the feet, in leg lengths."""
    times = np.arange(len(dance.table)) / dance.fps
    period, swing = dance.beat_s, 0.74 * dance.beat_s
    return Footwork(*(
        _one_foot(dance, times, sign, width, number * period, 2 * period, swing, reach * period)
        for number, sign in enumerate((1.0, -1.0))
    ))  # fmt: skip


def _one_foot(
    dance: Choreography, times: Array, sign: float, width: float,
    offset: float, period: float, swing: float, ahead: float,
) -> Steps:  # fmt: skip
    home, facing = _home(dance, sign, width)

    def at(t: float) -> tuple[Array, float]:
        place = np.array([np.interp(t, times, home[:, i]) for i in range(2)])
        return place, float(np.interp(t, times, facing)) + sign * TOE_OUT

    stand, yaw = at(0.0)
    kick = dance.channel(f"{'left' if sign > 0 else 'right'}_kick")
    other = dance.channel(f"{'right' if sign > 0 else 'left'}_kick")
    count = len(times)
    steps = Steps(
        np.empty((count, 2)), np.zeros(count), np.empty(count), np.zeros(count), np.zeros(count)
    )
    done = 0
    start = offset
    while done < count:
        # Stand until the next slot.
        upto = min(int(np.ceil(start * dance.fps)), count)
        steps.ground[done:upto], steps.yaw[done:upto] = stand, yaw
        done = max(done, upto)
        goal, goal_yaw = at(start + swing + ahead)
        span = float(np.linalg.norm(goal - stand))
        window = slice(upto, min(int(np.ceil((start + swing) * dance.fps)), count))
        held = kick[window].max(initial=0) > 0.02 or other[window].max(initial=0) > 0.05
        if (span > 0.045 or abs(goal_yaw - yaw) > 0.14) and not held:
            _swing(steps, window, (times[window] - start) / swing, stand, goal, yaw, goal_yaw)
            stand, yaw, done = goal, goal_yaw, window.stop
        start += period
    return steps


def _home(dance: Choreography, sign: float, width: float) -> tuple[Array, Array]:
    """Where the foot belongs, (T, 2) x and z, and the heading (T,)."""
    facing = dance.channel("facing")
    out = sign * 0.5 * (width + dance.table[:, COLUMN["stance"]] * 2)
    x = dance.channel("across") + out * np.cos(facing)
    z = -dance.channel("distance") - out * np.sin(facing)
    return np.column_stack([x, z]), facing


def _swing(
    steps: Steps, window: slice, t: Array, start: Array, goal: Array, yaw: float, goal_yaw: float
) -> None:
    """One step through the air; t runs from 0 to 1 over `window`."""
    way = goal - start
    span = float(np.linalg.norm(way))
    forward = float(way @ np.array([np.sin(goal_yaw), np.cos(goal_yaw)]))
    progress = ease(t)[:, None]
    steps.ground[window] = start + way * progress
    steps.lift[window] = (0.045 + 0.10 * min(span, 0.8)) * np.sin(
        np.pi * np.clip(t, 0, 1) ** 0.85
    ) ** 2
    steps.yaw[window] = yaw + (goal_yaw - yaw) * progress[:, 0]
    roll = np.sin(2 * np.pi * np.clip(t, 0, 1) ** 0.9) * np.where(t < 0.5, 0.65, 0.28)
    steps.pitch[window] = roll * np.clip(forward / 0.5, 0, 1)
    steps.swing[window] = 1.0
