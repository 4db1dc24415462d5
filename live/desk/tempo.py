"""The tempo: tapped or set, and when what waits for a beat is due."""

from __future__ import annotations

import threading
import time

from live.desk.desk import Desk
from live.desk.parameters import Value
from live.desk.table import BEATS
from live.desk.tempo_grid import BAR, Grid, Taps, tapped
from live.timing import Clock

NOW, BEAT, BAR_ = BEATS
_BEATS_IN = {BEAT: 1, BAR_: BAR}

BPM, LEAD, DELAY = "tempo", "tempo.lead", "delay"


class Tempo:
    """Follows the desk's `tap` and `tempo`. From any thread."""

    def __init__(self, desk: Desk, clock: Clock = time.monotonic) -> None:
        self._desk = desk
        self._clock = clock
        self._lock = threading.Lock()
        self._taps = Taps()
        self._grid = Grid(float(desk.value(BPM)), clock())
        desk.on_do("tap", self.tap)
        desk.on_set(BPM, self._set)

    @property
    def grid(self) -> Grid:
        """Where the beats are."""
        return self._grid

    def beats(self) -> float:
        """Since the first one, such as 2.5: where in the bar the show is."""
        grid = self._grid
        return round((self._clock() - grid.one_s) / grid.beat_s, 3)

    def tap(self) -> None:
        """Somebody tapped, now."""
        with self._lock:
            self._taps, self._grid = tapped(self._taps, self._grid, self._clock())
            bpm = self._grid.bpm
        if bpm != self._desk.value(BPM):
            self._desk.follow(BPM, bpm)

    def due_s(self, on: str, now_s: float) -> float:
        """When what is to be seen on the next `on` ("now", "beat", "bar") must happen."""
        if on not in _BEATS_IN:
            return now_s
        return self._grid.next_s(now_s, _BEATS_IN[on], self.lead_s())

    def lead_s(self) -> float:
        """How long before the beat: as it is set, else the delay that the show measures.

        The measured delay also counts finding the pose, which a cue does not wait for, and leaves
        out the network and the viewer's screen, which it does: they are of like size.
        """
        lead_ms = float(self._desk.value(LEAD)) or float(self._desk.value(DELAY))
        return lead_ms / 1e3

    def _set(self, value: Value) -> None:
        with self._lock:
            self._taps = Taps()
            self._grid = self._grid.at(float(value), self._clock())
