"""`Pacer`: when is a clip's frame due, and is it too late to be worth showing?

A pure function of its state, the frame's place in the clip, and now.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_LAG_S = 1.0  # later than this the clip does not catch up: it goes on from where it is
MAX_SKIPPING_S = 0.1  # on a machine that cannot keep up, something is still shown so often


@dataclass(frozen=True, slots=True)
class Due:
    """What to do with a frame."""

    at_s: float  # clock time to show it at; in the past when it is late
    skip: bool  # the next one is due already: newest wins


class Pacer:
    """Plays media time against the clock. Media time only ever grows (a loop adds to it)."""

    def __init__(self) -> None:
        self._origin_s: float | None = None  # clock time of media time 0
        self._given_s = 0.0  # clock time at which a frame was last given

    def judge(self, media_s: float, lasts_s: float, now_s: float) -> Due:
        """The frame at media time `media_s`, shown for `lasts_s`, at clock time `now_s`."""
        if self._origin_s is None or now_s - (self._origin_s + media_s) > MAX_LAG_S:
            self._origin_s = now_s - media_s
        due_s = self._origin_s + media_s
        late = due_s + lasts_s <= now_s
        if late and now_s - self._given_s < MAX_SKIPPING_S:
            return Due(due_s, skip=True)
        self._given_s = max(due_s, now_s)
        return Due(due_s, skip=False)
