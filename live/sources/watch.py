"""Is a camera or connection alive, and when to try again? Pure functions of (state, now)."""

from __future__ import annotations

import numpy as np

from live.frames import Image

FIRST_DELAY_S = 0.25
LONGEST_DELAY_S = 4.0
DARK_AFTER_S = 0.8  # that a picture is black is said after so long
DARK_LEVEL = 40  # of 255; no sample of a black picture is brighter, its noise included
DARK_MEAN = 10.0  # of 255; nor is their mean


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
        self._lit_s = 0.0  # when there was last something to see
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
        self._seen_s = self._changed_s = self._lit_s = now_s
        self._any = self._alive = False

    def saw(self, image: Image, at_s: float) -> None:
        """A picture arrived."""
        if not self._any:
            # An opening may take longer than a picture may stand still, or be black.
            self._changed_s = self._lit_s = at_s
        self._any, self._seen_s = True, at_s
        if self._last is None or not self._content or _differ(image, self._last):
            self._fresh_s = self._fresh_s if self._alive else at_s
            self._changed_s, self._alive = at_s, True
        if self._content and not _is_dark(image):
            self._lit_s = at_s
        self._last = image

    def dark_s(self) -> float:
        """How long the newest pictures have been black, seconds; 0 where black is no news."""
        dark_s = self._seen_s - self._lit_s if self._content else 0.0
        return dark_s if dark_s >= DARK_AFTER_S else 0.0

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


class RateWatch:
    """Judges the rate at which pictures really arrive; says so at each turn for the worse."""

    def __init__(self, expected_fps: float | None, known_after_s: float, tolerance: float) -> None:
        """`tolerance` is relative; what is judged wrong must come back within half of it."""
        self._expected_fps = expected_fps
        self._known_after_s = known_after_s
        self._tolerance = tolerance
        self._wrong = False

    def judge(self, fps: float, lived_s: float) -> str | None:
        """What is wrong, or None: "delivers 10.0 fps, 30 were asked for"."""
        expected_fps = self._expected_fps
        if expected_fps is None or lived_s < self._known_after_s:
            self._wrong = False
            return None
        allowed = self._tolerance * expected_fps / (2 if self._wrong else 1)
        self._wrong = abs(fps - expected_fps) > allowed
        return f"delivers {fps:.1f} fps, {expected_fps:g} were asked for" if self._wrong else None


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


def _is_dark(image: Image) -> bool:
    """Nothing to see but noise, on a coarse grid."""
    seen = image[::16, ::16]
    return bool(seen.max() <= DARK_LEVEL and seen.mean() <= DARK_MEAN)


def _differ(one: Image, other: Image) -> bool:
    """Not the same picture to the bit; a coarse grid settles nearly every case."""
    if one.shape != other.shape:
        return True
    coarse = np.array_equal(one[::16, ::16], other[::16, ::16])
    return not (coarse and np.array_equal(one, other))
