"""The kernels against their slow oracles."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.studio import oracles
from training.studio.raster import FAR, fill, normals_of, skin


@pytest.mark.parametrize("seed", range(6))
def test_fill_finds_the_nearest_triangle(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size, count = 14, 9
    screen = rng.uniform(-3, size + 3, (count * 3, 3)).astype(np.float32)
    screen[:, 2] = rng.uniform(1, 5, count * 3)
    triangles = np.arange(count * 3, dtype=np.int32).reshape(-1, 3)
    sheets = rng.random(count) < 0.5
    cut = rng.uniform(-0.5, 1, count * 3).astype(np.float32)
    depth = np.full((size, size), FAR, np.float32)
    faces = np.full((size, size), -1, np.int32)
    first, second = np.zeros_like(depth), np.zeros_like(depth)
    fill(screen, triangles, sheets, cut, depth, faces, first, second)
    expected, distance = oracles.fill(screen, triangles, sheets, cut, size)
    assert (expected >= 0).any()
    # A centre that lies on an edge may fall to either side of it in float32.
    assert (faces != expected).mean() < 0.02
    same = faces == expected
    np.testing.assert_allclose(depth[same], distance[same], rtol=1e-3)


def test_the_kept_weights_give_the_pixel_back() -> None:
    screen = np.array([[1, 1, 2], [3, 12, 2], [13, 4, 2]], np.float32)
    depth, faces = np.full((14, 14), FAR, np.float32), np.full((14, 14), -1, np.int32)
    first, second = np.zeros_like(depth), np.zeros_like(depth)
    triangles = np.array([[0, 1, 2]], np.int32)
    fill(screen, triangles, np.array([True]), np.ones(3, np.float32), depth, faces, first, second)
    rows, columns = np.nonzero(faces == 0)
    assert len(rows) > 20
    v, w = first[rows, columns, None], second[rows, columns, None]
    place = (1 - v - w) * screen[0] + v * screen[1] + w * screen[2]
    np.testing.assert_allclose(place[:, :2] - 0.5, np.column_stack([columns, rows]), atol=1e-4)


def test_skinning_matches_the_oracle() -> None:
    rng = np.random.default_rng(7)
    rest = rng.normal(size=(40, 3)).astype(np.float32)
    bones = rng.integers(0, 5, (40, 4)).astype(np.int32)
    weights = rng.dirichlet(np.ones(4), 40).astype(np.float32)
    turns = rng.normal(size=(5, 3, 3)).astype(np.float32)
    moves = rng.normal(size=(5, 3)).astype(np.float32)
    out = np.empty_like(rest)
    skin(rest, bones, weights, turns, moves, out)
    np.testing.assert_allclose(out, oracles.skin(rest, bones, weights, turns, moves), atol=1e-5)


def test_normals_of_a_ball_point_outwards() -> None:
    polar, turn = np.meshgrid(np.linspace(0.3, 2.8, 9), np.linspace(0, 5.5, 9), indexing="ij")
    ball = np.stack([np.sin(polar) * np.sin(turn), np.cos(polar), np.sin(polar) * np.cos(turn)], -1)
    points = ball.reshape(-1, 3).astype(np.float32)
    corner = (np.arange(8)[:, None] * 9 + np.arange(8)).ravel()
    triangles = np.stack([corner, corner + 9, corner + 1], 1).astype(np.int32)
    out = np.empty_like(points)
    normals_of(points, triangles, out)
    inner = (points * out).sum(1)[10:-20]
    assert inner.min() > 0.9
