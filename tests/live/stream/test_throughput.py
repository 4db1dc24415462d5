from __future__ import annotations

import pytest

from live.stream.throughput import Throughput


def test_nothing_is_said_of_too_short_a_time() -> None:
    made = Throughput()
    assert made.bits_per_s == 0
    made.add(1000, 5.0)
    made.add(1000, 5.4)
    assert made.bits_per_s == 0


def test_a_steady_stream_has_its_rate_and_old_bytes_are_forgotten() -> None:
    made = Throughput()
    for number in range(100):
        made.add(100_000 if number < 30 else 1000, number / 30)
    assert made.bits_per_s == pytest.approx(8 * 30_000, rel=0.05)
