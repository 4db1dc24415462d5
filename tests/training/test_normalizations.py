from __future__ import annotations

import copy

import numpy as np
import pytest

from live.body import BodyStats
from training.dataset import Dataset
from training.normalizations import normalized_as_in_the_paper, unnormalized


def test_without_normalization_heights_agree_and_nothing_else(tiny_dataset: Dataset) -> None:
    data, frames = tiny_dataset, np.arange(5)
    points, scores = unnormalized(data, frames, data.stage)
    np.testing.assert_allclose(points, data.points[:5], atol=1e-4)
    np.testing.assert_array_equal(scores, data.scores[:5])
    height, width = data.stage
    points, _ = unnormalized(data, frames, (2 * height, 3 * width))
    middle = np.array([1.5 * width, 0])
    np.testing.assert_allclose(
        points - middle, 2 * (data.points[:5] - np.array([width / 2, 0])), atol=1e-3
    )


def test_the_papers_is_the_formula(tiny_dataset: Dataset) -> None:
    """A performer who walks from far to near, and a target of half the size and depth."""
    walker = copy.copy(tiny_dataset)
    near = np.linspace(0, 1, len(walker))[:, None]
    foot = 0.7 + 0.2 * near  # of the height
    size = 0.5 + 0.2 * near  # how much of its own height the figure has
    x, y = (tiny_dataset.points[:, :, axis] / tiny_dataset.stage[0] for axis in (0, 1))
    toes = y[:, [11, 14]].max(1)[:, None]
    height, width = walker.stage
    middle = width / height / 2
    walker.points = np.stack(
        [(middle + (x - middle) * size) * height, (foot + (y - toes) * size) * height], 2
    ).astype(np.float32)
    target = BodyStats(0.9, 0.8, 0.25, 0.2, 0.33, width / height)
    # Far is half as far from the median as near is: the supplement's guard against jumps.
    frames = np.array([np.abs(foot - place).argmin() for place in (0.75, 0.8, 0.9)])
    points, _ = normalized_as_in_the_paper(walker, frames, target, walker.stage)
    feet = points[:, [11, 14], 1].max(1) / height
    # From far to near the foot line runs over the target's whole depth.
    np.testing.assert_allclose(feet, [0.8, 0.8 + 0.1 / 3, 0.9], atol=0.004)
    heads = points[:, [0, 15, 16, 17, 18], 1].min(1) / height
    assert feet[2] - heads[2] == pytest.approx(0.25, abs=0.02)
    assert feet[0] - heads[0] == pytest.approx(0.2, abs=0.03)


def test_a_performer_who_is_the_target_stays_in_place(tiny_dataset: Dataset) -> None:
    data, frames = tiny_dataset, np.arange(20, 40)
    points, scores = normalized_as_in_the_paper(data, frames, data.body, data.stage)
    gap = np.abs(points - data.points[frames])[scores > 0]
    assert gap.max() < 1.5  # the tail, which the body's statistics leave out, shifts them a little
