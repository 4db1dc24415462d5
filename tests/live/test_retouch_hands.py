"""The hands' net on stage: both hands, one, none, before the face, and faint ones."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from live.act import Act
from live.character import Character
from live.character_open import CharacterSettings, open_character
from live.engines.onnx_runtime import OnnxRuntimeEngine
from live.errors import SubjectError
from live.frames import Image, Label, Layer, Pose, Region, Sighting
from live.ladder import LadderSettings
from live.look import Look
from live.parts import FACE, HANDS, Corner
from live.report import table
from live.retouch import Retouch
from live.show import Summary
from live.skeleton import INDEX
from live.subject import Subject, load_subject
from live.timing import Timing
from tests.live.test_retouch import Broken
from tests.tiny_part import PAINT, add_net, painting_net
from tests.tiny_subject import standing, write_tiny_subject

STAGE = (256, 256)
SIZE = (128, 128)
SIDE = 32  # of the head and of a hand
HAND_PAINT = (0, 60, 220, 255)
SETTINGS = CharacterSettings("cpu", marks=None)
WRISTS = {"left": INDEX["left_wrist"], "right": INDEX["right_wrist"]}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    folder = tmp_path_factory.mktemp("plain") / "tiny"
    return load_subject(write_tiny_subject(folder, SIZE, STAGE))


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """With both nets, each of one colour."""
    bundle = write_tiny_subject(tmp_path_factory.mktemp("handed") / "tiny", SIZE, STAGE)
    add_net(bundle, painting_net(SIDE, HAND_PAINT, part=HANDS), HANDS)
    return load_subject(add_net(bundle, painting_net(SIDE)))


@pytest.fixture
def character(subject: Subject) -> Character:
    return open_character(subject, SETTINGS)


def pose_with(*hands: str, score: float = 1.0, raised: str = "") -> Pose:
    """Someone whose `hands` are seen; one of them may be `raised` before the face."""
    points, scores = standing(*STAGE)
    for side, wrist in WRISTS.items():
        scores[wrist] = score if side in hands else 0.0
        if side == raised:
            points[wrist] = points[INDEX["nose"]] + (4, 6)
    return Pose(points, scores, 0.0, STAGE)


def shown(character: Character, pose: Pose, timing: Timing | None = None) -> tuple[Image, Label]:
    act = Act(character, timing or Timing(), LadderSettings(return_s=0.0))
    picture, _ = act.picture(Sighting(pose, 0.0, 0), Look(), 0.0)
    assert act.label is not None
    return picture, act.label


def on_stage(label: Label, corner: Corner) -> tuple[slice, slice]:
    """The square in the stage's picture, without the pixels that scaling mixes."""
    region, scale = label.region, label.region.height / SIZE[0]
    low = np.array([region.y + corner[0] * scale, region.x + corner[1] * scale])
    high = np.floor(low + SIDE * scale).astype(int) - 2
    low = np.ceil(low).astype(int) + 2
    return slice(max(low[0], 0), high[0]), slice(max(low[1], 0), high[1])


def is_painted(picture: Image, label: Label, corner: Corner, paint: tuple[int, ...]) -> bool:
    gap = np.abs(picture[on_stage(label, corner)].astype(int) - paint[:3])
    return bool(np.median(gap) <= 1)


@pytest.mark.parametrize("hands", [(), ("left",), ("right",), ("left", "right")])
def test_each_hand_that_is_seen_is_repainted(
    plain: Subject, character: Character, hands: tuple[str, ...]
) -> None:
    without = open_character(plain, SETTINGS)
    bare, _ = shown(without, pose_with(*hands))
    picture, label = shown(character, pose_with(*hands))
    assert len(label.squares["hands"]) == len(hands) and len(label.squares["face"]) == 1
    for side, (_, left) in zip(hands, label.squares["hands"], strict=True):  # the left one first
        assert (left + SIDE / 2 > SIZE[1] / 2) == (side == "left")  # the person's left
    painted = np.zeros(STAGE, bool)
    for corner in label.squares["hands"]:
        assert is_painted(picture, label, corner, HAND_PAINT)
        painted |= grown(on_stage(label, corner))
    painted |= grown(on_stage(label, label.squares["face"][0]))
    changed = (picture != bare).any(2)
    assert not changed[~painted].any()
    character.close()
    character.close()
    without.close()


