"""Nets of parts on stage: they change their squares alone, and the show outlives them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from live.act import Act
from live.character import Character, neutral_label
from live.character_open import CharacterSettings, open_character
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.errors import SubjectError
from live.frames import Label, Layer, Pose, Region, Sighting
from live.generator import FADE_PX
from live.ladder import LadderSettings
from live.look import Look
from live.parts import FACE, HANDS, PARTS, Part
from live.report import table
from live.retouch import Retouch, trial_feeds
from live.show import Summary
from live.skeleton import INDEX
from live.subject import Subject, load_subject
from live.timing import Timing
from tests.tiny_part import PAINT, add_net, painting_net
from tests.tiny_subject import standing, write_tiny_subject

STAGE = (128, 128)
SIDE = 32
SETTINGS = CharacterSettings("cpu", marks=None)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return load_subject(write_tiny_subject(tmp_path_factory.mktemp("s") / "tiny", stage=STAGE))


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    bundle = write_tiny_subject(tmp_path_factory.mktemp("s") / "faced", stage=STAGE)
    return load_subject(add_net(bundle, painting_net(SIDE)))


def pose_at(number: int, head: bool = True) -> Pose:
    points, scores = standing(*STAGE)
    if not head:
        for name in ("nose", "right_eye", "left_eye", "right_ear", "left_ear"):
            scores[INDEX[name]] = 0
    return Pose(points + number, scores, number / 30, STAGE)


def played(character: Character, head: bool = True, timing: Timing | None = None) -> list:
    act = Act(character, timing or Timing(), LadderSettings(return_s=0.0))
    pictures = []
    for number in range(4):
        now_s = number / 30
        sighting = Sighting(pose_at(number, head), now_s, number)
        pictures.append((act.picture(sighting, Look(), now_s)[0], act.label))
    return pictures


def blank(level: int = 9) -> Layer:
    return Layer(np.full((64, 64, 4), level, np.uint8), Region(0, 0, 64, 64))


def label_with(part: Part, *corners: tuple[int, int], strengths: tuple[float, ...] = ()) -> Label:
    return Label(
        np.zeros((64, 64, 3), np.uint8), 0.0, Region(0, 0, 64, 64),
        {part.name: corners}, {part.name: strengths} if strengths else {},
    )  # fmt: skip


class Broken(OnnxRuntimeEngine):
    """A face net's engine that can be told to fail."""

    fails = True

    def run(self, feeds):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        if self.fails:
            raise RuntimeError("told to")
        return super().run(feeds)


def test_a_face_net_changes_the_heads_square_and_only_that(
    plain: Subject, subject: Subject
) -> None:
    with_face, without = (open_character(one, SETTINGS) for one in (subject, plain))
    assert len(with_face.retouches) == 1 and without.retouches == ()
    for (picture, label), (bare, same) in zip(played(with_face), played(without), strict=True):
        assert label is not None and same is not None and same.squares == {}
        ((top, left),) = label.squares["face"]
        region, scale = label.region, label.region.height / 64
        changed = np.argwhere((picture != bare).any(2))
        low = np.array([region.y + top * scale, region.x + left * scale])
        assert len(changed) > 100
        assert (changed >= np.floor(low) - 2).all()  # bicubic scaling reaches two pixels further
        assert (changed <= np.ceil(low + SIDE * scale) + 2).all()
        middle = np.round(low + SIDE * scale / 2).astype(int)
        assert np.abs(picture[middle[0], middle[1]].astype(int) - PAINT[:3]).max() <= 1
    with_face.close()
    with_face.close()


def test_the_generator_is_not_fed_what_the_face_net_makes(plain: Subject, subject: Subject) -> None:
    """Below the head both show the same, picture after picture."""
    with_face, without = (open_character(one, SETTINGS) for one in (subject, plain))
    for (picture, label), (bare, _) in zip(played(with_face), played(without), strict=True):
        assert label is not None
        ((top, _),) = label.squares["face"]
        low = label.region.y + (top + SIDE) * label.region.height / 64 + 3
        assert np.array_equal(picture[round(low) :], bare[round(low) :])


