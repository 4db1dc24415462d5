"""Is a camera or connection alive, and when to try again? Pure functions of (state, now)."""

from __future__ import annotations

import numpy as np

from live.frames import Image

FIRST_DELAY_S = 0.25
LONGEST_DELAY_S = 4.0


class Watch:
    """Judges a feed by the age and the content of its pictures.

    A camera that was unplugged may hang, or hand out its last picture over and over. Real
    sensors are noisy: two pictures equal to the bit are the same picture.
    """

    def __init__(self, stale_after_s: float, open_timeout_s: float, content: bool) -> None:
        self._stale_after_s = stale_after_s
        self._open_timeout_s = open_timeout_s
        self._content = content  # also watch for the same picture over and over
        self._last: Image | None = None
        self._seen_s = self._changed_s = self._fresh_s = 0.0
        self._any = self._alive = False

    @property
    def alive(self) -> bool:
        """A new picture came since the opening, other than the last one before it."""
        return self._alive

    @property
    def lived_s(self) -> float:
        """From the first new picture since the opening to the last one."""
        return self._changed_s - self._fresh_s if self._alive else 0.0

    def opened(self, now_s: float) -> None:
        """The feed is being opened (again)."""
        self._seen_s = self._changed_s = now_s
        self._any = self._alive = False

    def saw(self, image: Image, at_s: float) -> None:
        """A picture arrived."""
        if not self._any:
            self._changed_s = at_s  # an opening may take longer than a picture may stand still
        self._any, self._seen_s = True, at_s
        if self._last is None or not self._content or _differ(image, self._last):
            self._fresh_s = self._fresh_s if self._alive else at_s
            self._changed_s, self._alive = at_s, True
        self._last = image

    def patience_s(self, now_s: float) -> float:
        """How long to wait for the next picture, at most."""
        limit_s = self._stale_after_s if self._any else self._open_timeout_s
        return max(0.0, self._seen_s + limit_s - now_s)

    def trouble(self, now_s: float) -> str | None:
        """What is wrong, or None: "gives no picture for 0.8 s"."""
        if self.patience_s(now_s) <= 0.0:
            return f"gives no picture for {now_s - self._seen_s:.1f} s"
        if self._any and now_s - self._changed_s >= self._stale_after_s:
            return f"repeats the same picture for {now_s - self._changed_s:.1f} s"
        return None


class Backoff:
    """How long to wait before opening again: 0.25 s doubling up to 4 s."""

    def __init__(self) -> None:
        self._delay_s = 0.0

    def after(self, lived_s: float) -> float:
        """The delay after a feed that lived so long; one that lived well starts over."""
        if self._delay_s == 0.0 or lived_s >= LONGEST_DELAY_S:
            self._delay_s = FIRST_DELAY_S
        else:
            self._delay_s = min(2.0 * self._delay_s, LONGEST_DELAY_S)
        return self._delay_s


def _differ(one: Image, other: Image) -> bool:
    """Not the same picture to the bit; a coarse grid settles nearly every case."""
    if one.shape != other.shape:
        return True
    coarse = np.array_equal(one[::16, ::16], other[::16, ::16])
    return not (coarse and np.array_equal(one, other))
