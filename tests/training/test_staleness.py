"""How late a real picture may come, on pictures whose distance is known in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from live.frames import Image
from training.staleness import as_late_ms


class Levels:
    """Distance: the mean difference, levels."""

    name = "levels"

    def between(self, truth: Image, found: Image) -> float:
        return float(np.abs(truth.astype(float) - found).mean())


def brightening(count: int, by: int) -> list[Image]:
    return [np.full((4, 4, 3), number * by, np.uint8) for number in range(count)]


def test_a_picture_that_is_off_by_as_much_as_three_frames_change_is_three_frames_late() -> None:
    truths = brightening(100, by=2)
    times_s = np.arange(100) / 25
    assert as_late_ms(np.full(100, 6.0), truths, times_s, Levels()) == pytest.approx(3 * 40)
    assert as_late_ms(np.full(100, 5.0), truths, times_s, Levels()) == pytest.approx(2.5 * 40)


def test_the_truth_itself_is_never_late() -> None:
    truths = brightening(20, by=2)
    assert as_late_ms(np.zeros(20), truths, np.arange(20) / 30, Levels()) == 0


def test_nothing_that_moves_too_little_is_ever_too_late() -> None:
    truths = brightening(100, by=0)
    assert as_late_ms(np.full(100, 6.0), truths, np.arange(100) / 30, Levels()) is None


def test_frames_that_are_missing_count_with_their_time() -> None:
    truths = brightening(40, by=2)
    times_s = np.arange(40) / 10
    assert as_late_ms(np.full(40, 2.0), truths, times_s, Levels()) == pytest.approx(100)
