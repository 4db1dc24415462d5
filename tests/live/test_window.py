"""The window follows a figure at constant size, whatever the pose brings."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from numpy.typing import NDArray

from live.body import BodyStats
from live.frames import Pose, Region
from live.skeleton import INDEX, JOINTS, MIRROR, draw
from live.window import StageWindow, WindowSettings, into_window
from tests.live.figures import extent, placed
from tests.tiny_subject import standing

STAGE = (512, 640)
SIZE = (288, 224)
BODY = BodyStats(0.88, 0.66, 0.70, 0.42, 0.35, STAGE[1] / STAGE[0])
SETTINGS = WindowSettings()
ANKLES = (INDEX["right_ankle"], INDEX["left_ankle"])
FEET = [INDEX[f"{side}_{part}"] for side in ("left", "right")
        for part in ("ankle", "heel", "big_toe", "small_toe")]  # fmt: skip


def figure(depth: float, x: float = 0.0, stage: tuple[int, int] = STAGE) -> Pose:
    """One who stands on the stage, `depth` 0 far to 1 near, `x` stage heights from its middle."""
    return placed(BODY, stage, standing(*stage), depth, x)


def hidden(pose: Pose, *joints: int) -> Pose:
    """`pose` without `joints`, whose places then say nothing."""
    points, scores = pose.points.copy(), pose.scores.copy()
    points[list(joints)], scores[list(joints)] = np.nan, 0
    return Pose(points, scores, pose.captured_s, pose.size)


def in_window(pose: Pose, region: Region) -> Pose:
    return Pose(into_window(pose.points, region, SIZE), pose.scores, pose.captured_s, SIZE)


def new_window(settings: WindowSettings | None = None) -> StageWindow:
    return StageWindow(BODY, STAGE, SIZE, settings)


def at_rest(pose: Pose) -> Region:
    """Where a window comes to that sees `pose` first."""
    return new_window().follow(pose, 0.0)


@pytest.mark.parametrize("depth", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("x", [-0.4, 0.0, 0.3])
def test_a_figure_stands_in_one_place_of_its_window(depth: float, x: float) -> None:
    pose = figure(depth, x)
    head, ankle = extent(in_window(pose, at_rest(pose)))
    assert ankle - head == pytest.approx(1 / SETTINGS.height, rel=0.015)
    assert 1 - ankle == pytest.approx(SETTINGS.feet / SETTINGS.height, abs=0.01)
    across = in_window(pose, at_rest(pose)).points[pose.scores > 0, 0]
    assert (across.min() + across.max()) / 2 == pytest.approx(SIZE[1] / 2, abs=1.5)


def test_a_figure_that_walks_to_and_from_the_camera_keeps_its_height() -> None:
    """At a brisk walk, all the way in three seconds; on stage it grows by two thirds."""
    window, heights, on_stage = new_window(), list[float](), list[float]()
    for number in range(360):
        depth = (1 - math.cos(2 * math.pi * number / 180)) / 2
        pose = figure(depth, 0.3 * math.sin(number / 25))
        region = window.follow(pose, number / 30)
        moved = in_window(pose, region)
        head, ankle = extent(moved)
        heights.append(ankle - head)
        on_stage.append(extent(pose)[1] - extent(pose)[0])
        seen = moved.points[moved.scores > 0]
        assert (seen > 0).all() and (seen < SIZE[::-1]).all(), "no joint leaves the window"
    assert max(on_stage) / min(on_stage) > 1.6
    shares = np.array(heights) * SETTINGS.height
    assert np.abs(shares - 1).max() < 0.06
    assert abs(shares.mean() - 1) < 0.01


@pytest.mark.parametrize(("depth", "end"), [(-6.0, -1.0), (5.0, 2.0)])
def test_feet_far_beyond_the_known_floor_change_the_size_no_further(
    depth: float, end: float
) -> None:
    """As in normalization: up to the whole known depth nearer or farther than known."""
    pose = figure(0.5)
    toe = BODY.toe_far + (BODY.toe_near - BODY.toe_far) * depth
    points = pose.points + np.array([0, toe * STAGE[0] - pose.points[ANKLES[0], 1]], np.float32)
    region = at_rest(Pose(points, pose.scores, 0.0, STAGE))
    tall = BODY.height_far + (BODY.height_near - BODY.height_far) * end
    tall = max(tall, BODY.height_far / 2)
    assert abs(region.height - SETTINGS.height * tall * STAGE[0]) <= 1
    feet = region.y + region.height - SETTINGS.feet * tall * STAGE[0]
    assert abs(feet - toe * STAGE[0]) <= 1.5, "though it stands where they are"


def test_raised_hands_and_shoes_fit_in() -> None:
    pose = figure(1.0)
    moved = in_window(pose, at_rest(pose))
    body_px = SIZE[0] / SETTINGS.height
    ankle_px = extent(moved)[1] * SIZE[0]
    assert ankle_px - 1.33 * body_px > 0  # as high as hands reach, see WindowSettings
    assert moved.points[FEET][pose.scores[FEET] > 0, 1].max() < SIZE[0]


def test_the_window_has_the_pictures_shape() -> None:
    for depth in np.linspace(0, 1, 11):
        region = at_rest(figure(float(depth)))
        assert abs(region.width - region.height * SIZE[1] / SIZE[0]) <= 0.5
        assert isinstance(region.x, int) and isinstance(region.height, int)


regions = st.builds(
    Region, st.integers(-2000, 2000), st.integers(-2000, 2000),
    st.integers(1, 2000), st.integers(1, 2000),
)  # fmt: skip


@given(regions, st.lists(st.tuples(st.floats(-3e3, 3e3, width=32), st.floats(-3e3, 3e3, width=32))))
def test_into_the_window_and_back(region: Region, places: list[tuple[float, float]]) -> None:
    stage = np.array(places, np.float32).reshape(-1, 2)
    window = into_window(stage, region, SIZE)
    assert window.dtype == np.float32 and window.shape == stage.shape
    corner = np.array([region.x, region.y])
    grow = np.array([region.width, region.height]) / SIZE[::-1]
    # Two roundings to float32 of numbers up to 5000 px, seen at the window's scale.
    np.testing.assert_allclose(window * grow + corner, stage, rtol=0, atol=5e3 * 2**-22)


@given(regions)
def test_the_regions_corners_are_the_pictures(region: Region) -> None:
    corners = np.array([
        [region.x, region.y], [region.x + region.width, region.y + region.height],
    ], np.float32)  # fmt: skip
    expected = [[0, 0], [SIZE[1], SIZE[0]]]
    np.testing.assert_allclose(into_window(corners, region, SIZE), expected, atol=1e-4)


def test_a_region_of_the_pictures_own_size_only_shifts() -> None:
    """Exact: whole pixels of the stage are whole pixels of the window."""
    points = standing(*STAGE)[0].round()
    moved = into_window(points, Region(-7, 13, SIZE[1], SIZE[0]), SIZE)
    np.testing.assert_array_equal(moved, points - np.array([-7, 13], np.float32))


# What it does when joints are missing, and over time.


def test_without_ankles_the_torso_tells_where_the_feet_are() -> None:
    whole = figure(0.3, 0.1)
    region, expected = at_rest(hidden(whole, *FEET)), at_rest(whole)
    assert abs(region.height - expected.height) < 0.1 * expected.height
    assert abs((region.y + region.height) - (expected.y + expected.height)) < 0.07 * STAGE[0]
    assert abs(region.x + region.width / 2 - (expected.x + expected.width / 2)) < 8


def test_ankles_lost_for_a_moment_do_not_move_the_window() -> None:
    window, pose = new_window(), figure(0.5)
    for number in range(30):
        before = window.follow(pose, number / 30)
    for number in range(30, 45):
        after = window.follow(hidden(pose, *FEET), number / 30)
    assert abs(after.height - before.height) <= 0.03 * before.height
    assert abs(after.y - before.y) <= 0.03 * before.height


def test_nobody_holds_the_window_where_it_was() -> None:
    window, pose = new_window(), figure(0.2, -0.3)
    region = window.follow(pose, 0.0)
    nobody = Pose(np.zeros((len(JOINTS), 2), np.float32), np.zeros(len(JOINTS), np.float32),
                  0.0, STAGE)  # fmt: skip
    for number in range(1, 200):
        assert window.follow(nobody, number / 30) == region
    assert window.follow(nobody, 100.0) == region, "not even after a gap"


def test_before_anybody_is_seen_the_window_is_near_and_in_the_middle() -> None:
    nobody = hidden(figure(0.0, 0.4), *range(len(JOINTS)))
    near = at_rest(figure(1.0))
    region = at_rest(nobody)
    assert abs(region.height - near.height) <= 1 and abs(region.y - near.y) <= 1
    assert abs(region.x - near.x) <= 1


@pytest.mark.parametrize("at_s", [1.1, 50.0, -0.01, -20.0])
def test_after_a_gap_or_when_time_runs_back_the_window_jumps(at_s: float) -> None:
    window = new_window()
    window.follow(figure(1.0, 0.4), 0.0)
    assert window.follow(figure(0.0, -0.4), at_s) == at_rest(figure(0.0, -0.4))


def middle(region: Region) -> float:
    return region.x + region.width / 2


@pytest.mark.parametrize("at_s", [0.0, 1 / 30, 1.0])
def test_within_a_second_the_window_follows(at_s: float) -> None:
    window = new_window()
    start = window.follow(figure(1.0, 0.4), 0.0)
    goal = at_rest(figure(0.0, -0.4))
    now = window.follow(figure(0.0, -0.4), at_s)
    if at_s == 0:
        assert now == start, "no time, no way"
    else:
        assert middle(goal) - 1 <= middle(now) < middle(start)
        assert goal.height < now.height < start.height


def test_one_far_joint_for_one_frame_is_forgotten_within_half_a_second() -> None:
    """A hand that the tracker throws across the room."""
    window, pose = new_window(), figure(0.5)
    steady = window.follow(pose, 0.0)
    points = pose.points.copy()
    points[INDEX["left_wrist"], 0] = 3 * STAGE[1]
    thrown = window.follow(Pose(points, pose.scores, 0.0, STAGE), 1 / 30)
    assert abs(thrown.x - steady.x) < STAGE[1] / 2
    for number in range(2, 18):
        now = window.follow(pose, number / 30)
    assert abs(now.x - steady.x) <= 3 and now.height == steady.height


def test_the_reset_window_is_as_new() -> None:
    window = new_window()
    window.follow(figure(0.0, 0.4), 0.0)
    window.reset()
    assert window.follow(figure(0.7, -0.1), 1 / 30) == at_rest(figure(0.7, -0.1))


def test_a_smaller_stage_has_the_same_window_in_small() -> None:
    half = (STAGE[0] // 2, STAGE[1] // 2)
    small = StageWindow(BODY, half, SIZE).follow(figure(0.3, 0.2, stage=half), 0.0)
    large = at_rest(figure(0.3, 0.2))
    for name in ("x", "y", "width", "height"):
        assert abs(getattr(small, name) - getattr(large, name) / 2) <= 1.5


# Any pose.

any_points = st_numpy.arrays(
    np.float32, (len(JOINTS), 2),
    elements=st.floats(width=32, allow_nan=True, allow_infinity=True),
    fill=st.floats(-2000, 2000, width=32),
)  # fmt: skip
any_scores = st_numpy.arrays(
    np.float32, len(JOINTS), elements=st.sampled_from([0.0, 0.2, 0.3, 0.9, 1.0, math.nan]),
    fill=st.sampled_from([0.0, 1.0]),
)  # fmt: skip
steps_s = st.one_of(st.floats(0, 0.2), st.sampled_from([0.0, 0.9, 1.5, -0.5]))


@given(st.lists(st.tuples(any_points, any_scores, steps_s), min_size=1, max_size=5))
def test_no_pose_breaks_the_window(
    run: list[tuple[NDArray[np.float32], NDArray[np.float32], float]],
) -> None:
    window, now_s = new_window(), 0.0
    for points, scores, step_s in run:
        now_s += step_s
        region = window.follow(Pose(points, scores, now_s, STAGE), now_s)
        for side in (region.x, region.y, region.width, region.height):
            assert isinstance(side, int)
        assert 16 <= region.height <= 4 * STAGE[0] and region.width > 0
        shape = region.height * SIZE[1] / SIZE[0]
        assert abs(region.width - shape) <= 0.5


places = st_numpy.arrays(np.float32, (len(JOINTS), 2), elements=st.floats(-1e6, 1e6, width=32))


@given(places, any_scores)
def test_whatever_normalization_lets_through_can_be_drawn(
    points: NDArray[np.float32], scores: NDArray[np.float32]
) -> None:
    region = at_rest(Pose(points, scores, 0.0, STAGE))
    moved = into_window(points, region, SIZE)
    assert np.isfinite(moved).all()
    assert draw(moved, scores, SIZE).shape == (*SIZE, 3)


@given(
    st.lists(
        st.tuples(st.floats(-1, 2), st.floats(-1, 1), st.floats(0.001, 0.3)), min_size=1, max_size=8
    ),
    st.integers(-400, 400),
    any_scores,
)
def test_a_pose_shifted_to_the_side_shifts_the_window_as_far(
    walk: list[tuple[float, float, float]], shift_px: int, scores: NDArray[np.float32]
) -> None:
    """From the first frame on; where nobody is seen the window stays in the middle."""
    here, there, now_s = new_window(), new_window(), 0.0
    moved_px = 0 if not (scores[:25] >= 0.3).any() else shift_px
    for depth, x, step_s in walk:
        now_s += step_s
        pose = figure(depth, x)
        a = here.follow(Pose(pose.points, scores, now_s, STAGE), now_s)
        aside = pose.points + np.array([shift_px, 0], np.float32)
        b = there.follow(Pose(aside, scores, now_s, STAGE), now_s)
        assert (b.y, b.width, b.height) == (a.y, a.width, a.height)
        assert abs(b.x - a.x - moved_px) <= 1  # a half may be rounded either way


@given(st.floats(-1, 2), st.floats(-0.6, 0.6))
def test_a_mirrored_pose_mirrors_the_window(depth: float, x: float) -> None:
    pose = figure(depth, x)
    flipped = pose.points.copy()
    flipped[:, 0] = STAGE[1] - flipped[:, 0]
    order = list(MIRROR)
    mirrored = at_rest(Pose(flipped[order], pose.scores[order], 0.0, STAGE))
    region = at_rest(pose)
    assert (mirrored.y, mirrored.height) == (region.y, region.height)
    assert abs(mirrored.x + mirrored.width - (STAGE[1] - region.x)) <= 1


@given(st.sampled_from([0.5, 0.9, 1.0]), st.floats(0.05, 1.0), st.floats(-3, 3))
def test_a_flat_stage_has_one_size(toe: float, tall: float, aside: float) -> None:
    """A target who never walked: near is far."""
    body = BodyStats(toe, toe, tall, tall, 0.35, 1.25)
    window = StageWindow(body, STAGE, SIZE)
    region = window.follow(figure(0.5, aside), 0.0)
    assert abs(region.height - SETTINGS.height * tall * STAGE[0]) <= 0.5 or region.height == 16


def test_a_larger_setting_shows_more() -> None:
    pose = figure(0.5)
    usual, wide = (new_window(given).follow(pose, 0.0) for given in (None, WindowSettings(3.0)))
    assert abs(wide.height - 2 * usual.height) <= 1
    assert abs(wide.y + wide.height - usual.y - usual.height) <= 1, "the feet stay where they are"
