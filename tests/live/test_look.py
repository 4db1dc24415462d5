"""What the operator sets acts in the very next picture, whatever the figure is doing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from live.backdrops import Backdrops
from live.frames import Image, Pose, Sighting
from live.look import Look
from live.mark_settings import CaptionSettings, MarkSettings
from live.marks import Marks
from live.picture import PictureMaker
from live.skeleton import GROUPS
from live.subject import Subject, load_subject
from live.timing import Timing
from tests.live.staged import DAY, Engine, Staged, character_of
from tests.tiny_subject import PLATE_RGB, standing, write_tiny_subject

SIZE, STAGE = (192, 160), (256, 352)


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return load_subject(write_tiny_subject(tmp_path_factory.mktemp("s") / "tiny", SIZE, STAGE))


def figure(image: Image) -> tuple[int, int, int, int]:
    """(top, bottom, left, right) of what is not the plate."""
    seen = np.abs(image.astype(int) - PLATE_RGB).max(axis=2) > 12
    rows, columns = np.nonzero(seen.any(axis=1))[0], np.nonzero(seen.any(axis=0))[0]
    return int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])


CHANGES: dict[str, dict[str, object]] = {
    "mirror": {"mirror": True},
    "smoothing": {"smoothing": 1.0},
    "lead": {"lead_s": 0.2},
    "normalize scale": {"normalize_scale": 1.2},
    "normalize x": {"normalize_x": 0.1},
    "normalize y": {"normalize_y": -0.05},
    "opacity": {"figure_opacity": 0.5},
    "figure scale": {"figure_scale": 1.3},
    "figure x": {"figure_x": -0.1},
    "figure y": {"figure_y": 0.1},
    "colour": {"background": "colour", "colour": (10, 20, 30)},
    "green": {"background": "green"},
    "master": {"master": 0.5},
    "panic": {"panic": True},
}


@pytest.mark.parametrize("name", CHANGES)
def test_it_acts_in_the_very_next_picture(subject: Subject, name: str) -> None:
    touched, twin = Staged(character_of(subject)), Staged(character_of(subject))
    for number in range(20):
        x = 0.01 * number
        assert np.array_equal(touched.next(x).image, twin.next(x).image)
    touched.set(**CHANGES[name])
    assert not np.array_equal(touched.next(0.25).image, twin.next(0.25).image)


@pytest.mark.parametrize("seen", [True, False], ids=["followed", "lost"])
@pytest.mark.parametrize("name", ["opacity", "figure scale", "figure x", "green", "master"])
def test_it_acts_whether_somebody_is_followed_or_not_and_back(
    subject: Subject, name: str, seen: bool
) -> None:
    touched, twin = Staged(character_of(subject)), Staged(character_of(subject))
    touched.play(0.5), twin.play(0.5)
    touched.set(**CHANGES[name])
    assert not np.array_equal(touched.next(seen=seen).image, twin.next(seen=seen).image)
    touched.look = Look()
    assert np.array_equal(touched.next(seen=seen).image, twin.next(seen=seen).image)


def test_it_acts_while_the_last_good_figure_is_held(subject: Subject) -> None:
    engine = Engine(subject)
    staged = Staged(character_of(subject, engine=engine))
    good = staged.play(0.5).image
    engine.fails = True
    held = staged.next()
    assert held.rung == "held" and np.array_equal(held.image, good)
    staged.set(figure_opacity=0.0)
    assert np.array_equal(staged.next().image, subject.plate)


def test_the_finished_figure_grows_about_its_feet_and_the_generator_sees_nothing_of_it(
    subject: Subject,
) -> None:
    staged = Staged(character_of(subject))
    top, bottom, left, right = figure(staged.play(1.0).image)
    label = staged.maker.label
    staged.set(figure_scale=0.5)
    half_top, half_bottom, half_left, half_right = figure(staged.next().image)
    assert staged.maker.label is not None and label is not None
    assert np.array_equal(staged.maker.label.image, label.image)
    assert abs(bottom - half_bottom) <= 8, "the feet stay, but for the shoes below the ankles"
    assert (half_bottom - half_top) == pytest.approx((bottom - top) / 2, abs=2)
    assert abs((left + right) - (half_left + half_right)) <= 4


def test_the_finished_figure_moves_by_stage_heights(subject: Subject) -> None:
    staged = Staged(character_of(subject))
    top, bottom, left, right = figure(staged.play(1.0).image)
    staged.set(figure_x=0.125, figure_y=-0.0625)
    assert figure(staged.next().image) == (top - 16, bottom - 16, left + 32, right + 32)


def test_without_opacity_there_is_the_background_and_half_of_it_is_half(subject: Subject) -> None:
    staged = Staged(character_of(subject))
    whole = staged.play(1.0).image.astype(int)
    staged.set(figure_opacity=0.5)
    half = staged.next().image.astype(int)
    assert np.abs(half - (whole + subject.plate) / 2).mean() < 0.1
    assert (half != whole).any()
    staged.set(figure_opacity=0.0)
    assert np.array_equal(staged.next().image, subject.plate)


def test_left_and_right_change_places_at_once(subject: Subject) -> None:
    staged = Staged(character_of(subject))
    for _ in range(30):
        straight = staged.next(x=0.2).image
    staged.set(mirror=True)
    crossed = staged.next(x=0.2).image
    # The tiny figure is symmetric but for its colours, which tell its own left and right.
    assert figure(crossed[:, ::-1]) == pytest.approx(figure(straight), abs=2)


def test_the_face_is_not_drawn_where_it_is_switched_off(subject: Subject) -> None:
    character, face = character_of(subject), np.array(GROUPS["face"])
    assert set(face.tolist()) <= set(character.unknown.tolist())
    character.unknown = np.setdiff1d(character.unknown, face)  # as if its footage had shown a face
    staged = Staged(character)
    points, scores = standing(*STAGE)
    points[face], scores[face] = points[0] + np.linspace(-8, 8, 12).reshape(6, 2), 1.0

    def label(now_s: float) -> Image:
        pose = Pose(points, scores, now_s, STAGE)
        staged.maker.make(Sighting(pose, now_s, 0), now_s)
        assert staged.maker.label is not None
        return staged.maker.label.image

    for number in range(10):
        shown = label(number / 30)
    staged.set(face=False)
    assert not np.array_equal(label(10 / 30), shown)
    staged.set(face=True)
    assert np.array_equal(label(11 / 30), shown)


def test_a_change_of_smoothing_does_not_make_the_figure_jump(subject: Subject) -> None:
    staged, twin = Staged(character_of(subject)), Staged(character_of(subject))
    staged.play(1.0), twin.play(1.0)
    for smoothing in (0.0, 1.0, 0.3):
        staged.set(smoothing=smoothing)
        assert np.array_equal(staged.next().image, twin.next().image), "who stands still, stays"


def test_freeze_holds_the_picture_and_the_stream_goes_on(subject: Subject) -> None:
    staged = Staged(character_of(subject, MarkSettings()))
    last = staged.play(1.0)
    staged.set(freeze=True)
    frozen = [staged.next(x=0.05 * number) for number in range(10)]
    assert all(np.array_equal(one.image, last.image) for one in frozen)
    assert {one.rung for one in frozen} == {"held"}
    assert [one.sequence for one in frozen] == list(range(last.sequence + 1, last.sequence + 11))
    assert frozen[-1].captured_s > last.captured_s
    staged.set(freeze=False)
    assert not np.array_equal(staged.next(x=0.5).image, last.image)


def test_panic_wins_over_freeze_and_leaves_it_as_it_was(subject: Subject) -> None:
    staged = Staged(character_of(subject))
    last = staged.play(1.0)
    staged.set(freeze=True)
    staged.next(0.2)
    staged.set(panic=True)
    panicked = staged.next(0.2)
    assert panicked.rung == "plate" and np.array_equal(panicked.image, subject.plate)
    staged.set(background="green")
    assert (staged.next().image == (0, 177, 64)).all(), "the background that is chosen"
    staged.set(panic=False)
    assert np.array_equal(staged.next(0.2).image, last.image)


def test_a_freeze_before_the_first_picture_shows_it(subject: Subject) -> None:
    staged = Staged(character_of(subject))
    staged.set(freeze=True)
    assert np.array_equal(staged.next().image, staged.next(0.3).image)


def test_after_panic_the_figure_is_where_the_performer_is(subject: Subject) -> None:
    staged, twin = Staged(character_of(subject)), Staged(character_of(subject))
    staged.play(0.5), twin.play(0.5)
    staged.set(panic=True)
    for number in range(10):
        staged.next(0.02 * number), twin.next(0.02 * number)
    staged.set(panic=False)
    assert np.array_equal(staged.next(0.2).image, twin.next(0.2).image)


@pytest.mark.parametrize("changed", [{"master": 0.0}, {"master": 0.0, "freeze": True},
                                     {"master": 0.0, "panic": True}])  # fmt: skip
def test_marks_are_readable_on_black(subject: Subject, changed: dict[str, object]) -> None:
    staged = Staged(character_of(subject, MarkSettings(CaptionSettings())))
    staged.play(0.3)
    staged.set(**changed)
    black = np.zeros((*STAGE, 3), np.uint8)
    Marks(MarkSettings(CaptionSettings()), subject.sha256, STAGE, DAY).add_to(black)
    assert black.max() > 60
    assert np.array_equal(staged.next().image, black)


def test_an_operators_picture_stands_behind_the_figure(subject: Subject, tmp_path: Path) -> None:
    left = np.zeros((64, 64, 3), np.uint8)
    left[:, :, 2] = 200  # BGR: red
    cv2.imwrite(str(tmp_path / "red.png"), left)
    backdrops = Backdrops(tmp_path)
    staged = Staged(character_of(subject), backdrops)
    staged.play(0.3)
    backdrops.load("red.png", STAGE)
    staged.set(background="picture", backdrop="red.png")
    image = staged.next().image
    assert (image[:10] == (200, 0, 0)).all()
    assert not (image == (200, 0, 0)).all()
    staged.set(backdrop="gone.png")
    assert np.array_equal(staged.next().image, image), "what stood there stays"


def test_who_learns_no_more_keeps_what_was_learnt(subject: Subject) -> None:
    character = character_of(subject)
    character.normalizer.refine = True
    staged = Staged(character)
    staged.play(0.5)
    staged.set(refine=False)
    staged.next()
    before = staged.maker.performer
    for _ in range(30):  # somebody half as far away
        points, scores = standing(*STAGE)
        staged.now_s += 1 / 30
        pose = Pose(points * 0.7, scores, staged.now_s, STAGE)
        staged.maker.make(Sighting(pose, staged.now_s, 0), staged.now_s)
    assert staged.maker.performer == before
    staged.set(refine=True)
    staged.play(1.0)
    assert staged.maker.performer != before


def test_a_performer_can_be_forgotten(subject: Subject) -> None:
    staged = Staged(character_of(subject))
    staged.play(0.2)
    staged.maker.forget_performer()
    staged.next(seen=False)
    assert staged.maker.performer is not None, "with the next pose"
    measured = replace(subject.manifest.body, height_near=0.5)
    staged.maker.use(measured)
    assert staged.maker.normalizer.performer != measured, "eased into"
    staged.maker.forget_performer()
    staged.next()
    assert staged.maker.performer is not None


def test_the_novelty_is_told_and_nought_where_nobody_is(subject: Subject) -> None:
    staged = Staged(character_of(subject))
    staged.play(0.3)
    known = staged.maker.novelty
    points, scores = standing(*STAGE)
    points[4], points[7] = points[0] + (-60, -40), points[0] + (60, -40)  # arms up
    now_s = staged.now_s + 0.5
    staged.maker.make(Sighting(Pose(points, scores, now_s, STAGE), now_s, 0), now_s)
    assert staged.maker.novelty > known
    staged.next(seen=False)
    assert staged.maker.novelty == 0
    assert staged.timing.spreads()["novelty"].count > 1


def test_without_a_look_a_character_moves_as_it_was_made_to(subject: Subject) -> None:
    """As tools and training use the stage: mirror and lead are the character's own."""
    character = character_of(subject)
    character.normalizer.mirror = True
    maker = PictureMaker(character, Timing())
    points, scores = standing(*STAGE)
    for number in range(3):
        now_s = number / 30
        maker.make(Sighting(Pose(points, scores, now_s, STAGE), now_s, number), now_s)
    assert character.normalizer.mirror and not character.normalizer.refine
