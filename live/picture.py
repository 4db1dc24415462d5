"""The picture stage: sightings in, what the audience sees out, as the operator's look says."""

from __future__ import annotations

import contextlib
import queue
import threading
from dataclasses import dataclass

import cv2
import numpy as np

from live.act import Act
from live.background import Pictures
from live.body import BodyStats
from live.character import Character
from live.crossfade import CrossFade
from live.errors import DeskError
from live.frames import Image, Label, Picture, Sighting
from live.ladder import LadderSettings, Rung
from live.look import Look, LookAt, untouched
from live.marks import Marks
from live.normalize import Normalizer
from live.timing import Timing


@dataclass(frozen=True, slots=True)
class _Standing:
    """A picture that may be frozen: bare, and with what marks it."""

    image: Image
    marks: Marks | None


class PictureMaker:
    """Turns what the pose stage found into what the audience sees, one after another."""

    def __init__(
        self,
        character: Character,
        timing: Timing,
        ladder: LadderSettings | None = None,
        look: LookAt = untouched,
        backdrops: Pictures | None = None,
    ) -> None:
        """`look` is asked once for each picture; `backdrops` has the operator's backgrounds."""
        self.rung: Rung = "neutral"  # of the newest picture
        self._timing = timing
        self._ladder = ladder
        self._look = look
        self._backdrops = backdrops
        self._stage = CrossFade(self._act(character), _close_elsewhere)
        self._coming: queue.SimpleQueue[tuple[Character, float]] = queue.SimpleQueue()
        self._standing: _Standing | None = None
        self._sequence = 0

    @property
    def character(self) -> Character:
        """The newest. From any thread, to be looked at."""
        return self._stage.act.character

    @property
    def normalizer(self) -> Normalizer:
        """The newest character's."""
        return self.character.normalizer

    @property
    def performer(self) -> BodyStats | None:
        """The performer's measures in use, whoever is shown; None before anybody was measured."""
        return self.normalizer.performer

    @property
    def label(self) -> Label | None:
        """What the newest character's generator was given last, for the operator to see."""
        return self._stage.act.label

    @property
    def novelty(self) -> float:
        """How far the pose is from what the newest character knows; 0 where nobody is followed."""
        return self._stage.act.novelty

    def use(self, performer: BodyStats) -> None:
        """Take a calibration made while the show runs: eased into, never jumped to. Any thread."""
        self.normalizer.use(performer)

    def forget_performer(self) -> None:
        """Measure the performer anew, from the next picture on. Any thread."""
        self.normalizer.forget()

    def get_ready(self, character: Character) -> None:
        """Make ahead what `character` will need here. On a thread that may wait."""
        look = self._look(self._timing.clock())
        if look.background == "picture" and self._backdrops is not None:
            with contextlib.suppress(DeskError):  # it was told when it was chosen
                self._backdrops.load(look.backdrop, character.stage)

    def swap(self, character: Character, fade_s: float) -> None:
        """Show `character`, which is ready, from the next picture on. Any thread.

        The one before fades out within `fade_s` seconds and is closed then, on another thread.
        """
        self._coming.put((character, fade_s))

    def make(self, sighting: Sighting, now_s: float) -> Picture:
        """The picture that answers `sighting` at `now_s`. Never fails: there is the plate."""
        look = self._look(now_s)
        self._let_in(now_s)
        image, self.rung = self._stage.picture(sighting, look, now_s)
        shown = _Standing(image, self.character.marks)
        if look.freeze and not look.panic and self._standing is not None:
            # What is behind it goes on, so that it is there at once when the freeze ends.
            shown, self.rung = self._standing, "held"
        elif not look.panic:
            self._standing = shown
        picture = Picture(
            self._finished(shown, look), sighting.captured_s, self._sequence, self.rung
        )
        self._sequence += 1
        self._timing.count(f"picture.{self.rung}")
        return picture

    def _let_in(self, now_s: float) -> None:
        while not self._coming.empty():  # only this thread takes
            character, fade_s = self._coming.get_nowait()
            self._stage.enter(self._act(character), now_s, fade_s)

    def _act(self, character: Character) -> Act:
        return Act(character, self._timing, self._ladder, self._backdrops)

    def _finished(self, shown: _Standing, look: Look) -> Image:
        """As bright as asked, then marked: the marks stay readable. `shown` stays as it is."""
        image = shown.image
        if look.master < 1:
            image = np.asarray(cv2.convertScaleAbs(image, alpha=look.master), np.uint8)
        if shown.marks is not None:
            with self._timing.section("mark"):
                image = image.copy() if image is shown.image else image
                shown.marks.add_to(image)
        return image


def _close_elsewhere(character: Character) -> None:
    """Freeing a net takes longer than a picture may."""
    threading.Thread(target=character.close, name="close character", daemon=True).start()
