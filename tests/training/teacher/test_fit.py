"""Whole, never squeezed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.errors import SetupError
from tests.training.tiny_footage import background
from training.teacher.fit import Fit, check_size, fitting_size, read_size

SIDES = st.integers(16, 600)


@given(stage=st.tuples(SIDES, SIDES), picture=st.tuples(SIDES, SIDES))
def test_the_whole_stage_lies_inside_in_one_scale(
    stage: tuple[int, int], picture: tuple[int, int]
) -> None:
    fit = Fit(stage, picture)
    (height, width), (top, left) = fit.inner, fit.corner
    assert top >= 0 and top + height <= picture[0]
    assert left >= 0 and left + width <= picture[1]
    # Rounding to whole pixels is all that may differ.
    assert abs(height - stage[0] * fit.scale) <= 1 and abs(width - stage[1] * fit.scale) <= 1
    assert fit.inside().sum() == height * width
    corners = np.array([[0, 0], [stage[1], stage[0]]], np.float32)
    placed = fit.points(corners)
    assert np.abs(placed[0] - [left, top]).max() < 1
    assert np.abs(placed[1] - [left + width, top + height]).max() < 2


def test_wide_footage_gets_edges_and_comes_back() -> None:
    stage = background((144, 256))
    fit = Fit((144, 256), (128, 256))  # the picture is wider than the stage
    laid = fit.image(stage)
    assert laid.shape == (128, 256, 3) and fit.inner == (128, 228)
    assert (laid[:, : fit.corner[1]] == laid[:, fit.corner[1] : fit.corner[1] + 1]).all()
    gap = np.abs(fit.back(laid).astype(int) - stage)
    assert gap.mean() < 3


def test_sizes_are_read_as_the_papers_write_them() -> None:
    assert read_size("512x256") == (256, 512)
    assert fitting_size((1080, 1920), 256, 16) == (256, 464)
    check_size((256, 512), 16)
    for text in ("512", "512x", "axb", "-4x8"):
        with pytest.raises(SetupError, match="write width x height"):
            read_size(text)
    with pytest.raises(SetupError, match="448x256 would do"):
        check_size((256, 455), 16)
    with pytest.raises(SetupError, match="at least 64"):
        check_size((32, 512), 16)
