"""Opens a character: engine chosen and tried, everything warmed up, on whatever thread calls."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np

from live.act import Act
from live.body import BodyStats
from live.character import Character, neutral_label
from live.engines.choose import RETOUCH, open_engine
from live.frames import Label, Layer, Pose, Sighting
from live.generator import Generator
from live.look import Look
from live.mark_settings import MarkSettings
from live.marks import Marks
from live.normalize import Normalizer
from live.parts import PARTS, Part
from live.retouch import Retouch, retouch_side, trial_feeds
from live.smooth import Smoother
from live.subject import Subject
from live.timing import Timing

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CharacterSettings:
    """What every character of one show is opened with."""

    engine: str = "auto"  # one of live.engines.choose.ENGINES
    threads: int = 1  # of the generator on the CPU
    marks: MarkSettings | None = field(default_factory=MarkSettings)  # None: bare pictures


def open_character(
    subject: Subject, settings: CharacterSettings, performer: BodyStats | None = None
) -> Character:
    """The character, as fast from its first picture on as later.

    performer: whose measures are known already. Raises SetupError and SubjectError.
    """
    with ExitStack() as opened:
        generator = _generator(subject, settings)
        opened.callback(generator.close)
        retouches = []
        for retouch in _retouches(subject, settings, generator):
            opened.callback(retouch.close)
            retouches.append(retouch)
        marks = None if settings.marks is None else marks_of(settings.marks, subject)
        normalizer = Normalizer(subject.manifest.body, subject.manifest.stage_size, performer)
        character = Character(subject, generator, normalizer, Smoother(), marks, tuple(retouches))
        _rehearse(character)
        character.reset()
        opened.pop_all()
    return character


def _generator(subject: Subject, settings: CharacterSettings) -> Generator:
    chosen = open_engine(
        subject.generator,
        f"generator of {subject.origin}",
        settings.engine,
        settings.threads,
        {"label": neutral_label(subject).image[None]},
        small=subject.small,
    )
    log.info("%s", chosen.why)
    try:
        return Generator(subject, chosen.engine)
    except BaseException:
        chosen.engine.close()
        raise


def _retouches(
    subject: Subject, settings: CharacterSettings, generator: Generator
) -> Iterator[Retouch]:
    """Of the parts that the bundle has nets for; tried on what `generator` makes, which is reset.

    Whoever takes one closes it.
    """
    parts = [part for part in PARTS if part.name in subject.parts]
    if not parts:
        return
    label = neutral_label(subject)
    layer = generator.generate(label)
    generator.reset()
    for part in parts:
        yield _retouch(part, subject, settings, label, layer)


def _retouch(
    part: Part, subject: Subject, settings: CharacterSettings, label: Label, layer: Layer
) -> Retouch:
    chosen = open_engine(
        subject.parts[part.name],
        f"{part.name} net of {subject.origin}",
        settings.engine,
        settings.threads,
        trial_feeds(part, label, layer, retouch_side(part, subject)),
        role=RETOUCH,
    )
    log.info("%s net: %s", part.name, chosen.why)
    try:
        return Retouch(part, subject, chosen.engine)
    except BaseException:
        chosen.engine.close()
        raise


def marks_of(settings: MarkSettings, subject: Subject) -> Marks:
    """What every picture of the subject bears that leaves the machine."""
    today = datetime.datetime.now(datetime.UTC).date()
    return Marks(settings, subject.sha256, subject.manifest.stage_size, today)


def _rehearse(character: Character) -> None:
    """Two pictures that nobody sees: Numba compiles here, once per machine.

    The second is of somebody upside down: then the guard, which may be off, has to do, too.
    """
    act, pose = Act(character, Timing()), character.neutral
    upside_down = (pose.points - (0, pose.size[0])) * (1, -1)
    for number, points in enumerate((pose.points, upside_down.astype(np.float32))):
        now_s = number / 30
        found = Pose(points, pose.scores, now_s, pose.size)
        picture, _ = act.picture(Sighting(found, now_s, number), Look(guard=1.0), now_s)
        if character.marks is not None:
            character.marks.add_to(picture)
