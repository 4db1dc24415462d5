"""How the picture is to look at this moment: what the operator has set, as the picture stage reads
it, once for each picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Look:
    """Every setting of the picture stage. The defaults are a show that nobody touches."""

    mirror: bool = False
    smoothing: float = 0.5  # 0 quick, 1 steady; 0.5 is `SmoothSettings` as it stands
    lead_s: float = 0.0  # predict so far ahead, seconds
    guard: float = 0.0  # how strongly limbs are eased towards the trained poses, 0 to 1
    refine: bool = True  # learn the performer's measures while the show runs
    normalize_scale: float = 1.0  # by hand, on top of what normalization finds; of the pose
    normalize_x: float = 0.0  # to the right, stage heights
    normalize_y: float = 0.0  # down, stage heights
    face: bool = True  # the performer's face moves the subject's
    figure_opacity: float = 1.0
    figure_scale: float = 1.0  # of the finished figure, about the point where it stands
    figure_x: float = 0.0  # to the right, stage heights
    figure_y: float = 0.0  # down, stage heights
    background: str = "plate"  # "plate", "colour", "green" or "picture"
    colour: tuple[int, int, int] = (0, 0, 0)  # RGB, of the background "colour"
    backdrop: str = ""  # which picture, of those in the folder of backdrops
    master: float = 1.0  # brightness of the whole picture, 0 is black
    freeze: bool = False  # the last picture stands still
    panic: bool = False  # the background alone, at once


LookAt = Callable[[float], Look]
"""The look at a moment (seconds on the monotonic clock). Quick, never raises, from any thread."""


def untouched(now_s: float) -> Look:
    """The look of a show without a desk."""
    return _UNTOUCHED


_UNTOUCHED = Look()
