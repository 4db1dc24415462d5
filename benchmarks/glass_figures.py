"""What a page's notes amount to: delays, jitter, freezes, drops and recovery. Pure functions."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from benchmarks.glass_source import Moment
from live.timing import Spread, spread

FREEZE_WINDOW = 30
"""Intervals whose mean a freeze is measured against, as W3C's webrtc-stats has it (freezeCount)."""

FREEZE_LEAST = 5
"""libwebrtc looks for freezes only once it has seen so many intervals."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture in the page."""

    code: int
    shown_s: float  # when the page's script was told, on this process's monotonic clock
    captured_s: float
    ready_s: float
    received_s: float | None  # when its last packet was in the browser, where the browser says


@dataclass(frozen=True, slots=True)
class Glass:
    """What was seen in one run's window."""

    capture_to_page: Spread
    frame_ready_to_page: Spread
    received_to_page: Spread
    page_jitter: Spread
    fps: float  # pictures per second in the page
    freezes: int
    frozen_s: float  # seconds in those freezes
    dropped: int  # pictures handed over that the page never showed
    unread: int  # pictures in the page whose code is none that was sent


def match(
    notes: Sequence[Sequence[float]], moments: Mapping[int, Moment], offset_s: float
) -> tuple[list[Shown], int]:
    """The page's notes [code, shown ms, .., .., received ms] and what was sent, joined.

    `offset_s` is this process's clock minus the page's. Returns the pictures in the page's order,
    each once, and the number of notes that match nothing.
    """
    seen: dict[int, Shown] = {}
    unread = 0
    for code, shown_ms, _, _, received_ms in notes:
        moment = moments.get(int(code))
        if moment is None:
            unread += 1
            continue
        received_s = None if received_ms is None else received_ms / 1e3 + offset_s
        shown_s = shown_ms / 1e3 + offset_s
        one = Shown(int(code), shown_s, moment.captured_s, moment.ready_s, received_s)
        seen.setdefault(one.code, one)
    return list(seen.values()), unread


def glass(
    shown: Sequence[Shown],
    unread: int,
    moments: Mapping[int, Moment],
    window: tuple[float, float],
) -> Glass:
    """The figures of a window of time. Delays and drops are of pictures captured in it."""
    from_s, until_s = window
    inside = [one for one in shown if from_s <= one.captured_s < until_s]
    sent = sum(from_s <= moment.captured_s < until_s for moment in moments.values())
    seen = [one for one in shown if from_s <= one.shown_s < until_s]
    times_s = [one.shown_s for one in seen]
    # A freeze that the window's end cuts off has no picture after it: its end stands for one.
    frozen = freezes([*times_s, until_s])
    return Glass(
        spread([one.shown_s - one.captured_s for one in inside]),
        spread([one.shown_s - one.ready_s for one in inside]),
        spread([one.shown_s - one.received_s for one in inside if one.received_s is not None]),
        spread(jitter(seen)),
        len(seen) / (until_s - from_s),
        len(frozen),
        sum(frozen),
        sent - len(inside),
        unread,
    )


def jitter(shown: Sequence[Shown]) -> list[float]:
    """How far each interval in the page is from the same interval at capture, seconds."""
    return [
        abs((after.shown_s - before.shown_s) - (after.captured_s - before.captured_s))
        for before, after in pairwise(shown)
    ]


def freezes(times_s: Sequence[float]) -> list[float]:
    """The lengths of the freezes among pictures shown at `times_s`, seconds.

    An interval longer than max(3 d, d + 150 ms), d the mean of the 30 before it: W3C webrtc-stats,
    freezeCount.
    """
    recent: deque[float] = deque(maxlen=FREEZE_WINDOW)
    found = []
    for before_s, after_s in pairwise(times_s):
        interval_s = after_s - before_s
        if len(recent) >= FREEZE_LEAST:
            mean_s = sum(recent) / len(recent)
            if interval_s > max(3 * mean_s, mean_s + 0.15):
                found.append(interval_s)
        recent.append(interval_s)
    return found


def recoveries(shown: Sequence[Shown], ends_s: Sequence[float]) -> list[float | None]:
    """For each blackout's end the time to the next new picture, seconds; None: none came."""
    return [
        next((one.shown_s - end_s for one in shown if one.shown_s >= end_s), None)
        for end_s in ends_s
    ]


def per_frame(
    before: Mapping[str, float], after: Mapping[str, float], total: str, count: str
) -> float | None:
    """How much of `total` (seconds) each of `count` took between two getStats, milliseconds."""
    frames = after.get(count, 0) - before.get(count, 0)
    if not frames:
        return None
    return 1e3 * (after.get(total, 0) - before.get(total, 0)) / frames
