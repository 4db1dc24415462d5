from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.framing import MULTIPLE, Framing, stage_width, window_width

sides = st.integers(40, 300)


@given(sides, sides, st.integers(1, 4))
def test_any_picture_comes_out_at_the_asked_size(height: int, width: int, times: int) -> None:
    target = (32 * times, stage_width(32 * times, (height, width)))
    image = np.zeros((height, width, 3), np.uint8)
    assert Framing((height, width), target).image(image).shape == (*target, 3)
    assert target[1] % 2 == 0 and target[1] > 0
    assert abs(target[1] - target[0] * width / height) <= 1 or target[1] == 2


@given(sides, sides, st.floats(0, 300), st.floats(0, 300))
def test_points_are_scaled_alike_in_both_directions(h: int, w: int, x: float, y: float) -> None:
    framing = Framing((h, w), (64, stage_width(64, (h, w))))
    origin, moved = framing.points(np.array([[0, 0], [x, y]], np.float32))
    np.testing.assert_allclose(moved - origin, np.array([x, y]) * 64 / h, rtol=1e-4, atol=1e-3)


@given(st.integers(2, 64))
def test_a_window_is_as_wide_as_spread_arms(times: int) -> None:
    height = MULTIPLE * times
    width = window_width(height)
    assert width % MULTIPLE == 0 and 0 < width < 1.1 * height
    assert abs(width - height * 7 / 9) <= MULTIPLE / 2


def test_the_middle_stays_the_middle_and_the_top_the_top() -> None:
    framing = Framing((1080, 1920), (256, 448))
    np.testing.assert_allclose(framing.points(np.array([[960, 0]], np.float32)), [[224, 0]])


@pytest.mark.parametrize("source", [(200, 300), (200, 120), (199, 301), (40, 60)])
def test_picture_and_points_agree(source: tuple[int, int]) -> None:
    """A bright block ends where its corner's point says."""
    corner = np.array([source[1] * 0.4, source[0] * 0.5], np.float32)
    image = np.zeros((*source, 3), np.uint8)
    image[: int(corner[1]), : int(corner[0])] = 255
    framing = Framing(source, (96, stage_width(96, source)))
    small = framing.image(image)[:, :, 0]
    x, y = framing.points(np.floor(corner)[None])[0]
    columns = (small[10] > 127).sum()
    assert abs(columns - x) <= 1.5
    assert abs((small[:, int(x) // 2] > 127).sum() - y) <= 1.5
