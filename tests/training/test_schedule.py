from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.errors import SetupError
from training.schedule import (
    PHASES,
    WARM_UP_STEPS,
    Budget,
    average_decay,
    learning_rate,
    phase_at,
)


@given(st.floats(0, 1), st.floats(0, 1), st.integers(WARM_UP_STEPS, 10**6))
def test_the_rate_falls_with_progress_and_never_ends(a: float, b: float, step: int) -> None:
    early, late = sorted((a, b))
    assert learning_rate(1e-3, step, late) * 1.000001 >= 0.02e-3
    assert learning_rate(1e-3, step, late) <= learning_rate(1e-3, step, early) <= 1e-3


def test_it_warms_up() -> None:
    assert learning_rate(1e-3, 0, 0) == pytest.approx(1e-3 / WARM_UP_STEPS)
    assert learning_rate(1e-3, WARM_UP_STEPS, 0) == pytest.approx(1e-3)


def test_phases_follow_each_other_and_fill_the_whole() -> None:
    assert sum(phase.share for phase in PHASES) == pytest.approx(1)
    assert phase_at(0, PHASES) == 0
    assert phase_at(PHASES[0].share, PHASES) == 1
    assert phase_at(1.0, PHASES) == len(PHASES) - 1
    assert not PHASES[0].adversarial and PHASES[-1].adversarial
    assert not PHASES[0].perceptual and PHASES[-1].perceptual


def test_progress_by_steps_or_by_minutes() -> None:
    assert Budget(steps=10).progress(5, 1e9) == 0.5
    assert Budget(minutes=2).progress(10**6, 30) == 0.25
    assert Budget(minutes=2).progress(0, 1e9) == 1
    for wrong in (
        (None, None),
        (1.0, 1),
        (0.0, None),
        (-1.0, None),
        (None, 0),
        (float("inf"), None),
    ):
        with pytest.raises(SetupError):
            Budget(*wrong)


def test_the_average_remembers_longer_and_longer() -> None:
    decays = [average_decay(step) for step in (0, 10, 100, 10**5)]
    assert decays == sorted(decays) and decays[0] < 0.2 and decays[-1] < 1
