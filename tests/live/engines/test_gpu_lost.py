"""A GPU that vanishes or fills up while the show runs: the audience sees the subject go on."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from live.character import Character, neutral_label
from live.engines.choose import open_engine
from live.engines.failover import FailoverEngine
from live.frames import Picture, Pose, Sighting
from live.generator import Generator
from live.normalize import Normalizer
from live.picture import PictureMaker
from live.smooth import Smoother
from live.subject import Subject, load_subject
from live.timing import Timing
from tests.live.engines.machines import FullLater, on
from tests.live.figures import placed
from tests.tiny_subject import standing, write_tiny_subject

SIZE, STAGE = (96, 80), (128, 176)


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return load_subject(write_tiny_subject(tmp_path_factory.mktemp("s") / "tiny", SIZE, STAGE))


class Stage:
    """The picture stage on a GPU that can be taken away, and a performer who sways."""

    def __init__(self, subject: Subject) -> None:
        self.cuda = FullLater()
        label = neutral_label(subject).image[None]
        chosen = open_engine(
            subject.generator, "the generator", "tensorrt", 1, {"label": label},
            {"tensorrt": on(self.cuda)},
        )  # fmt: skip
        assert isinstance(chosen.engine, FailoverEngine)
        self.engine = chosen.engine
        self.body = subject.manifest.body
        self.timing = Timing()
        character = Character(
            subject,
            Generator(subject, self.engine),
            Normalizer(self.body, STAGE, performer=self.body, refine=False),
            Smoother(),
        )
        self.maker = PictureMaker(character, self.timing)
        self.frame = 0

    def play(self, frames: int) -> list[Picture]:
        pictures = []
        for _ in range(frames):
            now_s = self.frame / 30
            pose = placed(self.body, STAGE, standing(*STAGE), 0.6, 0.1 * np.sin(now_s))
            found = Pose(pose.points, pose.scores, now_s, pose.size)
            pictures.append(self.maker.make(Sighting(found, now_s, self.frame), now_s))
            self.frame += 1
        return pictures


@pytest.mark.parametrize("how", ["gone", "full"])
def test_the_ladder_holds_and_the_cpu_takes_over_aloud(
    subject: Subject, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    stage, twin = Stage(subject), Stage(subject)
    assert stage.engine.name == "tensorrt"
    before, expected = stage.play(20), twin.play(20)
    caplog.clear()
    setattr(stage.cuda, how, True)
    after, expected = stage.play(20), twin.play(20)
    assert {picture.rung for picture in (*before, *after)} == {"generated"}, "nothing is lost"
    for one, other in zip(after, expected, strict=True):
        np.testing.assert_array_equal(one.image, other.image)
    assert stage.engine.failed_over and stage.engine.name == "onnxruntime-cpu"
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(said) == 1, "aloud, and once"
    assert said[0].startswith("tensorrt failed in the show (the generator on tensorrt: ")
    assert said[0].endswith("; the generator goes on with onnxruntime-cpu, slower")


def test_where_the_cpu_fails_too_the_ladder_ends_at_the_plate(
    subject: Subject, caplog: pytest.LogCaptureFixture
) -> None:
    """The last picture for half a second, then the empty room, and never the camera's picture."""
    stage = Stage(subject)
    last = stage.play(20)[-1].image
    stage.cuda.gone = True
    stage.engine.close()  # whatever could compute is gone
    pictures = stage.play(30)
    rungs = [picture.rung for picture in pictures]
    assert set(rungs) == {"held", "plate"} and rungs == sorted(rungs)
    for picture in pictures:
        shown = last if picture.rung == "held" else subject.plate
        np.testing.assert_array_equal(picture.image, shown)
    assert "the generator failed" in caplog.text


def test_a_bundle_with_an_engine_of_its_own_is_refused(tmp_path: Path) -> None:
    """Engines are never trusted from elsewhere: a bundle has no place for one."""
    from live.errors import SubjectError
    from live.subject import add_to_subject

    bundle = write_tiny_subject(tmp_path / "tiny", SIZE, STAGE)
    with pytest.raises(SubjectError, match=r"unknown \['generator.engine'\]"):
        add_to_subject(bundle, "generator.engine", b"from elsewhere")
