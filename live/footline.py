"""Where the performer's feet stand in each frame, seen or not, without a jump between the two."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from live.fit import SHOULDERS_TO_TORSO
from live.measure import NECK_Y, SHOULDERS, TOE, TORSO

_EASE_S = 0.5  # time constant with which a switch between ways of knowing is smoothed away
_LEARN_S = 2.0  # time constant of the body's own proportions
_NECK_SHARE = 0.14  # eyes to neck over eyes to ankles, of adults


class FootLine:
    """Follows the foot line: by the ankles, else by the torso, else by the shoulders, else held.

    On a change of way the difference is kept as an offset that fades, so the line never jumps.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._way = ""
        self._last: float | None = None
        self._offset = 0.0
        self._drop: float | None = None  # neck to feet, in torso lengths
        self._torso: float | None = None  # slow, so that leaning does not lift the feet

    def follow(self, measures: NDArray[np.float64], torso_share: float, dt_s: float) -> float:
        """The foot line (y in frame heights) `dt_s` after the last; NaN until anything is seen.

        measures: see `live.measure`; torso_share: neck to mid-hip over body height.
        """
        toe, neck, torso = (float(measures[at]) for at in (TOE, NECK_Y, TORSO))
        way = "ankles" if math.isfinite(toe) else "torso"
        if not math.isfinite(torso):
            torso = float(measures[SHOULDERS]) * SHOULDERS_TO_TORSO
            way = "ankles" if way == "ankles" else "shoulders"
        if math.isfinite(torso):
            self._torso = _eased(self._torso, torso, dt_s, _EASE_S)
        if way == "ankles":
            self._learn(toe - neck, dt_s)
            return self._switch(way, toe, dt_s)
        if self._torso is None or not math.isfinite(neck):
            return self._last if self._last is not None else math.nan
        drop = self._drop or (1 - _NECK_SHARE) / torso_share
        return self._switch(way, neck + drop * self._torso, dt_s)

    def _learn(self, fall: float, dt_s: float) -> None:
        if self._torso and math.isfinite(fall) and 1 < fall / self._torso < 5:
            self._drop = _eased(self._drop, fall / self._torso, dt_s, _LEARN_S)

    def _switch(self, way: str, line: float, dt_s: float) -> float:
        if self._last is not None and way != self._way:
            self._offset = self._last - line
        else:
            self._offset *= math.exp(-dt_s / _EASE_S)
        self._way = way
        self._last = line + self._offset
        return self._last


def _eased(old: float | None, new: float, dt_s: float, time_constant_s: float) -> float:
    """`old` moved towards `new` as a first-order lag would in `dt_s`."""
    return new if old is None else new + (old - new) * math.exp(-dt_s / time_constant_s)
