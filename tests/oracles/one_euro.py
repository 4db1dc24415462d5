"""The One Euro filter from its paper's equations: Casiez, Roussel, Vogel, CHI 2012, algorithm 1."""

from __future__ import annotations

import math


def alpha(cutoff_hz: float, dt_s: float) -> float:
    """Equations 3 and 4: tau = 1 / (2 pi fc), alpha = 1 / (1 + tau / Te)."""
    tau = 1 / (2 * math.pi * cutoff_hz)
    return 1 / (1 + tau / dt_s)


def one_euro(
    times_s: list[float],
    values: list[float],
    min_cutoff_hz: float,
    beta: float,
    derivative_cutoff_hz: float,
) -> list[float]:
    """The filtered values of a signal sampled at `times_s`."""
    filtered, derivative = [values[0]], 0.0
    for index in range(1, len(values)):
        dt_s = times_s[index] - times_s[index - 1]
        raw_derivative = (values[index] - filtered[-1]) / dt_s
        weight = alpha(derivative_cutoff_hz, dt_s)
        derivative = weight * raw_derivative + (1 - weight) * derivative
        weight = alpha(min_cutoff_hz + beta * abs(derivative), dt_s)
        filtered.append(weight * values[index] + (1 - weight) * filtered[-1])
    return filtered
