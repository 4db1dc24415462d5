"""Who is on the stage: one act, and while it fades in, the one before.

At most two generators run. Who comes in while another still does finds the two of before with
their fade going on, and what was behind them as it stood: nothing ever jumps.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from live.act import Act
from live.backdrops import cover
from live.character import Character
from live.frames import Image, Sighting
from live.ladder import Rung, eased
from live.look import Look

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Turn:
    """An act that comes in."""

    act: Act
    began_s: float
    lasts_s: float

    def share(self, now_s: float) -> float:
        """How much of it is seen, from 0 to 1: a smoothstep."""
        return eased(now_s, self.began_s, self.lasts_s)


class CrossFade:
    """For the picture's thread alone."""

    def __init__(self, first: Act, retire: Callable[[Character], None]) -> None:
        """`retire` takes the characters that are not needed any more, and must be quick."""
        self._retire = retire
        self._newest = _Turn(first, -np.inf, 0.0)
        self._before: _Turn | None = None
        self._still: Image | None = None  # what was behind `_before` when a third came in
        self._under: Image | None = None  # what is behind `_newest`, as last shown

    @property
    def act(self) -> Act:
        """The newest."""
        return self._newest.act

    def enter(self, act: Act, now_s: float, lasts_s: float) -> None:
        """Let `act` come in from now on, within `lasts_s` seconds; 0 is a cut."""
        act.follow_on(self.act, now_s)
        if self._before is None:
            self._before = self._newest
        elif self._under is None:  # the newest was never seen
            self._retire(self.act.character)
        else:
            self._still = cover(self._under, act.character.stage)
            self._retire(self._before.act.character)
            self._before = self._newest
        self._newest = _Turn(act, now_s, lasts_s)
        self._under = None

    def picture(self, sighting: Sighting, look: Look, now_s: float) -> tuple[Image, Rung]:
        """What is seen now, without marks, and the newest act's rung."""
        share = self._newest.share(now_s)
        if share >= 1:
            self._forget()
        under = self._behind(sighting, look, now_s)
        image, rung = self._newest.act.picture(sighting, look, now_s)
        if under is None or look.panic:  # the background alone, and at once
            return image, rung
        return _mixed(under, image, share), rung

    def _behind(self, sighting: Sighting, look: Look, now_s: float) -> Image | None:
        """The act before, at the size of the newest's stage; None where it is gone."""
        if self._before is None:
            return None
        image, _ = self._before.act.picture(sighting, look, now_s)
        if self._before.act.failing:
            log.warning("the one who leaves cannot be shown any more; the new one is, at once")
            self._forget()
            return None
        under = cover(image, self._newest.act.character.stage)
        if self._still is not None:
            under = _mixed(self._still, under, self._before.share(now_s))
        self._under = under
        return under

    def _forget(self) -> None:
        """The newest is alone on the stage."""
        if self._before is not None:
            self._retire(self._before.act.character)
        self._before = self._still = self._under = None


def _mixed(start: Image, end: Image, share: float) -> Image:
    if share >= 1:
        return end
    return np.asarray(cv2.addWeighted(start, 1 - share, end, share, 0), np.uint8)
