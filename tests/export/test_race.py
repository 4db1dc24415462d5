from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np
import pytest

from export.race import BURST, SLOW_S, Player, race


class Clock:
    """Time passes only where a runner takes it."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_everybody_runs_in_turns_and_cold_runs_do_not_count() -> None:
    clock = Clock()
    calls: list[str] = []

    def runner(name: str, takes_s: float) -> Callable[[], object]:
        def run() -> None:
            # The first of a burst is slower: another one's caches.
            cold = not calls or calls[-1] != name
            calls.append(name)
            clock.now_s += takes_s + (0.4 if cold else 0.0)

        return run

    laps = race({"a": runner("a", 0.01), "b": runner("b", 0.02)}, seconds=0, clock=clock)
    assert calls[:2] == ["a", "b"]  # warm-up
    assert calls[2:] == (["a"] * BURST + ["b"] * BURST) * 3
    assert laps["a"].runs == laps["b"].runs == 3 * (BURST - 1)
    assert laps["a"].median_ms == pytest.approx(10) and laps["a"].p95_ms == pytest.approx(10)
    assert laps["b"].median_ms == pytest.approx(20)


def test_a_slow_net_is_timed_one_run_at_a_time() -> None:
    """A teacher takes seconds a run: its first ones are not thrown away."""
    clock = Clock()
    calls: list[str] = []

    def runner(name: str, takes_s: float) -> Callable[[], object]:
        def run() -> None:
            calls.append(name)
            clock.now_s += takes_s

        return run

    laps = race({"a": runner("a", SLOW_S), "b": runner("b", 0.02)}, seconds=0, clock=clock)
    assert calls[2:] == (["a"] + ["b"] * BURST) * 3
    assert laps["a"].runs == 3 and laps["a"].median_ms == pytest.approx(SLOW_S * 1e3)
    assert laps["b"].runs == 3 * (BURST - 1)


def test_the_race_goes_on_for_as_long_as_it_is_told() -> None:
    clock = Clock()

    def run() -> None:
        clock.now_s += 0.1

    laps = race({"a": run}, seconds=9.95, clock=clock)
    assert laps["a"].runs == 75 and laps["a"].median_ms == pytest.approx(100)


def test_the_player_feeds_the_state_back() -> None:
    class Counting:
        """Its state counts the runs."""

        def run(self, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            return {"next_state": feeds["state"] + 1, "rgba": feeds["label"] + 1}

    labels = [np.full((2, 3, 3), value, np.uint8) for value in (10, 20)]
    player = Player(Counting(), labels)
    assert [int(player()[0, 0, 0]) for _ in range(3)] == [11, 21, 11]
    assert player._state.shape == (1, 4, 2, 3) and (player._state == 3).all()


def test_an_engine_that_keeps_its_state_is_given_none() -> None:
    class Keeping:
        feedback: ClassVar = {"next_state": "state"}

        def run(self, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            assert feeds.keys() == {"label"}
            return {"rgba": feeds["label"] + 1}

    player = Player(Keeping(), [np.full((2, 3, 3), 10, np.uint8)])
    assert player().max() == 11
