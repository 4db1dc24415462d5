"""What is behind the figure: the subject's plate, a colour, or a picture of the operator's."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from live.frames import Image
from live.look import Look

GREEN = (0, 177, 64)
"""RGB of a green screen (chroma-key green), which keyers know."""


class Pictures(Protocol):
    """Where the operator's pictures come from; `live.backdrops.Backdrops`."""

    def get(self, name: str, size: tuple[int, int]) -> Image | None:
        """RGB uint8 (H, W, 3) at `size`; None while it is not there. At once, never raises."""

    def load(self, name: str, size: tuple[int, int]) -> Image:
        """The same, waiting for it. Raises DeskError."""


class Background:
    """Of one stage. What cannot be shown yet, or at all, leaves what was there."""

    def __init__(self, plate: Image, pictures: Pictures | None = None) -> None:
        self._plate = plate
        self._pictures = pictures
        self._shown = plate
        self._asked: tuple[object, ...] = ("plate",)  # what `_shown` answers

    def at(self, look: Look) -> Image:
        """RGB uint8 (H, W, 3) at the stage's size; not to be written to."""
        asked = _asked(look)
        if asked != self._asked:
            found = self._find(look)
            if found is not None:
                self._shown, self._asked = found, asked
        return self._shown

    def _find(self, look: Look) -> Image | None:
        size = self._plate.shape[0], self._plate.shape[1]
        if look.background == "picture":
            return None if self._pictures is None else self._pictures.get(look.backdrop, size)
        if look.background == "plate":
            return self._plate
        colour = GREEN if look.background == "green" else look.colour
        return np.full((*size, 3), colour, np.uint8)


def _asked(look: Look) -> tuple[object, ...]:
    """What of the look decides."""
    if look.background == "picture":
        return "picture", look.backdrop
    if look.background == "colour":
        return "colour", look.colour
    return (look.background,)