def grown(place: tuple[slice, slice]) -> np.ndarray:
    """With the pixels around that scaling mixes."""
    inside = np.zeros(STAGE, bool)
    rows, columns = place
    inside[max(rows.start - 6, 0) : rows.stop + 6, max(columns.start - 6, 0) : columns.stop + 6] = 1
    return inside


def test_a_hand_before_the_face_is_in_front_of_it(character: Character) -> None:
    picture, label = shown(character, pose_with("left", raised="left"))
    (hand,), (head,) = label.squares["hands"], label.squares["face"]
    assert max(abs(hand[0] - head[0]), abs(hand[1] - head[1])) < SIDE / 2
    assert [one.part for one in character.retouches] == [FACE, HANDS]
    assert is_painted(picture, label, hand, HAND_PAINT)
    head_alone = grown(on_stage(label, head)) & ~grown(on_stage(label, hand))
    reds = picture[head_alone][:, 0].astype(int)
    assert (np.abs(reds - PAINT[0]) <= 1).any()
    character.close()


def test_where_hands_overlap_the_second_begins_with_what_the_first_made(plain: Subject) -> None:
    model = painting_net(SIDE, (10, 10, 10, 10), part=HANDS, keep=1)
    net = Retouch(HANDS, plain, OnnxRuntimeEngine(model, "hands"))
    layer = Layer(np.full((*SIZE, 4), 50, np.uint8), Region(0, 0, 1, 1))
    black = np.zeros((*SIZE, 3), np.uint8)
    net.correct(Label(black, 0.0, layer.region, {"hands": ((0, 0), (16, 16))}), layer)
    expected = np.full((*SIZE, 4), 50)
    expected[:32, :32] += 10
    expected[16:48, 16:48] += 10
    assert np.array_equal(layer.rgba, expected)
    net.close()


@pytest.mark.parametrize(
    ("score", "share"), [(0.3, None), (0.31, 0.05), (0.4, 0.5), (0.5, 1.0), (1.0, 1.0)]
)
def test_a_faint_hand_is_repainted_faintly(
    plain: Subject, character: Character, score: float, share: float | None
) -> None:
    """It fades in and out: nothing is switched between two pictures."""
    without = open_character(plain, SETTINGS)
    bare, _ = shown(without, pose_with("left", score=score))
    picture, label = shown(character, pose_with("left", score=score))
    if share is None:
        assert label.squares["hands"] == ()
        return
    ((corner,), (strength,)) = label.squares["hands"], label.strengths["hands"]
    assert strength == pytest.approx(share, abs=1e-3)
    place = on_stage(label, corner)
    on_plate = (bare[place] == plain.plate[place]).all(2)  # where the figure is clear
    found = picture[place][on_plate].astype(int)
    expected = share * np.array(HAND_PAINT[:3]) + (1 - share) * plain.plate[0, 0]
    assert np.abs(np.median(found, 0) - expected).max() <= 2
    character.close()
    without.close()


def test_two_strengths_each_for_its_square(plain: Subject) -> None:
    net = Retouch(HANDS, plain, OnnxRuntimeEngine(painting_net(SIDE, part=HANDS), "hands"))
    layer = Layer(np.zeros((*SIZE, 4), np.uint8), Region(0, 0, 1, 1))
    black = np.zeros((*SIZE, 3), np.uint8)
    places = {"hands": ((0, 0), (96, 96))}
    net.correct(Label(black, 0.0, layer.region, places, {"hands": (0.5, 1.0)}), layer)
    assert (layer.rgba[:32, :32] == np.round(np.array(PAINT) / 2)).all()
    assert (layer.rgba[96:, 96:] == PAINT).all()
    net.close()


def test_hands_that_fail_are_said_once_and_the_face_goes_on(
    character: Character, plain: Subject, caplog: pytest.LogCaptureFixture
) -> None:
    engine = Broken(painting_net(SIDE, HAND_PAINT, part=HANDS), "hands")
    face, hands = character.retouches
    hands.close()
    character.retouches = (face, Retouch(HANDS, plain, engine))
    timing = Timing()
    act = Act(character, timing, LadderSettings(return_s=0.0))
    with caplog.at_level(logging.WARNING, "live.failing"):
        for number in range(4):
            engine.fails = number < 3
            now_s = number / 30
            picture, rung = act.picture(Sighting(pose_with("left"), now_s, number), Look(), now_s)
            assert act.label is not None and rung == "generated"
            (hand,), (head,) = act.label.squares["hands"], act.label.squares["face"]
            assert is_painted(picture, act.label, head, PAINT)
            assert is_painted(picture, act.label, hand, HAND_PAINT) == (not engine.fails)
    assert [record.getMessage() for record in caplog.records] == [
        f"the hands net of {character.name} failed (told to); the show goes on without it",
        f"the hands net of {character.name} works again",
    ]
    assert timing.counts() == {"hands.failed": 3}
    character.close()


