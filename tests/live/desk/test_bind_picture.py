"""Orders at the desk reach the picture stage, and what fails there is undone at the desk."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from live.backdrops import Backdrops
from live.cast import Cast
from live.character_open import CharacterSettings, open_character
from live.desk.bind_picture import bind
from live.desk.desk import Desk
from live.desk.look_of import DeskLook
from live.desk.parameters import Kind, Value
from live.errors import DeskError
from live.frames import Frame, Picture, Pose, Sighting
from live.look import Look
from live.options import parse
from live.picture import PictureMaker
from live.subject import load_subject
from live.timing import Timing
from tests.live.test_backdrops import fetched, write
from tests.test_no_leak import FAULTS, Clock, Control, Driven
from tests.test_no_leak import no_waiting as no_waiting
from tests.tiny_subject import standing, write_tiny_subject

STAGE, OTHER = (128, 128), (160, 144)
PATIENCE_S = 60.0
MARKED, BARE = CharacterSettings("cpu"), CharacterSettings("cpu", marks=None)


@dataclass
class Bound:
    desk: Desk
    painter: PictureMaker
    cast: Cast
    backdrops: Backdrops
    readings: Callable[[], dict[str, Value]]
    now_s: float = 0.0

    def picture(self) -> np.ndarray:
        self.now_s += 1 / 30
        pose = Pose(*standing(*STAGE), self.now_s, STAGE)
        return self.painter.make(Sighting(pose, self.now_s, 0), self.now_s).image

    def read(self) -> dict[str, Value]:
        return self.readings()


def bound(
    folder: Path,
    backdrops: Path | None,
    settings: CharacterSettings = MARKED,
    clock: Callable[[], float] = time.monotonic,
) -> Bound:
    folder.mkdir(exist_ok=True)
    bundles = {"one": folder / "one", "two": folder / "two"}
    for name, path in bundles.items():
        write_tiny_subject(path, stage=STAGE if name == "one" else OTHER)
    desk = Desk(clock=clock)
    character = open_character(load_subject(bundles["one"]), settings)
    pictures = Backdrops(backdrops)
    painter = PictureMaker(character, Timing(), look=DeskLook(desk), backdrops=pictures)
    cast = Cast(bundles, "one", painter, settings)
    return Bound(desk, painter, cast, pictures, bind(desk, painter, cast, pictures))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Bound]:
    folder = tmp_path / "backdrops"
    folder.mkdir()
    write(folder / "blue.png", (0, 0, 200))
    write(folder / "red.png", (200, 0, 0))
    made = bound(tmp_path, folder, BARE)
    yield made
    made.cast.close()


def test_the_desk_begins_with_who_is_shown_and_what_there_is(stage: Bound) -> None:
    assert stage.desk.value("subject") == "one"
    assert stage.desk.value("background.picture") == "blue.png"
    offers = stage.desk.offers()
    assert offers["subject"] == ("one", "two")
    assert offers["background.picture"] == ("blue.png", "red.png")


def test_a_subject_is_changed_from_the_desk(stage: Bound) -> None:
    stage.picture()
    stage.desk.set("subject.fade", 0, by="test")
    stage.desk.set("subject", "two", by="test")
    assert stage.cast.wait(PATIENCE_S)
    assert stage.picture().shape == (*OTHER, 3)
    assert stage.desk.value("subject") == "two" == stage.cast.running
    assert stage.read()["subject.loading"] == ""


def test_the_desk_goes_back_where_a_subject_fails(stage: Bound) -> None:
    (stage.cast.path("two") / "plate.png").unlink()
    stage.desk.set("subject", "two", by="test")
    assert stage.cast.wait(PATIENCE_S)
    stage.read()
    assert stage.desk.value("subject") == "one"
    with pytest.raises(DeskError):
        stage.desk.set("subject", "three", by="test")


def test_a_backdrop_is_shown_and_a_broken_one_changes_nothing(stage: Bound) -> None:
    stage.picture()
    stage.desk.set("background", "picture", by="test")
    stage.picture()
    fetched(stage.backdrops, "blue.png")
    stage.backdrops.load("blue.png", STAGE)
    assert (stage.picture()[0] == (0, 0, 200)).all()
    folder = stage.backdrops._folder
    assert folder is not None
    (folder / "red.png").write_text("broken")
    stage.desk.set("background.picture", "red.png", by="test")
    for _ in range(3):
        assert (stage.picture()[0] == (0, 0, 200)).all()
        fetched(stage.backdrops, "red.png")
    assert stage.desk.value("background.picture") == "blue.png"
    (folder / "red.png").unlink()
    with pytest.raises(DeskError, match="no backdrop"):
        stage.desk.set("background.picture", "red.png", by="test")
    assert stage.desk.offers()["background.picture"] == ("blue.png",)
    assert (stage.picture()[0] == (0, 0, 200)).all()


def test_without_pictures_there_is_no_such_background(tmp_path: Path) -> None:
    made = bound(tmp_path, None)
    with pytest.raises(DeskError, match="--backdrops"):
        made.desk.set("background", "picture", by="test")
    assert made.desk.value("background") == "plate"
    made.cast.close()


def test_the_command_lines_wishes_are_set_from_the_beginning() -> None:
    look = DeskLook(Desk(parse(["--demo", "--mirror", "--lead-ms", "80"]).first()))(0.0)
    assert look.mirror and look.lead_s == pytest.approx(0.08)
    assert DeskLook(Desk(parse(["--demo"]).first()))(0.0) == Look()


def test_resume_ends_panic_and_freeze(stage: Bound) -> None:
    before = stage.picture()
    stage.desk.set_many({"panic": True, "freeze": True}, by="test")
    assert not np.array_equal(stage.picture(), before)
    stage.desk.do("resume", by="test")
    assert not stage.desk.value("panic") and not stage.desk.value("freeze")
    assert not np.array_equal(stage.picture(), stage.painter.character.plate)


def test_the_performer_is_forgotten(stage: Bound) -> None:
    stage.picture()
    known = stage.painter.performer
    stage.desk.do("normalize.forget", by="test")
    small = Pose(standing(*STAGE)[0] * 0.5, standing(*STAGE)[1], 9.0, STAGE)
    stage.painter.make(Sighting(small, 9.0, 0), 9.0)
    after = stage.painter.performer
    assert known is not None and after is not None
    assert after.height_near == pytest.approx(known.height_near / 2, rel=0.05)


def test_readings_are_the_tables(stage: Bound) -> None:
    stage.picture()
    stage.desk.report(stage.read())
    assert stage.desk.value("rung") == "generated"
    assert float(stage.desk.value("novelty")) >= 0


@pytest.mark.usefixtures("no_waiting")
def test_no_control_lets_the_cameras_picture_through(tmp_path: Path) -> None:
    """The show with every fault while somebody turns every knob: what leaves is the same, to the
    last bit, whatever the camera shows."""
    folder = tmp_path / "backdrops"
    folder.mkdir()
    write(folder / "blue.png", (0, 0, 200))
    shown = [played(tmp_path / name, folder, blind) for name, blind in (("a", False), ("b", True))]
    assert {one.rung for one in shown[0]} == {"generated", "held", "neutral", "plate"}
    assert len({one.image.shape for one in shown[0]}) == 2, "both subjects"
    for one, other in zip(*shown, strict=True):
        assert one.rung == other.rung and np.array_equal(one.image, other.image)


def played(folder: Path, backdrops: Path, blind: bool) -> list[Picture]:
    """What leaves a show of 600 frames; `blind`: the camera's are black."""
    clock = Clock()
    stage = bound(folder, backdrops, BARE, clock)
    for size in (STAGE, OTHER):
        stage.backdrops.load("blue.png", size)
    driven = Driven(stage.painter.character.subject, Control(), seed=6)
    driven.clock = driven.show._timing.clock = clock
    driven.show._paint = stage.painter
    orders = every_order(stage.desk)
    left: list[Picture] = []
    setattr(driven.eyes, "see", left.append)  # noqa: B010 (mypy refuses `=`)
    frame = driven._frame
    if blind:
        driven._frame = lambda: blackened(frame())  # type: ignore[method-assign]
    for number in range(600):
        if number % 3 == 0:
            name, value = orders[driven.rng.integers(len(orders))]
            fade_s = float(driven.rng.choice([0, 0.2]))
            stage.desk.set(name, value, by="test", fade_s=fade_s)
            assert stage.cast.wait(PATIENCE_S)
        if number % 40 == 0:
            driven.trouble.now = FAULTS[driven.rng.integers(len(FAULTS))]
        driven.turn()
    driven.close()
    stage.cast.close()
    return left


def blackened(frame: Frame) -> Frame:
    return Frame(np.zeros_like(frame.image), frame.captured_s, frame.sequence)


def every_order(desk: Desk) -> list[tuple[str, object]]:
    """Each parameter of the picture stage at its ends, and each of its choices."""
    orders: list[tuple[str, object]] = []
    for one in desk.parameters():
        if one.group in ("cues", "tempo", "recording") or not one.settable:
            continue
        if one.kind is Kind.NUMBER:
            orders += [(one.name, one.low), (one.name, one.high), (one.name, one.default)]
        elif one.kind is Kind.SWITCH:
            orders += [(one.name, True), (one.name, False), (one.name, False)]
        elif one.kind is Kind.CHOICE:
            orders += [(one.name, choice) for choice in desk.offers()[one.name]]
    return orders