def test_without_a_head_nothing_is_changed(plain: Subject, subject: Subject) -> None:
    timing = Timing()
    with_face, without = (open_character(one, SETTINGS) for one in (subject, plain))
    headless = played(with_face, head=False, timing=timing)
    for (picture, label), (bare, _) in zip(headless, played(without, head=False), strict=True):
        assert label is not None and label.squares == {"face": ()}
        assert np.array_equal(picture, bare)
    assert timing.counts().get("face.failed", 0) == 0


@pytest.mark.parametrize("corner", [(0, 0), (0, 32), (32, 0), (32, 32), (7, 11)])
@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_a_square_at_the_border_is_whole(
    subject: Subject, part: Part, corner: tuple[int, int]
) -> None:
    net = Retouch(part, subject, OnnxRuntimeEngine(painting_net(SIDE, part=part), "net"))
    layer = blank()
    net.correct(label_with(part, corner), layer)
    inside = np.zeros((64, 64), bool)
    inside[corner[0] : corner[0] + SIDE, corner[1] : corner[1] + SIDE] = True
    assert (layer.rgba[inside] == PAINT).all() and (layer.rgba[~inside] == 9).all()
    net.close()


@pytest.mark.parametrize(
    "look",
    [
        Look(),
        Look(face=False),
        Look(mirror=True),
        Look(guard=1.0),
        Look(normalize_x=0.2, normalize_scale=0.8),
        Look(smoothing=1.0, lead_s=0.1),
    ],
)
def test_the_square_is_where_the_head_is_drawn(subject: Subject, look: Look) -> None:
    """Whatever the operator does to the pose: what is drawn highest, the eyes, is in its middle."""
    act = Act(open_character(subject, SETTINGS), Timing())
    for number in range(4):
        points, scores = standing(*STAGE)
        points += (5 * number - 25, 0)  # aside, so that a mirror would be noticed
        pose = Pose(points.astype(np.float32), scores, number / 30, STAGE)
        act.picture(Sighting(pose, number / 30, number), look, number / 30)
        assert act.label is not None
        ((top, left),) = act.label.squares["face"]
        rows, columns = np.nonzero(act.label.image.max(2) > 40)
        eyes = columns[rows <= rows.min() + 1]
        assert abs(rows.min() - (top + SIDE / 2)) < 5
        assert abs(eyes.mean() - (left + SIDE / 2)) < 2
    act.character.close()


def test_a_head_at_the_windows_edge_ends_softly(plain: Subject, subject: Subject) -> None:
    """What the face net is given is not faded yet, as in its training; what is shown is."""
    seen: list[np.ndarray] = []

    class Watched(OnnxRuntimeEngine):
        def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
            seen.append(feeds["rgba"].copy())
            return super().run(feeds)

    character = open_character(plain, SETTINGS)
    character.retouches = (Retouch(FACE, subject, Watched(painting_net(SIDE), "face")),)
    act = Act(character, Timing())
    label = label_with(FACE, (0, 0))
    label.image[:] = 200
    layer = act._generate(label)
    assert layer is not None
    assert (seen[0] == (200, 200, 200, 255)).all()
    assert layer.rgba[0, 16, 3] < 255 / FADE_PX and layer.rgba[16, 0, 3] < 255 / FADE_PX
    assert (layer.rgba[16, 16] == PAINT).all()
    character.close()


def test_the_shows_table_has_a_line_for_it(subject: Subject) -> None:
    timing, character = Timing(), open_character(subject, SETTINGS)
    played(character, timing=timing)
    spreads = timing.spreads()
    told = table(Summary(1.0, 4.0, spreads, spreads["generate"], 0, {}, {}, 0))
    (line,) = (line for line in told.splitlines() if line.startswith("  face "))
    assert line.split()[-1] == str(spreads["face"].count) == "4"
    character.close()


def test_who_closes_a_character_closes_its_face_net(subject: Subject) -> None:
    character = open_character(subject, SETTINGS)
    label = neutral_label(subject)
    layer = Layer(np.zeros((64, 64, 4), np.uint8), label.region)
    (face,) = character.retouches
    assert label.squares["face"]
    face.correct(label, layer)
    character.close()
    character.close()
    with pytest.raises(RuntimeError, match="closed"):
        face.correct(label, layer)


