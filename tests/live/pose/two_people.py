"""Two real people on one stage, who walk as they are told: cut out of two clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from live.frames import Image
from tests.live.pose.test_blazepose import read

CLIP_SIZE = (720, 408)
STAGE = (720, 900)
MAN, WOMAN = (0, 60, 250), (150, 240, 408)  # top, left and right of each in the clips
_LEAD = (100, 45)  # from the left of each cutting to the hips
_STEADY = 30  # frames in which both stay within their cutting


class TwoPeople:
    """Pictures with a man in shorts and a woman in white, each where it is wanted."""

    def __init__(self, one_person_clip: Path, two_people_clip: Path) -> None:
        top, left, right = MAN
        self._man = [one[top:, left:right] for one in read(one_person_clip, _STEADY, CLIP_SIZE)]
        top, left, right = WOMAN
        self._woman = [one[top:, left:right] for one in read(two_people_clip, _STEADY, CLIP_SIZE)]

    def picture(
        self, number: int, man_x: float | None, woman_x: float | None, front: str = "man"
    ) -> Image:
        """Their hips at these places, pixels; None: away. Who is in front hides the other."""
        stage = np.full((*STAGE, 3), 110, np.uint8)
        at = number % (2 * _STEADY)
        at = min(at, 2 * _STEADY - 1 - at)  # to and fro
        people = [(self._man[at], MAN[0], man_x, _LEAD[0])]
        people.insert(int(front == "woman"), (self._woman[at], WOMAN[0], woman_x, _LEAD[1]))
        for cutting, top, x, lead in people:
            if x is not None:
                _put(stage, cutting, round(x) - lead, top)
        return stage


def _put(stage: Image, cutting: Image, x: int, top: int) -> None:
    left, right = max(x, 0), min(x + cutting.shape[1], stage.shape[1])
    if left < right:
        stage[top : top + cutting.shape[0], left:right] = cutting[:, left - x : right - x]
