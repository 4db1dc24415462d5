"""Where the head is: against a slow oracle, at the border, and of a pose that is broken."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from live.head import head_span, head_square, seen_of_head, square_side
from live.skeleton import INDEX, JOINTS
from tests.tiny_subject import standing

STAGE = (128, 128)
SIDE = 32
HEAD = [INDEX[name] for name in ("nose", "right_eye", "left_eye", "right_ear", "left_ear")]
NECK = INDEX["neck"]


def slow_span(
    points: NDArray[np.float32], scores: NDArray[np.float32], size: tuple[int, int]
) -> tuple[int, int, int, int] | None:
    seen = [joint for joint in HEAD if scores[joint] > 0.3]
    if not seen or scores[NECK] <= 0.3:
        return None
    places = points.astype(np.float64)
    middle = places[seen].mean(0)
    reach = max(0.9 * float(np.linalg.norm(middle - places[NECK])), 4.0)
    x, y = (np.arange(-1000, 1000) for _ in range(2))
    across = x[(x + 1 > middle[0] - reach) & (x < middle[0] + reach) & (x >= 0) & (x < size[1])]
    down = y[(y + 1 > middle[1] - reach) & (y < middle[1] + reach) & (y >= 0) & (y < size[0])]
    if not (len(across) and len(down)):
        return None
    return int(across[0]), int(down[0]), int(across[-1]) + 1, int(down[-1]) + 1


def any_pose(seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    rng = np.random.default_rng(seed)
    points = rng.uniform(-60, 180, (len(JOINTS), 2)).astype(np.float32)
    points[HEAD] = points[NECK] + rng.uniform(-40, 40, (len(HEAD), 2))
    return points, rng.uniform(0.1, 1, len(JOINTS)).astype(np.float32)


@given(st.integers(0, 10_000))
def test_the_span_is_every_pixel_that_the_head_reaches(seed: int) -> None:
    points, scores = any_pose(seed)
    for size in (STAGE, (64, 160)):
        assert head_span(points, scores, size) == slow_span(points, scores, size)


@given(st.integers(0, 10_000))
def test_a_square_is_whole_in_the_picture_and_around_the_span(seed: int) -> None:
    points, scores = any_pose(seed)
    span, square = (
        head_span(points, scores, STAGE), head_square(points, scores, STAGE, SIDE),
    )  # fmt: skip
    assert (span is None) == (square is None)
    if span is None or square is None:
        return
    for corner, low, high in zip(square, (span[1], span[0]), (span[3], span[2]), strict=True):
        assert 0 <= corner <= STAGE[0] - SIDE
        off = abs(corner + SIDE / 2 - (low + high) / 2)
        assert off <= 0.5 or corner in (0, STAGE[0] - SIDE)


@pytest.mark.parametrize("place", [np.nan, np.inf, -np.inf, 3e38, -3e38])
@pytest.mark.parametrize("joint", ["nose", "neck"])
def test_a_broken_pose_has_a_whole_square_or_none(joint: str, place: float) -> None:
    """Warnings are errors here: numbers that no integer holds are not cast to one."""
    points, scores = standing(*STAGE)
    points[INDEX[joint], 0] = place
    square = head_square(points, scores, STAGE, SIDE)
    assert square is None or all(0 <= corner <= STAGE[0] - SIDE for corner in square)
    if not np.isfinite(place):
        assert square is None


def test_the_square_is_a_quarter_of_the_height_in_sixteens() -> None:
    assert [square_side(height) for height in (64, 96, 256, 288, 512)] == [32, 32, 64, 64, 128]


def test_a_head_beyond_the_picture_has_no_square() -> None:
    points, scores = standing(*STAGE)
    span = head_span(points, scores, STAGE)
    assert span is not None
    left, top, right, bottom = span
    x, y = points[INDEX["nose"]]
    assert left < x < right and top < y < bottom
    assert head_square(points - (0, 200), scores, STAGE, SIDE) is None
    assert head_square(points, np.zeros(len(JOINTS), np.float32), STAGE, SIDE) is None
    assert head_square(points, scores, STAGE, 129) is None


def test_only_the_heads_joints_that_are_seen_count() -> None:
    scores = np.zeros(len(JOINTS), np.float32)
    scores[[NECK, INDEX["left_ear"], INDEX["nose"]]] = 1, 0.31, 0.29
    assert seen_of_head(scores) == [INDEX["left_ear"]]
