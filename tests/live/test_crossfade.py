"""One subject fades into another while the show runs: sizes, faults, and a third in between."""

from __future__ import annotations

import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from live.backdrops import Backdrops
from live.character import Character
from live.mark_settings import CaptionSettings, MarkSettings
from live.marks import Marks
from live.subject import Subject, load_subject
from tests.live.staged import DAY, FRAME_S, Engine, Staged, character_of
from tests.tiny_subject import write_tiny_subject

SIZE, STAGE = (96, 80), (128, 176)
OTHERS = {"same size": STAGE, "larger": (200, 200), "smaller, odd": (91, 121)}
FADE_S = 1.0


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return load_subject(write_tiny_subject(tmp_path_factory.mktemp("s") / "tiny", SIZE, STAGE))


def another(folder: Path, stage: tuple[int, int] = STAGE) -> Subject:
    """One whose plate is lighter, so that it can be told from the first."""
    found = load_subject(write_tiny_subject(folder, SIZE, stage))
    found.plate[:] = 220
    return found


def engine_of(character: Character) -> Engine:
    engine = getattr(character.generator._engine, "_engine")  # noqa: B009 (the carried state's)
    assert isinstance(engine, Engine)
    return engine


def brightness(image: np.ndarray) -> float:
    """Of the plate's corner: 90 of the first, 220 of the other."""
    return float(image[:8, :8, 0].mean())


def closed_soon(engine: Engine) -> bool:
    for thread in threading.enumerate():
        if thread.name == "close character":
            thread.join(10)
    return engine.closed


@pytest.mark.parametrize("stage", OTHERS.values(), ids=OTHERS)
def test_it_fades_from_one_into_the_other(
    subject: Subject, tmp_path: Path, stage: tuple[int, int]
) -> None:
    old, new = character_of(subject), character_of(another(tmp_path / "b", stage))
    staged = Staged(old)
    staged.play(0.5)
    staged.maker.swap(new, FADE_S)
    pictures = [staged.next() for _ in range(round(FADE_S / FRAME_S) + 3)]
    assert {one.image.shape for one in pictures} == {(*stage, 3)}, "the new one's size, at once"
    levels = [brightness(one.image) for one in pictures]
    assert levels == sorted(levels) and levels[0] < 95 and levels[-1] == 220
    assert max(np.diff(levels)) < 8, "130 levels in 30 pictures, eased"
    assert {one.rung for one in pictures} == {"generated"}
    assert closed_soon(engine_of(old)) and not engine_of(new).closed
    if stage == STAGE:  # elsewhere the performer stands otherwise in the picture
        alone = Staged(character_of(another(tmp_path / "c")))
        assert np.array_equal(staged.play(1.0).image, alone.play(1.0).image)


def test_the_new_one_stands_where_the_performer_does_from_the_first_picture(
    subject: Subject, tmp_path: Path
) -> None:
    """A cut: no way from the neutral pose, and the performer's measures are known."""
    staged = Staged(character_of(subject))
    for _ in range(30):
        before = staged.next(x=0.3)
    staged.maker.swap(character_of(subject), 0.0)
    assert np.array_equal(staged.next(x=0.3).image, before.image)


def test_the_performers_measures_carry_over(subject: Subject, tmp_path: Path) -> None:
    staged = Staged(character_of(subject))
    staged.maker.normalizer.refine = True
    staged.play(1.0)
    measured = staged.maker.performer
    new = character_of(another(tmp_path / "b"))
    staged.maker.swap(new, FADE_S)
    staged.next(seen=False)
    assert staged.maker.character is new and staged.maker.performer == measured


def test_a_third_one_comes_while_the_second_does_and_nothing_jumps(
    subject: Subject, tmp_path: Path
) -> None:
    cast = [character_of(subject), character_of(another(tmp_path / "b", (200, 200))),
            character_of(subject), character_of(another(tmp_path / "d"))]  # fmt: skip
    staged = Staged(cast[0])
    staged.play(0.5)
    levels = []
    for newcomer in cast[1:]:
        staged.maker.swap(newcomer, FADE_S)
        levels += [brightness(staged.next().image) for _ in range(12)]  # 40 % of a fade
    levels += [brightness(staged.next().image) for _ in range(40)]
    assert np.abs(np.diff(levels)).max() < 10
    assert levels[-1] == 220
    assert [closed_soon(engine_of(one)) for one in cast] == [True, True, True, False]


