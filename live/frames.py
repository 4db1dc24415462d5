"""What crosses between the stages: frozen dataclasses, their shapes, dtypes and units.

Arrays inside are shared, not copied: whoever receives one reads it and never writes to it.
Times are seconds on the monotonic clock (`time.monotonic`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""uint8 (H, W, C); C is 3 (BGR from a source, RGB in a label) or 4 (premultiplied RGBA)."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of the performer, as read from a source."""

    image: Image  # BGR uint8 (H, W, 3)
    captured_s: float  # read right after the grab
    sequence: int  # counts the source's frames from 0; gaps are frames that nobody took

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.image.shape[0], self.image.shape[1]


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """One person in one frame, in the canonical skeleton (`live.skeleton.JOINTS`)."""

    points: NDArray[np.float32]  # (J, 2), x then y, pixels of the frame; undefined where score is 0
    scores: NDArray[np.float32]  # (J,) in [0, 1]; 0 = not seen or not given by this backend
    captured_s: float  # of the frame it was found in
    size: tuple[int, int]  # (height, width) of that frame, pixels
    person: int = 0  # a track's number; the same person keeps it


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of the stage, pixels; it may reach beyond the stage's edges."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True, eq=False)
class Label:
    """The stick figure a generator is conditioned on, drawn by `live.skeleton.draw` alone."""

    image: Image  # RGB uint8 (h, w, 3) at the generator's size
    captured_s: float
    region: Region  # the part of the stage that it shows
    # (top, left) of the squares around its parts, and how strongly a part's net is to show in each:
    # in (0, 1], 1 where nothing is said. By `live.parts.Part.name`; only of parts that have a net.
    squares: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    strengths: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """What a generator makes: a figure with transparency, and where it stands on the stage."""

    rgba: Image  # premultiplied RGBA uint8 (h, w, 4) at its own size
    region: Region  # the part of the stage that it covers


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What the audience sees."""

    image: Image  # RGB uint8 (H, W, 3) at the stage's size
    captured_s: float  # of the camera frame it answers
    sequence: int  # counts pictures from 0
    rung: str  # the fallback ladder's step: "generated", "held", "neutral" or "plate"


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """What the pose stage found in one frame: somebody, or nobody."""

    pose: Pose | None
    captured_s: float  # of the frame
    sequence: int  # of the frame
