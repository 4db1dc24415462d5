"""A picture stage for tests: a tiny subject, a performer built like it, and a look to be set."""

from __future__ import annotations

import datetime
from dataclasses import replace

from live.background import Pictures
from live.character import Character
from live.engines.base import Feeds
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.frames import Picture, Pose, Sighting
from live.generator import Generator
from live.ladder import LadderSettings
from live.look import Look
from live.mark_settings import MarkSettings
from live.marks import Marks
from live.normalize import Normalizer
from live.picture import PictureMaker
from live.smooth import Smoother
from live.subject import Subject
from live.timing import Timing
from tests.live.figures import placed
from tests.tiny_subject import standing

FRAME_S = 1 / 30
DAY = datetime.date(2026, 5, 4)
AT_ONCE = LadderSettings(return_s=0.0)
"""The figure is where the performer is from the first picture on."""


class Engine(OnnxRuntimeEngine):
    """The tiny generator's, which can be told to fail, and knows when it was closed."""

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject.generator, "tiny")
        self.fails = False
        self.closed = False

    def run(self, feeds: Feeds):  # type: ignore[no-untyped-def]  # noqa: ANN201
        if self.fails:
            raise RuntimeError("told to")
        return super().run(feeds)

    def close(self) -> None:
        self.closed = True
        super().close()


def character_of(
    subject: Subject, marks: MarkSettings | None = None, engine: Engine | None = None
) -> Character:
    """Opened as the stage does, without a rehearsal."""
    body, stage = subject.manifest.body, subject.manifest.stage_size
    return Character(
        subject,
        Generator(subject, engine or Engine(subject)),
        Normalizer(body, stage, performer=body, refine=False),
        Smoother(),
        Marks(marks, subject.sha256, stage, DAY) if marks else None,
    )


class Staged:
    """The picture stage, picture after picture, with one look that a test sets."""

    def __init__(self, character: Character, pictures: Pictures | None = None) -> None:
        self.look = Look()
        self.now_s = 0.0
        self.timing = Timing()
        self.maker = PictureMaker(
            character, self.timing, AT_ONCE, lambda now_s: self.look, pictures
        )
        self._body = character.subject.manifest.body
        self._stage = character.stage
        self._number = 0

    def set(self, **changed: object) -> None:
        self.look = replace(self.look, **changed)  # type: ignore[arg-type]

    def next(self, x: float = 0.0, seen: bool = True) -> Picture:
        """The next picture; the performer stands `x` stage heights from the middle."""
        self.now_s += FRAME_S
        self._number += 1
        there = placed(self._body, self._stage, standing(*self._stage), 1.0, x)
        pose = Pose(there.points, there.scores, self.now_s, there.size) if seen else None
        return self.maker.make(Sighting(pose, self.now_s, self._number), self.now_s)

    def play(self, seconds: float) -> Picture:
        """Go on for so long; the last picture."""
        for _ in range(max(round(seconds / FRAME_S), 1)):
            picture = self.next()
        return picture