def test_two_that_come_at_once_the_last_one_counts(subject: Subject, tmp_path: Path) -> None:
    staged = Staged(character_of(subject))
    staged.play(0.2)
    unseen, shown = character_of(subject), character_of(another(tmp_path / "b"))
    staged.maker.swap(unseen, FADE_S)
    staged.maker.swap(shown, FADE_S)
    assert brightness(staged.next().image) < 95
    assert closed_soon(engine_of(unseen))
    assert brightness(staged.play(1.2).image) == 220


def test_where_the_old_one_fails_the_new_one_is_shown_at_once(
    subject: Subject, tmp_path: Path
) -> None:
    old = character_of(subject)
    staged = Staged(old)
    staged.play(0.3)
    staged.maker.swap(character_of(another(tmp_path / "b")), FADE_S)
    staged.play(0.2)
    engine_of(old).fails = True
    picture = staged.next()
    assert brightness(picture.image) == 220 and picture.rung == "generated"
    assert closed_soon(engine_of(old))


def test_where_the_new_one_fails_there_is_its_plate(subject: Subject, tmp_path: Path) -> None:
    new = character_of(another(tmp_path / "b"))
    staged = Staged(character_of(subject))
    staged.play(0.3)
    staged.maker.swap(new, FADE_S)
    staged.play(0.2)
    engine_of(new).fails = True
    picture = staged.play(1.5)
    assert picture.rung == "plate" and (picture.image == 220).all()


def test_panic_within_a_fade_is_the_background_alone(subject: Subject, tmp_path: Path) -> None:
    staged = Staged(character_of(subject))
    staged.play(0.3)
    staged.maker.swap(character_of(another(tmp_path / "b")), FADE_S)
    staged.play(0.2)
    staged.set(panic=True)
    picture = staged.next()
    assert picture.rung == "plate" and (picture.image == 220).all()


def test_a_frozen_picture_stays_as_it_is_while_another_comes(
    subject: Subject, tmp_path: Path
) -> None:
    marks = MarkSettings(CaptionSettings())
    staged = Staged(character_of(subject, marks))
    last = staged.play(0.3)
    staged.set(freeze=True)
    staged.maker.swap(character_of(another(tmp_path / "b", (200, 200)), marks), 0.2)
    for _ in range(20):
        assert np.array_equal(staged.next().image, last.image), "with its own marks, too"
    staged.set(freeze=False)
    assert staged.next().image.shape == (200, 200, 3)


def test_marks_are_the_new_ones_and_never_faded(subject: Subject, tmp_path: Path) -> None:
    settings = MarkSettings(CaptionSettings(opacity=1.0), watermark=False)
    new = another(tmp_path / "b", (200, 200))
    marked = Staged(character_of(subject, settings))
    bare = Staged(character_of(subject))
    marked.play(0.3), bare.play(0.3)
    marked.maker.swap(character_of(new, settings), FADE_S)
    bare.maker.swap(character_of(new), FADE_S)
    for _ in range(20):
        expected = bare.next().image.copy()
        Marks(settings, new.sha256, (200, 200), DAY).add_to(expected)
        assert np.array_equal(marked.next().image, expected)


def test_who_comes_before_an_operators_picture_comes_before_it_at_once(
    subject: Subject, tmp_path: Path
) -> None:
    """At another size: it was made before."""
    cv2.imwrite(str(tmp_path / "red.png"), np.full((50, 50, 3), (0, 0, 200), np.uint8))
    staged = Staged(character_of(subject), Backdrops(tmp_path))
    new = character_of(another(tmp_path / "b", (200, 200)))
    staged.set(background="picture", backdrop="red.png")
    staged.maker.get_ready(new)
    staged.maker.swap(new, 0.0)
    assert (staged.next().image[:8] == (200, 0, 0)).all()
