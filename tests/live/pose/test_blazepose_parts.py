"""BlazePose's arithmetic against slow NumPy, and against what must be true."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from live.pose import blazepose_detect, blazepose_landmarks
from live.pose.blazepose_crop import BOX_SCALE, Cropper, Roi, body_roi, whole_frame
from live.pose.blazepose_landmarks import refine, to_frame

places = st.floats(-300, 900)
angles = st.floats(-math.pi, math.pi)


def test_the_letterbox_is_the_whole_frame_in_the_middle() -> None:
    image = np.zeros((40, 80, 3), np.uint8)
    image[:, :, 2] = 255  # red
    planes = Cropper(16, lowest=-1.0).crop(image, whole_frame((40, 80)))
    assert planes.shape == (1, 3, 16, 16) and planes.dtype == np.float32
    np.testing.assert_allclose(planes[0, 0, 5:11], 1, atol=1e-6)  # RGB: red comes first
    np.testing.assert_allclose(planes[0, 1:, 5:11], -1, atol=1e-6)
    np.testing.assert_allclose(planes[0, :, :3], -1, atol=1e-6)  # beyond it, black
    np.testing.assert_allclose(planes[0, :, 13:], -1, atol=1e-6)


@given(places, places, st.floats(20, 400), angles)
@settings(max_examples=50)
def test_a_place_in_a_region_comes_back_to_the_frame(
    x: float, y: float, side: float, angle: float
) -> None:
    """What the crop shows at a place is what stands where `to_frame` puts that place."""
    grid = np.random.default_rng(3).uniform(0.1, 0.9, (8, 4)).astype(np.float32)
    placed = grid.copy()
    to_frame(placed, x, y, side, angle)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    expected = (grid[:, :2] - 0.5) * side @ turn.T + [x, y]
    np.testing.assert_allclose(placed[:, :2], expected, atol=0.02)
    np.testing.assert_array_equal(placed[:, 2:], grid[:, 2:])


@pytest.mark.parametrize("angle", [0.0, 0.7, -2.0])
def test_the_crop_shows_the_region(angle: float) -> None:
    """A bright spot in the frame, seen in the crop, is mapped back to within half a pixel."""
    image = np.zeros((200, 300, 3), np.uint8)
    spot = (171, 88)
    image[spot[1] - 1 : spot[1] + 2, spot[0] - 1 : spot[0] + 2] = 255
    roi = Roi(150, 100, 128, angle)
    planes = Cropper(256, lowest=0.0).crop(image, roi)[0, 0]
    weights = planes / planes.sum()
    v, u = (float((weights * axis).sum()) for axis in np.mgrid[:256, :256] + 0.5)
    placed = np.array([[u / 256, v / 256, 0, 0]], np.float32)
    to_frame(placed, roi.x, roi.y, roi.side, roi.angle)
    np.testing.assert_allclose(placed[0, :2], np.add(spot, 0.5), atol=0.1)


def test_the_body_stands_upright_in_its_region() -> None:
    assert body_roi(100, 200, 100, 120) == Roi(100, 200, 2 * 80 * BOX_SCALE, 0.0)
    assert body_roi(100, 200, 180, 200).angle == pytest.approx(math.pi / 2)  # it lies to the right


def test_regions_that_cannot_be_shown() -> None:
    assert Roi(10, 10, 5, 0.1).usable()
    for wrong in (Roi(math.nan, 0, 5, 0), Roi(0, 0, 0.5, 0), Roi(1e9, 0, 5, 0)):
        assert not wrong.usable()
    assert Roi(-2, 5, 10, 0).overlaps((20, 20)) and not Roi(-30, 5, 10, 0).overlaps((20, 20))


def test_anchors_are_cell_centres() -> None:
    anchors = blazepose_detect.make_anchors(224)
    assert anchors.shape == (2254, 2)  # 28 * 28 * 2 + 14 * 14 * 2 + 7 * 7 * 6
    assert anchors.min() > 0 and anchors.max() < 1
    np.testing.assert_allclose(anchors[0], [0.5 / 28, 0.5 / 28])
    np.testing.assert_allclose(anchors[2], [1.5 / 28, 0.5 / 28])  # x runs first
    np.testing.assert_allclose(anchors[-1], [6.5 / 7, 6.5 / 7])


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_finds_are_decoded_as_numpy_would(seed: int) -> None:
    random = np.random.default_rng(seed)
    boxes = random.normal(0, 50, (40, 12)).astype(np.float32)
    logits = random.normal(0, 3, 40).astype(np.float32)
    anchors = random.uniform(0, 1, (40, 2)).astype(np.float32)
    found = blazepose_detect.decode(boxes, logits, anchors, 224, 0.5)
    scores = 1 / (1 + np.exp(-logits.astype(float)))
    order = [at for at in np.argsort(-scores) if scores[at] >= 0.5]
    centres = boxes[order, :2] / 224 + anchors[order]
    half = boxes[order, 2:4] / 448
    points = boxes[order, 4:].reshape(-1, 4, 2) / 224 + anchors[order][:, None]
    expected = np.concatenate(
        [scores[order][:, None], centres - half, centres + half, points.reshape(-1, 8)], 1
    )
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_overlapping_finds_are_one_body_at_their_weighted_mean() -> None:
    def find(score: float, left: float) -> list[float]:
        return [score, left, 0.2, left + 0.2, 0.6, *np.linspace(left, left + 0.7, 8)]

    rows = np.array([find(0.9, 0.1), find(0.8, 0.7), find(0.6, 0.12)])
    merged = blazepose_detect.merge(rows)
    assert len(merged) == 2
    assert merged[0, 0] == 0.9 and merged[1, 0] == 0.8
    np.testing.assert_allclose(merged[0, 1], (0.9 * 0.1 + 0.6 * 0.12) / 1.5)
    np.testing.assert_allclose(merged[1, 1:], rows[1, 1:])
    assert blazepose_detect.merge(np.empty((0, 13))).shape == (0, 13)


def test_landmarks_are_decoded() -> None:
    values = np.array([[128, 64, 5, 0, 100], [0, 256, 5, -100, 0]], np.float32)
    placed = np.empty((2, 4), np.float32)
    blazepose_landmarks.decode(values, 256, placed)
    np.testing.assert_allclose(placed, [[0.5, 0.25, 0.5, 1], [0, 1, 0, 0.5]], atol=1e-6)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_a_heatmap_moves_its_landmark_no_farther_than_it_reaches(seed: int) -> None:
    random = np.random.default_rng(seed)
    placed = random.uniform(-0.2, 1.2, (6, 4)).astype(np.float32)
    heatmaps = random.normal(0, 4, (6, 64, 64)).astype(np.float32)
    before = placed.copy()
    refine(placed, heatmaps)
    assert np.abs(placed[:, :2] - before[:, :2]).max() <= 4 / 64
    np.testing.assert_array_equal(placed[:, 2:], before[:, 2:])
    outside = ((before[:, :2] < 0) | (before[:, :2] >= 1)).any(1)
    np.testing.assert_array_equal(placed[outside], before[outside])


def test_a_sure_heatmap_says_where_and_an_unsure_one_nothing() -> None:
    placed = np.array([[0.5, 0.5, 1, 1], [0.5, 0.5, 1, 1]], np.float32)
    heatmaps = np.full((2, 64, 64), -50, np.float32)
    heatmaps[0, 31, 34] = 50
    heatmaps[1, 31, 34] = -0.1  # below one half
    refine(placed, heatmaps)
    np.testing.assert_allclose(placed[0, :2], [34 / 64, 31 / 64])
    np.testing.assert_array_equal(placed[1, :2], [0.5, 0.5])
