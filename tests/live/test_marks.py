"""Both marks on what the picture stage makes: every rung bears them, each picture once."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from live.caption import Caption
from live.character import Character
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.frames import Image, Label, Layer, Picture, Pose, Sighting
from live.generator import Generator
from live.ladder import LadderSettings
from live.mark_settings import CaptionSettings, MarkSettings
from live.marks import Marks
from live.normalize import Normalizer
from live.picture import PictureMaker
from live.smooth import Smoother
from live.subject import Subject, load_subject
from live.timing import Timing
from tests.tiny_subject import standing, write_tiny_subject

DAY = datetime.date(2026, 5, 4)
SIZE, STAGE = (64, 64), (256, 256)


class Failing(Generator):
    """A generator that can be told to fail."""

    fails = False

    def generate(self, label: Label) -> Layer:
        if self.fails:
            raise RuntimeError("told to")
        return super().generate(label)


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return load_subject(write_tiny_subject(tmp_path_factory.mktemp("s") / "tiny", SIZE, STAGE))


class Stage:
    """One picture stage with these marks."""

    def __init__(self, subject: Subject, marks: MarkSettings | None) -> None:
        self.timing = Timing()
        self.generator = Failing(subject, OnnxRuntimeEngine(subject.generator, "tiny"))
        body = subject.manifest.body
        character = Character(
            subject,
            self.generator,
            Normalizer(body, STAGE, performer=body, refine=False),
            Smoother(),
            Marks(marks, subject.sha256, STAGE, DAY) if marks else None,
        )
        self.maker = PictureMaker(character, self.timing, LadderSettings())

    def picture(self, now_s: float) -> Picture:
        pose = Pose(*standing(*STAGE), now_s, STAGE)
        return self.maker.make(Sighting(pose, now_s, 0), now_s)


def marked_once(bare: Image, subject: Subject, marks: MarkSettings) -> Image:
    copy = bare.copy()
    Marks(marks, subject.sha256, STAGE, DAY).add_to(copy)
    return copy


@pytest.mark.parametrize(
    "marks",
    [MarkSettings(), MarkSettings(None), MarkSettings(CaptionSettings(), False)],
    ids=["both", "watermark", "caption"],
)
def test_every_picture_of_every_rung_is_marked_once(subject: Subject, marks: MarkSettings) -> None:
    bare, stage = Stage(subject, None), Stage(subject, marks)
    for now_s in (0.0, 0.1):
        unmarked, picture = bare.picture(now_s), stage.picture(now_s)
        assert picture.rung == "generated"
        assert np.array_equal(picture.image, marked_once(unmarked.image, subject, marks))
    stage.generator.fails = True
    held = [stage.picture(0.2 + number / 30) for number in range(3)]
    assert {one.rung for one in held} == {"held"}
    assert all(np.array_equal(one.image, picture.image) for one in held)
    empty = [stage.picture(5.0 + number) for number in range(3)]
    assert {one.rung for one in empty} == {"plate"}
    for one in empty:
        assert np.array_equal(one.image, marked_once(subject.plate, subject, marks))
    assert "mark" in stage.timing.spreads()


def test_the_subjects_plate_stays_as_it_is(subject: Subject) -> None:
    before = subject.plate.copy()
    Stage(subject, MarkSettings()).picture(0.0)
    assert np.array_equal(subject.plate, before)


def test_the_visible_mark_is_there_under_the_other(subject: Subject) -> None:
    bare, both = Stage(subject, None), Stage(subject, MarkSettings())
    box = Caption(CaptionSettings(), STAGE).box
    change = np.abs(both.picture(0.0).image.astype(int) - bare.picture(0.0).image)
    assert change[box].max() > 60
    change[box] = 0
    assert change.max() <= 8


def test_the_status_tells_which_marks_there_are(subject: Subject) -> None:
    both = Marks(MarkSettings(), subject.sha256, STAGE, DAY)
    assert both.says() == {
        "visible": "generated",
        "watermark": {"subject": subject.sha256[:6], "day": "2026-05-04"},
    }
    none = Marks(MarkSettings(None, False), subject.sha256, STAGE, DAY)
    assert none.says() == {"visible": None, "watermark": None}
    picture = subject.plate.copy()
    none.add_to(picture)
    assert np.array_equal(picture, subject.plate)
