"""The desk's orders about the performer: whom to follow, and how large they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from live.body import BodyStats
from live.desk.desk import Desk
from live.errors import DeskError
from live.live_calibration import LiveCalibration, Measured
from live.show import Watch

CALIBRATION_S = 8.0
LONGEST_S = 600.0


class Performed(Protocol):
    """What follows a performer; `live.show.Show`."""

    def watch(self, watch: Watch | None) -> None: ...
    def follow_at(self, x: float, y: float) -> None: ...
    def follow_any(self) -> None: ...
    def reset_tracking(self) -> None: ...


def bind(
    desk: Desk,
    show: Performed,
    normalizer: Callable[[], Measured],
    save_to: Path | None,
    ended: Callable[[bool], None] | None = None,
) -> None:
    """Let `show` do what the desk is ordered to.

    normalizer: the one that is in use when a calibration ends; save_to: where the measures are
    kept, if anywhere; ended: told on the pose stage's thread whether a calibration went well.
    """

    def follow(x: object, y: object) -> None:
        show.follow_at(_number("person.follow's x", x, 0, 1), _number("person.follow's y", y, 0, 1))

    def calibrate(seconds: object = CALIBRATION_S) -> None:
        seconds_s = _number("normalize.calibrate's time", seconds, 1, LONGEST_S)
        show.watch(LiveCalibration(seconds_s, _Present(normalizer), save_to, ended))

    desk.on_do("person.follow", follow)
    desk.on_do("person.any", show.follow_any)
    desk.on_do("reset", show.reset_tracking)
    desk.on_do("normalize.calibrate", calibrate)


class _Present:
    """Whichever normalizer is in use: another subject may have taken over since."""

    def __init__(self, normalizer: Callable[[], Measured]) -> None:
        self._normalizer = normalizer

    def use(self, performer: BodyStats) -> None:
        self._normalizer().use(performer)


def _number(what: str, value: object, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DeskError(f"{what} is {type(value).__name__}; give a number {low:g} to {high:g}")
    if not low <= value <= high:  # NaN, too; an int may be beyond every float
        shown = f"{value:g}" if abs(value) < 1e9 else "no such number"
        raise DeskError(f"{what} is {shown}; give {low:g} to {high:g}")
    return float(value)
