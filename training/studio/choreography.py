"""Seeded dances: what every joint does at every moment, the same for every body.

A choreography is a table of channels over time. Angles are radians; lengths are in leg lengths
(hip to ankle), so that a tall and a short person dance the same dance. It is made of phrases of a
few beats, drawn from a shuffled deck; each phrase eases its channels in and out over what goes on
underneath (breathing, arms that swing with the steps). In the end every channel is smoothed, and
the outer joints lag the inner ones a little: overlapping action.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SIDES = ("left", "right")
_CENTRAL = (
    "distance", "across", "facing",  # the root: from the camera, sideways, and its heading
    "lower", "sway", "tilt", "roll", "turn",  # the pelvis: down, sideways, forward, to the side
    "bend", "lean", "twist",  # the spine
    "nod", "cock", "look",  # the head
    "stance",  # extra width between the feet
)  # fmt: skip
_PAIRED = (
    "raise", "spread", "swing", "spin",  # upper arm: forward, sideways, about y, its own axis
    "elbow", "pronate", "wrist", "fan", "curl",  # fan: the hand towards its thumb
    "kick_forward", "kick_up", "kick_side", "kick_pitch", "kick",  # kick: 0 on the floor, 1 free
)  # fmt: skip
CHANNELS = _CENTRAL + tuple(f"{side}_{name}" for side in SIDES for name in _PAIRED)
COLUMN = {name: number for number, name in enumerate(CHANNELS)}

NEAR, FAR = 3.9, 6.9
"""Distances from the camera between which the dance stays, in leg lengths."""
ARMS_UP_NEAR = 4.9
"""Nearer than this the hands would leave the picture above the head."""


@dataclass(frozen=True, slots=True, eq=False)
class Choreography:
    """`table` is (T, len(CHANNELS)) float64 at `fps`; `phrases` names what is danced when."""

    table: Array
    fps: float
    beat_s: float
    phrases: tuple[tuple[float, str], ...]  # (starts at, name)

    def channel(self, name: str) -> Array:
        """One channel over time, shape (T,)."""
        return np.asarray(self.table[:, COLUMN[name]])


def ease(x: Array | float) -> Array:
    """Minimum-jerk step from 0 to 1 (Flash and Hogan, J. Neurosci. 1985, eq. 3)."""
    t = np.clip(x, 0, 1)
    return np.asarray(t * t * t * (10 + t * (6 * t - 15)))


def pace(t: Array, soft: float) -> Array:
    """From 0 to 1 over t in [0, 1] at an even pace, softened over `soft` at both ends."""
    grid = np.linspace(0, 1, 401)
    speed = ease(grid / soft) * ease((1 - grid) / soft)
    way = np.cumsum(speed)
    return np.asarray(np.interp(t, grid, way / way[-1]))


def gauss(values: Array, sigma: float) -> Array:
    """Gaussian smoothing with the ends held."""
    if sigma < 0.3:
        return values
    radius = int(np.ceil(3.5 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    return np.asarray(np.convolve(np.pad(values, radius, "edge"), kernel / kernel.sum(), "valid"))
