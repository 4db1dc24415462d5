"""A viewer's loss over a second, from reports that come as they please."""

from __future__ import annotations

from dataclasses import dataclass

WINDOW_S = 1.0
"""Browsers report about once a second, but with every NACK too: dozens of times in a bad second,
each about a handful of packets."""


@dataclass(frozen=True, slots=True)
class Losses:
    """Since when is counted, and from where."""

    since_s: float  # monotonic clock
    highest: int  # extended highest sequence number then (RFC 3550 section 6.4.1)
    lost: int  # cumulative number of packets lost then


def after(
    last: Losses | None, highest: int, lost: int, now_s: float
) -> tuple[Losses, float | None]:
    """The window after a report with those two counters, and its share of loss in [0, 1].

    The share is None while the window is open, and where nothing was sent in it.
    """
    if last is None or highest < last.highest:  # the first, or the counters began anew
        return Losses(now_s, highest, lost), None
    if now_s - last.since_s < WINDOW_S:
        return last, None
    expected = highest - last.highest
    share = min(max((lost - last.lost) / expected, 0.0), 1.0) if expected else None
    return Losses(now_s, highest, lost), share
