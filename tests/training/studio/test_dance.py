"""Choreography and footwork: seeded, within the picture, the same for every body."""

from __future__ import annotations

import numpy as np
import pytest

from training.studio.choreography import FAR, NEAR, SIDES, ease
from training.studio.footwork import plan_steps
from training.studio.vocabulary import VOCABULARY, compose


def test_a_seed_gives_one_dance_and_another_seed_another() -> None:
    first, again, other = compose(4, 12, 25), compose(4, 12, 25), compose(5, 12, 25)
    assert np.array_equal(first.table, again.table)
    assert first.phrases == again.phrases
    assert first.phrases != other.phrases
    assert np.abs(first.table - other.table).max() > 0.3


def test_a_longer_dance_begins_like_a_shorter() -> None:
    short, long = compose(2, 8, 25), compose(2, 20, 25)
    np.testing.assert_allclose(short.table, long.table[: len(short.table)], atol=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_every_dance_stays_on_its_stage_and_is_smooth(seed: int) -> None:
    dance = compose(seed, 40, 25)
    assert np.isfinite(dance.table).all()
    distance = dance.channel("distance")
    assert distance.min() >= NEAR - 0.05 and distance.max() <= FAR + 0.05
    assert np.abs(dance.channel("across")).max() < 1.2
    # No channel jumps: less than 20 radians (or leg lengths) a second anywhere.
    assert np.abs(np.diff(dance.table, axis=0)).max() * 25 < 20


def test_a_hundred_seconds_cover_the_whole_vocabulary() -> None:
    names = [name for _, name in compose(1, 100, 10).phrases]
    assert set(names) == set(VOCABULARY)
    assert len(names) > 1.5 * len(VOCABULARY)


def test_a_planted_foot_does_not_move() -> None:
    dance = compose(1, 30, 30)
    work = plan_steps(dance, 0.25)
    for side in SIDES:
        steps = work.side(side)
        down = (steps.swing[1:] == 0) & (steps.swing[:-1] == 0)
        assert down.mean() > 0.3
        assert (steps.swing > 0).any()
        np.testing.assert_array_equal(np.diff(steps.ground, axis=0)[down], 0)
        np.testing.assert_array_equal(steps.lift[steps.swing == 0], 0)


def test_one_foot_is_always_on_the_floor() -> None:
    work = plan_steps(compose(3, 40, 30), 0.25)
    assert not ((work.left.swing > 0) & (work.right.swing > 0)).any()


def test_ease_is_a_step_without_a_jerk_at_its_ends() -> None:
    t = np.linspace(-0.5, 1.5, 201)
    curve = ease(t)
    assert curve[t <= 0].max() == 0 and curve[t >= 1].min() == 1
    assert (np.diff(curve) >= 0).all()
    np.testing.assert_allclose(ease(0.5), 0.5)
