from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.frames import Image, Layer, Region
from live.generator import compose
from tests.training.tiny_footage import background, picture_at
from training.views import grown, on_stage, view

STAGE = (128, 160)
SIZE = (96, 64)

corners = st.integers(-300, 300)
sides = st.integers(1, 300)
regions = st.builds(Region, corners, corners, sides, sides)


def clamped(image: Image, region: Region) -> Image:
    """The region's own pixels; beyond an edge, the nearest that there is. The slow way."""
    rows = np.clip(np.arange(region.y, region.y + region.height), 0, image.shape[0] - 1)
    columns = np.clip(np.arange(region.x, region.x + region.width), 0, image.shape[1] - 1)
    return image[rows][:, columns]


@pytest.mark.parametrize(
    ("region", "how"),
    [
        (Region(10, 4, 80, 120), cv2.INTER_AREA),
        (Region(0, 0, 160, 128), cv2.INTER_AREA),
        (Region(10, 20, 64, 96), cv2.INTER_AREA),
        (Region(30, 31, 40, 60), cv2.INTER_CUBIC),
        (Region(159, 127, 1, 1), cv2.INTER_CUBIC),
    ],
)
def test_a_window_inside_is_the_slice_resized(region: Region, how: int) -> None:
    for image in (picture_at(3), picture_at(3)[:, :, 0], picture_at(3)[:, :, 1] / np.float32(255)):
        cut = image[region.y : region.y + region.height, region.x : region.x + region.width]
        found = view(image, region, SIZE)
        assert found.dtype == image.dtype
        np.testing.assert_array_equal(found, cv2.resize(cut, SIZE[::-1], interpolation=how))


def test_a_window_of_the_pictures_own_size_is_the_slice_itself() -> None:
    image = picture_at(5)
    found = view(image, Region(40, 9, SIZE[1], SIZE[0]), SIZE)
    np.testing.assert_array_equal(found, image[9 : 9 + SIZE[0], 40 : 40 + SIZE[1]])


@given(regions)
def test_beyond_the_edges_the_border_goes_on(region: Region) -> None:
    """At its own size, that nothing but the cut is tested; wholly outside, too."""
    image = picture_at(3)
    found = view(image, region, (region.height, region.width))
    np.testing.assert_array_equal(found, clamped(image, region))


@given(regions, st.booleans())
def test_the_scaled_window_equals_the_scaled_slow_one(region: Region, flat: bool) -> None:
    image = picture_at(3)[:, :, 0] if flat else picture_at(3)
    found = view(image, region, SIZE)
    assert found.shape == (*SIZE, *image.shape[2:])
    how = cv2.INTER_AREA if region.height >= SIZE[0] else cv2.INTER_CUBIC
    slow = cv2.resize(clamped(image, region), SIZE[::-1], interpolation=how)
    np.testing.assert_array_equal(found, slow)


@pytest.mark.parametrize(
    ("region", "row", "column"),
    [
        (Region(0, -500, 160, 200), 0, None),
        (Region(0, 128, 160, 200), 127, None),
        (Region(-100, 0, 100, 128), None, 0),
        (Region(160, 0, 100, 128), None, 159),
    ],
)
def test_wholly_outside_there_is_the_edge(
    region: Region, row: int | None, column: int | None
) -> None:
    image = background()
    found = view(image, region, (region.height, region.width))
    edge = image[row] if row is not None else image[:, column][:, None]
    np.testing.assert_array_equal(found, np.broadcast_to(edge, found.shape))


def test_a_window_at_the_end_of_the_world_costs_no_more_than_any() -> None:
    far = Region(10**12, -(10**12), 66, 99)
    corner = np.broadcast_to(background()[0, -1], (*SIZE, 3))
    np.testing.assert_array_equal(view(background(), far, SIZE), corner)


def test_what_was_cut_out_goes_back_to_its_place() -> None:
    """The stage's own composite is the inverse: near enough for smooth pictures, and unshifted."""
    image = background()
    for region in (Region(20, 10, 80, 120), Region(-30, -20, 90, 130), Region(100, 30, 66, 99)):
        seen = view(image, region, SIZE)
        opaque = np.dstack([seen, np.full(SIZE, 255, np.uint8)])
        back = compose(np.zeros_like(image), [Layer(opaque, region)])
        top, left = max(region.y, 0), max(region.x, 0)
        bottom = min(region.y + region.height, STAGE[0])
        right = min(region.x + region.width, STAGE[1])
        inside = (slice(top, bottom), slice(left, right))
        gap = np.abs(back[inside].astype(int) - image[inside])
        assert gap.mean() < 2
        aside = np.abs(np.roll(back, 1, 1)[inside].astype(int) - image[inside])
        below = np.abs(np.roll(back, 1, 0)[inside].astype(int) - image[inside])
        assert gap.mean() < 0.5 * min(aside.mean(), below.mean())


over_an_edge = st.builds(
    Region,
    st.integers(-20, 0) | st.integers(150, 160), st.integers(-20, 0) | st.integers(118, 128),
    st.integers(1, 40), st.integers(1, 40),
)  # fmt: skip


@given(regions | over_an_edge)
def test_on_stage_is_where_a_pixels_middle_lies_on_it(region: Region) -> None:
    inside = on_stage(region, STAGE, SIZE)
    assert inside.shape == SIZE and inside.dtype == np.bool_
    # In whole numbers: the middle of pixel n of N lies (2 n + 1) / 2 N along the side.
    rows = [
        0 <= 2 * SIZE[0] * region.y + (2 * y + 1) * region.height < 2 * SIZE[0] * STAGE[0]
        for y in range(SIZE[0])
    ]
    columns = [
        0 <= 2 * SIZE[1] * region.x + (2 * x + 1) * region.width < 2 * SIZE[1] * STAGE[1]
        for x in range(SIZE[1])
    ]
    np.testing.assert_array_equal(inside, np.outer(rows, columns))


@given(regions)
def test_on_stage_agrees_with_the_view(region: Region) -> None:
    """At the region's own size: what is on stage is the stage's, all else repeats its edge."""
    size = (region.height, region.width)
    inside = on_stage(region, STAGE, size)
    rows = np.arange(region.y, region.y + region.height)[:, None]
    columns = np.arange(region.x, region.x + region.width)[None]
    on = (rows >= 0) & (rows < STAGE[0]) & (columns >= 0) & (columns < STAGE[1])
    np.testing.assert_array_equal(inside, on)
    if on.any():
        image = picture_at(2)
        top, left = max(region.y, 0), max(region.x, 0)
        kept = image[top : rows.max() + 1, left : columns.max() + 1].reshape(-1, 3)
        np.testing.assert_array_equal(view(image, region, size)[inside], kept)


@given(regions, st.floats(0.1, 3))
def test_a_grown_region_keeps_its_middle(region: Region, factor: float) -> None:
    large = grown(region, factor)
    assert large.width == max(round(region.width * factor), 1)
    assert large.height == max(round(region.height * factor), 1)
    assert abs((2 * large.x + large.width) - (2 * region.x + region.width)) <= 2
    assert abs((2 * large.y + large.height) - (2 * region.y + region.height)) <= 2


@given(regions)
def test_a_region_grown_by_one_is_itself(region: Region) -> None:
    assert grown(region, 1.0) == region