def test_a_hand_that_is_hidden_for_a_moment_does_not_make_a_broken_net_work_again(
    character: Character, plain: Subject, caplog: pytest.LogCaptureFixture
) -> None:
    engine = Broken(painting_net(SIDE, HAND_PAINT, part=HANDS), "hands")
    engine.fails = True
    face, hands = character.retouches
    hands.close()
    character.retouches = (face, Retouch(HANDS, plain, engine))
    act = Act(character, Timing(), LadderSettings(return_s=0.0))
    with caplog.at_level(logging.WARNING, "live.failing"):
        for number in range(4):
            pose = pose_with("left") if number % 2 == 0 else pose_with()
            now_s = 2.0 * number  # longer than a lost joint is held
            act.picture(Sighting(pose, now_s, number), Look(), now_s)
            assert act.label is not None
            assert bool(act.label.squares["hands"]) == (number % 2 == 0)
    (record,) = caplog.records
    assert "failed (told to)" in record.getMessage()
    character.close()


def test_the_second_hand_may_fail_alone(plain: Subject) -> None:
    class Once(OnnxRuntimeEngine):
        runs = 0

        def run(self, feeds):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            self.runs += 1
            if self.runs > 1:
                raise RuntimeError("told to")
            return super().run(feeds)

    net = Retouch(HANDS, plain, Once(painting_net(SIDE, part=HANDS), "hands"))
    layer = Layer(np.full((*SIZE, 4), 9, np.uint8), Region(0, 0, 1, 1))
    black = np.zeros((*SIZE, 3), np.uint8)
    with pytest.raises(RuntimeError, match="told to"):
        net.correct(Label(black, 0.0, layer.region, {"hands": ((0, 0), (64, 64))}), layer)
    assert (layer.rgba[:32, :32] == PAINT).all() and (layer.rgba[32:] == 9).all()
    net.close()


def test_the_shows_table_has_a_line_for_each_net(character: Character) -> None:
    timing = Timing()
    shown(character, pose_with("left", "right"), timing)
    spreads = timing.spreads()
    told = table(Summary(1.0, 4.0, spreads, spreads["generate"], 0, {}, {}, 0)).splitlines()
    places = [n for n, line in enumerate(told) if line.startswith(("  face ", "  hands "))]
    assert len(places) == 2 and "face" in told[places[0]] and "hands" in told[places[1]]
    character.close()


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (painting_net(48, part=HANDS), r"takes label uint8 \(1, 48"),
        (painting_net(SIDE), "face is .* absent"),  # a face net under the hands' name
    ],
)
def test_a_net_of_another_kind_is_refused_and_nothing_stays_open(
    tmp_path: Path, model: bytes, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []
    close = Retouch.close

    def watched(self: Retouch) -> None:
        closed.append(self.part.name)
        close(self)

    monkeypatch.setattr(Retouch, "close", watched)
    bundle = write_tiny_subject(tmp_path / "tiny", SIZE, STAGE)
    add_net(bundle, painting_net(SIDE))
    with pytest.raises(SubjectError, match=says):
        open_character(load_subject(add_net(bundle, model, HANDS)), SETTINGS)
    assert closed == ["face"]


def test_a_bundle_with_hands_alone(tmp_path: Path) -> None:
    bundle = write_tiny_subject(tmp_path / "tiny", SIZE, STAGE)
    add_net(bundle, painting_net(SIDE, HAND_PAINT, part=HANDS), HANDS)
    character = open_character(load_subject(bundle), SETTINGS)
    picture, label = shown(character, pose_with("right"))
    assert label.squares.keys() == {"hands"}
    assert is_painted(picture, label, label.squares["hands"][0], HAND_PAINT)
    character.close()
