"""The composer's tools: channels that are set, moved and smoothed over the whole dance at once."""

from __future__ import annotations

import numpy as np

from training.studio.choreography import (
    CHANNELS,
    COLUMN,
    FAR,
    NEAR,
    SIDES,
    Array,
    Choreography,
    ease,
    gauss,
    pace,
)

_LAG_S = {
    "elbow": 0.045, "pronate": 0.07, "wrist": 0.10, "fan": 0.10, "curl": 0.13, "spin": 0.02,
    "nod": 0.05, "look": -0.06, "cock": 0.06,
}  # fmt: skip
"""How much later than the trunk a channel moves, in seconds; the eyes' direction leads."""


class Composer:
    """Fills the table, phrase by phrase."""

    def __init__(self, seed: int, seconds: float, fps: float) -> None:
        self.rng = np.random.default_rng([seed, 0x57D10])
        self.fps = fps
        self.beat = float(self.rng.uniform(0.48, 0.53))
        self.margin = 3.0  # seconds composed beyond the end, so that no phrase is cut in its ease
        self.times = np.arange(int(np.ceil((seconds + self.margin) * fps))) / fps
        self.frames = round(seconds * fps)
        self.table = np.zeros((len(self.times), len(CHANNELS)))
        self.place = [4.9, 0.0, 0.0]  # distance, across, facing at the end of what is composed
        self.phrases: list[tuple[float, str]] = []
        self._stay()
        self._rest()

    def finish(self) -> Choreography:
        """Let the arms swing, smooth everything, cut to length."""
        self._swing_arms()
        return Choreography(
            self._smooth()[: self.frames], self.fps, self.beat,
            tuple(p for p in self.phrases if p[0] < self.frames / self.fps),
        )  # fmt: skip

    def set(
        self, name: str, start: float, beats: float, value: Array | float, ease_beats: float = 0.9
    ) -> None:
        """Blend a channel to `value` (scalar or over all times) for `beats` from `start`."""
        span = ease_beats * self.beat
        envelope = ease((self.times - start) / span) * ease(
            (start + beats * self.beat - self.times) / span
        )
        column = self.table[:, COLUMN[name]]
        column += (value - column) * envelope

    def wave(self, start: float, beats_per_cycle: float, phase: float = 0.0) -> Array:
        """A sine over all times, 0 at `start`, in [-1, 1]."""
        return np.sin(2 * np.pi * ((self.times - start) / (beats_per_cycle * self.beat) + phase))

    def go(self, start: float, beats: float, distance: float, across: float, facing: float) -> None:
        """Move the root there; turn first half-beats quickly, walk evenly, arrive softly."""
        span = beats * self.beat
        t = (self.times - start) / span
        old = list(self.place)
        limit = 0.27 * distance - 0.85  # sideways room within the picture
        across = float(np.clip(across, -max(limit, 0.05), max(limit, 0.05)))
        distance = float(np.clip(distance, NEAR, FAR))
        progress = pace(t, 0.18)
        after = self.times >= start
        for name, was, will in (("distance", old[0], distance), ("across", old[1], across)):
            self.table[after, COLUMN[name]] = (was + (will - was) * progress)[after]
        self.turn(start, beats, facing)
        self.place[:2] = [distance, across]

    def turn(self, start: float, beats: float, facing: float) -> None:
        """Turn the heading, the body leading with head and chest."""
        t = (self.times - start) / (beats * self.beat)
        after = self.times >= start
        old = self.place[2]
        self.table[after, COLUMN["facing"]] = (old + (facing - old) * ease(t))[after]
        rate = np.clip(facing - old, -1.2, 1.2) / max(beats, 2)
        bump = np.where((t > 0) & (t < 1), np.sin(np.pi * np.clip(t, 0, 1)) ** 2, 0)
        self.table[:, COLUMN["look"]] += rate * bump * 0.9
        self.table[:, COLUMN["twist"]] += rate * bump * 0.5
        self.place[2] = facing

    def _stay(self) -> None:
        for name, value in zip(("distance", "across", "facing"), self.place, strict=True):
            self.table[:, COLUMN[name]] = value

    def _rest(self) -> None:
        """What goes on underneath: breath, small shifts of weight, relaxed arms and hands."""
        t = self.times
        phases = self.rng.uniform(0, 2 * np.pi, 12)
        base = {
            "spread": 0.13,
            "elbow": 0.28,
            "pronate": 0.25,
            "curl": 0.55,
            "spin": 0.12,
            "wrist": 0.08,
        }
        for number, side in enumerate(SIDES):
            for name, value in base.items():
                drift = 0.07 * abs(value) * np.sin(0.9 * t + phases[number])
                self.table[:, COLUMN[f"{side}_{name}"]] = value + drift
        self.table[:, COLUMN["bend"]] = 0.03 * np.sin(2 * np.pi * t / 3.7 + phases[2])
        self.table[:, COLUMN["look"]] = 0.16 * np.sin(0.61 * t + phases[3]) + 0.08 * np.sin(
            1.7 * t + phases[4]
        )
        self.table[:, COLUMN["nod"]] = 0.05 + 0.05 * np.sin(0.83 * t + phases[5])
        self.table[:, COLUMN["cock"]] = 0.06 * np.sin(0.7 * t + phases[6])
        self.table[:, COLUMN["sway"]] = 0.03 * np.sin(2 * np.pi * t / (4 * self.beat))
        self.table[:, COLUMN["lower"]] = 0.012

    def _swing_arms(self) -> None:
        """Arms and chest counter-swing with the steps wherever the root travels."""
        step = 2 * np.pi * self.times / (2 * self.beat)
        speed = np.hypot(*np.gradient(self.table[:, :2], self.times, axis=0).T) * self.beat
        amount = gauss(np.clip(speed / 0.45, 0, 1), 0.15 * self.fps)
        free = 1 - np.clip(np.abs(self._busy()), 0, 1)
        for sign, side in ((1, "left"), (-1, "right")):
            self.table[:, COLUMN[f"{side}_raise"]] += sign * 0.42 * amount * np.sin(step) * free
            self.table[:, COLUMN[f"{side}_elbow"]] += (
                amount * free * (0.12 + 0.16 * sign * np.sin(step - 0.5))
            )
        self.table[:, COLUMN["twist"]] += -0.10 * amount * np.sin(step)
        self.table[:, COLUMN["turn"]] += 0.09 * amount * np.sin(step)
        self.table[:, COLUMN["roll"]] += 0.035 * amount * np.cos(step)
        self.table[:, COLUMN["lower"]] += amount * (0.012 + 0.010 * np.cos(2 * step))
        self.table[:, COLUMN["tilt"]] += 0.04 * amount

    def _busy(self) -> Array:
        """How much the arms already do, 0 to 1: then they do not swing."""
        lift = [
            np.abs(self.table[:, COLUMN[f"{s}_{n}"]]) for s in SIDES for n in ("raise", "spread")
        ]
        return np.asarray(np.clip((np.max(lift, axis=0) - 0.3) / 0.5, 0, 1))

    def _smooth(self) -> Array:
        """Every channel a little, and the outer joints later than the inner."""
        table = np.empty_like(self.table)
        for name, column in COLUMN.items():
            late = _LAG_S.get(name.split("_", 1)[-1], 0.0)
            shifted = np.interp(self.times - late, self.times, self.table[:, column])
            sharp = name in ("distance", "across") or "kick" in name
            table[:, column] = gauss(shifted, (0.05 if sharp else 0.075) * self.fps)
        return table
