"""The parts: names, sides, order, and how strongly they are to show."""

from __future__ import annotations

import numpy as np
import pytest

from live.head import head_square
from live.parts import FACE, HANDS, PARTS, Part, find_squares
from live.skeleton import INDEX
from live.subject import OPTIONAL
from tests.tiny_subject import standing

STAGE = (256, 256)


def test_sides_are_shares_of_the_height_in_sixteens() -> None:
    heights = (64, 96, 256, 288, 512, 1024)
    assert [FACE.side(height) for height in heights] == [32, 32, 64, 64, 128, 256]
    assert [HANDS.side(height) for height in heights] == [32, 32, 32, 32, 64, 128]


def test_every_part_may_be_in_a_bundle() -> None:
    assert [part.file for part in PARTS] == ["face.onnx", "hands.onnx"]
    assert {part.file for part in PARTS} < set(OPTIONAL)


def test_hands_come_after_the_face_and_the_left_one_first() -> None:
    points, scores = standing(*STAGE)
    squares, strengths = find_squares(PARTS, points, scores, STAGE)
    assert list(squares) == list(strengths) == ["face", "hands"]
    assert squares["face"] == (head_square(points, scores, STAGE, 64),)
    left, right = squares["hands"]
    assert left[1] > right[1], "the person's left is the picture's right"
    for part in PARTS:
        side = part.side(STAGE[0])
        assert squares[part.name] == part.corners(points, scores, STAGE, side)
        assert strengths[part.name] == (1.0,) * part.most
    assert find_squares([HANDS], points, scores, STAGE)[0].keys() == {"hands"}
    assert find_squares([], points, scores, STAGE) == ({}, {})


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_no_part_is_seen_of_nobody(part: Part) -> None:
    points, scores = standing(*STAGE)
    assert part.squares(points, scores * 0, STAGE, 32) == ((), ())
    assert part.squares(points + 1000, scores, STAGE, 32) == ((), ())
    assert part.squares(points, scores, STAGE, 257) == ((), ())


@pytest.mark.parametrize("names", [("neck",), ("nose", "right_eye", "left_eye")])
def test_a_heads_strength_is_its_weaker_ends(names: tuple[str, ...]) -> None:
    points, scores = standing(*STAGE)
    scores[[INDEX[name] for name in ("right_ear", "left_ear")]] = 0
    found: list[float] = []
    for score in (0.3, 0.3001, 0.35, 0.45, 0.5, 0.9):
        scores[[INDEX[name] for name in names]] = score
        found += FACE.squares(points, scores, STAGE, 64)[1]
    np.testing.assert_allclose(found, [0.0005, 0.25, 0.75, 1, 1], atol=1e-4)


def test_a_hands_strength_is_its_best_joints() -> None:
    points, scores = standing(*STAGE)
    index = INDEX["left_index_1"]
    points[index] = points[INDEX["left_wrist"]]
    scores[[INDEX["left_wrist"], index, INDEX["right_wrist"]]] = 0.32, 0.4, 0.9
    np.testing.assert_allclose(HANDS.squares(points, scores, STAGE, 32)[1], [0.5, 1.0], atol=1e-4)
