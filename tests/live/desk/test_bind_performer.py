"""What the desk orders about the performer, carried out by a stand-in for the show."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.figure import clip
from live.body import BodyStats
from live.calibrate import load_performer
from live.desk.bind_performer import bind
from live.desk.desk import Desk
from live.errors import DeskError
from live.frames import Sighting
from live.show import Watch

WALK = clip(4.0)


class Following:
    """A show's part that follows: notes what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.watching: list[Watch | None] = []

    def watch(self, watch: Watch | None) -> None:
        self.watching.append(watch)

    def follow_at(self, x: float, y: float) -> None:
        self.told.append((x, y))

    def follow_any(self) -> None:
        self.told.append("any")

    def reset_tracking(self) -> None:
        self.told.append("reset")


class Measuring:
    """A normalizer's part that takes measures."""

    def __init__(self) -> None:
        self.used: list[BodyStats] = []

    def use(self, performer: BodyStats) -> None:
        self.used.append(performer)


class Bound:
    """A desk with its orders bound, as the show binds them."""

    def __init__(self, save_to: Path | None = None) -> None:
        self.desk, self.show = Desk(), Following()
        self.normalizer = Measuring()
        self.ended: list[bool] = []
        bind(self.desk, self.show, lambda: self.normalizer, save_to, self.ended.append)

    def walk(self, seconds: float) -> None:
        watch = self.show.watching[-1]
        assert watch is not None
        for number in range(int(seconds * 30)):
            pose = replace(WALK[number % len(WALK)], captured_s=number / 30)
            watch.see(Sighting(pose, number / 30, number))


def test_whom_to_follow() -> None:
    bound = Bound()
    bound.desk.do("person.follow", 0.25, 1, by="console")
    bound.desk.do("person.any", by="osc")
    bound.desk.do("reset", by="midi")
    assert bound.show.told == [(0.25, 1.0), "any", "reset"]


@pytest.mark.parametrize(
    "where", [(), (0.5,), (0.5, 0.5, 0.5), (-0.1, 0), (0, 1.01), ("a", 0), (None, 0), (True, 0),
              (math.nan, 0), (0, math.inf), (10**400, 0), ([0.5], 0.5)],
    ids=["nothing", "one", "three", "left of it", "below it", "text", "null", "switch", "nan",
         "inf", "huge", "list"],
)  # fmt: skip
def test_a_point_that_is_none_is_refused(where: tuple[object, ...]) -> None:
    bound = Bound()
    with pytest.raises(DeskError, match=r"person\.follow") as error:
        bound.desk.do("person.follow", *where, by="console")
    assert len(str(error.value)) < 120 and bound.show.told == []


def test_calibrate_now_measures_tells_the_normalizer_in_use_and_keeps_it(tmp_path: Path) -> None:
    kept = tmp_path / "me.json"
    bound = Bound(kept)
    bound.desk.do("normalize.calibrate", 2, by="console")
    before, bound.normalizer = bound.normalizer, Measuring()  # another subject takes over
    bound.walk(2.2)
    assert bound.ended == [True] and before.used == []
    (stats,) = bound.normalizer.used
    assert load_performer(kept).height_near == pytest.approx(stats.height_near)


def test_a_second_calibration_begins_anew_and_none_given_means_eight_seconds() -> None:
    bound = Bound()
    bound.desk.do("normalize.calibrate", 2, by="console")
    bound.walk(1.5)
    bound.desk.do("normalize.calibrate", by="osc")
    first, second = bound.show.watching
    assert first is not second
    bound.walk(7.8)
    assert bound.ended == []
    bound.walk(8.2)
    assert bound.ended == [True]


@pytest.mark.parametrize("seconds", [0, 601, -1, "long", math.nan, True])
def test_a_time_that_is_none_is_refused(seconds: object) -> None:
    bound = Bound()
    with pytest.raises(DeskError, match=r"normalize\.calibrate.* (600|finite one)$"):
        bound.desk.do("normalize.calibrate", seconds, by="console")
    assert bound.show.watching == []
