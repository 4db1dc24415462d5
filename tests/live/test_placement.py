"""Placing by hand: feet stay, joints that are nowhere stay nowhere, and what is cut is not seen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.frames import Layer, Pose, Region
from live.generator import compose
from live.placement import Placement, fade_layer, place_layer, place_pose
from live.skeleton import INDEX
from tests.tiny_subject import standing

STAGE = (120, 160)


def pose() -> Pose:
    return Pose(*standing(*STAGE), 0.0, STAGE)


def test_nothing_asked_is_nothing_done() -> None:
    given_pose, layer = pose(), Layer(np.zeros((8, 8, 4), np.uint8), Region(0, 0, 8, 8))
    assert place_pose(given_pose, Placement()) is given_pose
    assert place_layer(layer, Placement(), (1.0, 2.0), STAGE) is layer
    assert fade_layer(layer, 1.0) is layer


@given(st.floats(0.5, 2), st.floats(-1, 1), st.floats(-1, 1))
def test_a_pose_grows_about_its_lower_ankle(scale: float, x: float, y: float) -> None:
    before, after = pose(), place_pose(pose(), Placement(scale, x, y))
    ankles = [INDEX["left_ankle"], INDEX["right_ankle"]]
    moved = after.points[ankles].mean(axis=0) - before.points[ankles].mean(axis=0)
    assert moved == pytest.approx([x * STAGE[0], y * STAGE[0]], abs=1e-2)
    seen = before.scores > 0
    tall = np.ptp(after.points[seen, 1]) / np.ptp(before.points[seen, 1])
    assert tall == pytest.approx(scale, rel=1e-3)
    assert (after.points[~seen] == 0).all()


def test_who_is_not_seen_is_placed_without_a_complaint() -> None:
    nobody = Pose(np.full((73, 2), np.nan, np.float32), np.zeros(73, np.float32), 0.0, STAGE)
    assert (place_pose(nobody, Placement(2.0)).points == 0).all()
    odd = pose()
    odd.points[0] = np.nan
    assert np.isfinite(place_pose(odd, Placement(2.0)).points[1:]).all()


def spots(height: int, width: int) -> Layer:
    """Something smooth, so that half a pixel aside makes no great difference."""
    y, x = np.mgrid[0:height, 0:width]
    alpha = (127 + 127 * np.sin(x / 9) * np.sin(y / 7)).astype(np.uint8)
    rgba = np.dstack([alpha // 2, alpha // 3, alpha, alpha])
    return Layer(rgba, Region(30, 10, width, height))


@pytest.mark.parametrize("scale", [1.5, 2.7, 4.0])
@pytest.mark.parametrize("x", [-0.5, 0.0, 0.4])
def test_what_is_cut_off_is_not_missed(scale: float, x: float) -> None:
    layer, foot, plate = spots(100, 80), (70.0, 100.0), np.zeros((*STAGE, 3), np.uint8)
    placed = place_layer(layer, Placement(scale, x), foot, STAGE)
    # On a stage so large that nothing is cut.
    whole = place_layer(layer, Placement(scale, x * STAGE[0] / 4000), foot, (4000, 4000))
    gap = np.abs(compose(plate, [placed]).astype(int) - compose(plate, [whole]))
    assert gap.mean() < 2.5
    assert placed.region.width * placed.region.height <= 2.3 * STAGE[0] * STAGE[1]


def test_what_is_wholly_outside_is_nowhere() -> None:
    placed = place_layer(spots(100, 80), Placement(4.0, 4.0, 2.0), (70.0, 100.0), STAGE)
    plate = np.full((*STAGE, 3), 7, np.uint8)
    assert (compose(plate, [placed]) == 7).all()


@pytest.mark.parametrize("scale", [0.6, 1.0, 1.3])
def test_a_figure_glides_by_less_than_a_pixel(scale: float) -> None:
    """Its middle is where it is asked to be, at every step of a slow glide."""
    layer, foot = spot(80, 60), (60.0, 90.0)
    middles = []
    steps = np.linspace(0, 3 / STAGE[0], 13)
    for x in steps:
        placed = place_layer(layer, Placement(scale, float(x), float(x)), foot, STAGE)
        shown = compose(np.zeros((*STAGE, 3), np.uint8), [placed])[..., 0].astype(float)
        rows, columns = np.mgrid[0 : STAGE[0], 0 : STAGE[1]]
        middles.append(((columns * shown).sum() / shown.sum(), (rows * shown).sum() / shown.sum()))
    moved = np.array(middles) - middles[0]
    assert moved == pytest.approx(np.stack([steps, steps], 1) * STAGE[0], abs=0.15)


def spot(height: int, width: int) -> Layer:
    """A soft round spot in the middle."""
    y, x = np.mgrid[0:height, 0:width]
    away = np.hypot(x - (width - 1) / 2, y - (height - 1) / 2)
    alpha = (255 * np.exp(-((away / 12) ** 2))).astype(np.uint8)
    return Layer(np.dstack([alpha] * 4), Region(30, 20, width, height))