def test_a_face_net_that_fails_is_said_once_and_missed_by_nobody(
    plain: Subject, subject: Subject, caplog: pytest.LogCaptureFixture
) -> None:
    character, without = (open_character(one, SETTINGS) for one in (subject, plain))
    engine = Broken(painting_net(SIDE), "face")
    character.retouches = (Retouch(FACE, subject, engine),)
    timing = Timing()
    with caplog.at_level(logging.WARNING, "live.failing"):
        failed = played(character, timing=timing)
    for (picture, _), (bare, _) in zip(failed, played(without), strict=True):
        assert np.array_equal(picture, bare)
    assert timing.counts()["face.failed"] == 4
    assert [record.getMessage() for record in caplog.records] == [
        f"the face net of {character.name} failed (told to); the show goes on without it"
    ]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_nothing_is_cut_out(subject: Subject, part: Part) -> None:
    """What a net's numbers that are not finite are as bytes: nothing."""
    model = painting_net(SIDE, (0, 0, 0, 0), part=part)
    net = Retouch(part, subject, OnnxRuntimeEngine(model, "net"))
    label, layer = label_with(part, (5, 5)), blank(200)
    with pytest.raises(RuntimeError, match=f"nothing is left of {part.what}"):
        net.correct(label, layer)
    assert (layer.rgba == 200).all()
    faint = blank(9)
    net.correct(label, faint)  # a ghost may be taken away
    assert not faint.rgba[5 : 5 + SIDE, 5 : 5 + SIDE].any()
    empty = blank(0)
    net.correct(label, empty)  # where nobody is there is nothing to be missed
    assert not empty.rgba.any()
    net.close()


def test_a_face_net_that_works_again_is_said(
    subject: Subject, caplog: pytest.LogCaptureFixture
) -> None:
    character = open_character(subject, SETTINGS)
    engine = Broken(painting_net(SIDE), "face")
    character.retouches = (Retouch(FACE, subject, engine),)
    timing = Timing()
    act = Act(character, timing)
    with caplog.at_level(logging.WARNING, "live.failing"):
        for number in range(3):
            engine.fails = number == 0
            act.picture(Sighting(pose_at(number), number / 30, number), Look(), number / 30)
    assert f"the face net of {character.name} works again" in caplog.text
    assert timing.spreads()["face"].count == 3


@pytest.mark.parametrize(
    ("model", "word"),
    [
        (painting_net(48), r"it takes label uint8 \(1, 48"),
        (painting_net(SIDE, label="picture"), "takes no label"),
    ],
)
def test_a_face_net_of_another_kind_is_refused(tmp_path: Path, model: bytes, word: str) -> None:
    bundle = add_net(write_tiny_subject(tmp_path / "tiny", stage=STAGE), model)
    with pytest.raises(SubjectError, match=word):
        open_character(load_subject(bundle), SETTINGS)


def test_what_a_face_net_gives_is_checked(subject: Subject) -> None:
    with pytest.raises(SubjectError, match=r"face is uint8 \(1, 48, 48, 4\), it must be .*32"):
        Retouch(FACE, subject, OnnxRuntimeEngine(painting_net(48), "face"))
    with pytest.raises(SubjectError, match=r"hands.onnx of .*: face is .* it must be absent"):
        Retouch(HANDS, subject, OnnxRuntimeEngine(painting_net(SIDE), "hands"))


def test_pictures_smaller_than_a_head_have_no_face_net(tmp_path: Path) -> None:
    bundle = write_tiny_subject(tmp_path / "small", size=(32, 16), stage=STAGE)
    add_net(bundle, painting_net(SIDE))
    with pytest.raises(SubjectError, match="does not fit"):
        open_character(load_subject(bundle), SETTINGS)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_the_neutral_label_has_the_squares_that_the_show_finds(
    subject: Subject, part: Part
) -> None:
    label = neutral_label(subject)
    assert len(label.squares[part.name]) == part.most
    feeds = trial_feeds(part, label, blank(), SIDE)
    assert feeds["label"].shape == (1, SIDE, SIDE, 3) and feeds["label"].any()
    assert feeds["rgba"].shape == (1, SIDE, SIDE, 4)
    corner = feeds | trial_feeds(part, label_with(FACE), blank(), SIDE)
    assert not corner["label"].any() and (corner["rgba"] == 9).all()
