"""A machine that cannot keep up shows fewer pictures, and none of them later than it must.

Real threads; what a stage costs is waited for, so that only the ratio to the source's rate counts.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from itertools import pairwise
from statistics import median

import numpy as np
import pytest

from live.frames import Frame, Picture, Pose, Sighting
from live.latest import Closed, Latest
from live.show import Show
from live.sources import Grabber, ScriptedSource
from live.timing import Timing

SOURCE_FPS = 100.0
EASY_S, BUSY_S = 0.002, 0.05  # what each stage costs: a fifth of the source's pace, and five times
STAGES = 3
EASY, BUSY = 40, 45  # pictures to look at


class Costs:
    """The stages' work: takes its time, and notes which frame each picture answers."""

    def __init__(self) -> None:
        self.cost_s = EASY_S
        self.grabber: Grabber | None = None
        self.ages: list[int] = []  # frames that the source has given since, for each picture
        self.at_s: list[float] = []
        self._number: dict[float, int] = {}

    def work(self) -> None:
        threading.Event().wait(self.cost_s)

    def estimate(self, frame: Frame) -> Pose | None:
        self._number[frame.captured_s] = frame.sequence
        self.work()
        return None

    def make(self, sighting: Sighting, now_s: float) -> Picture:
        self.work()
        image = np.zeros((16, 16, 3), np.uint8)
        return Picture(image, sighting.captured_s, sighting.sequence, "generated")

    def publish(self, picture: Picture) -> None:
        self.work()
        number = self._number.get(picture.captured_s)
        if number is not None and self.grabber is not None:
            self.ages.append(self.grabber.grabbed - 1 - number)
            self.at_s.append(time.monotonic())

    def reset(self) -> None:
        pass

    def follow_at(self, x: float, y: float) -> None:
        pass

    def follow_any(self) -> None:
        pass

    def close(self) -> None:
        pass


class Queue(Latest[Frame]):
    """What a peer puts between camera and model: everything waits its turn."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: deque[Frame] = deque()

    def put(self, item: Frame) -> None:
        with self._changed:
            self._waiting.append(item)
            self._changed.notify()

    def take(self, timeout_s: float | None = None) -> Frame | None:
        with self._changed:
            self._changed.wait_for(lambda: bool(self._waiting) or self._closed, timeout_s)
            if self._closed:
                raise Closed
            return self._waiting.popleft() if self._waiting else None


def run(frames: Latest[Frame]) -> tuple[list[int], list[int], float]:
    """Ages of the pictures at ease and under load, and how many times fewer there were."""
    costs = Costs()
    source = ScriptedSource([np.zeros((8, 8, 3), np.uint8)], pace_fps=SOURCE_FPS, loop=True)
    grabber = costs.grabber = Grabber(source, frames)
    show = Show(grabber, frames, costs, costs, costs, Timing())
    show.start()
    wait_for(costs, EASY)
    costs.cost_s = BUSY_S
    wait_for(costs, EASY + BUSY)
    show.close()
    spaces_s = [late - early for early, late in pairwise(costs.at_s)]
    slower = median(spaces_s[EASY + STAGES :]) / median(spaces_s[:EASY])
    return costs.ages[:EASY], costs.ages[EASY + STAGES : EASY + BUSY], slower


def wait_for(costs: Costs, pictures: int) -> None:
    deadline_s = time.monotonic() + 60
    while len(costs.ages) < pictures:
        assert time.monotonic() < deadline_s
        threading.Event().wait(0.01)


def grows(ages: list[int]) -> bool:
    """Whether the last third is much older than the first: pictures come ever later."""
    third = len(ages) // 3
    return median(ages[-third:]) > 1.5 * median(ages[:third]) + 2


def test_under_load_the_rate_falls_and_the_delay_stays_bounded() -> None:
    at_ease, busy, slower = run(Latest())
    per_stage = BUSY_S * SOURCE_FPS  # frames that come while one stage works once
    print(f"\nat ease {median(at_ease):.0f} frames old; under load {median(busy):.0f}, "
          f"{max(busy)} at most, pictures {slower:.1f} times fewer")  # fmt: skip
    assert slower > 1.5, "the rate is what falls"
    assert not grows(busy)
    # Each stage's work, and a wait for each mailbox's reader of one such work at most.
    assert median(busy) <= 2 * STAGES * per_stage


def test_a_queue_would_be_found_out() -> None:
    _, busy, _ = run(Queue())
    print(f"\nthrough a queue: {busy[0]} frames old, then {busy[-1]}")
    assert grows(busy)


def test_a_mailbox_holds_one_thing() -> None:
    """No queue anywhere: what was not taken in time is counted, and gone."""
    box: Latest[int] = Latest()
    for number in range(1000):
        box.put(number)
    assert (box.take(0), box.take(0), box.dropped) == (999, None, 999)


@pytest.mark.parametrize("ages", [[5] * 30, [5, 9, 4] * 10])
def test_steady_ages_do_not_grow(ages: list[int]) -> None:
    assert not grows(ages)
