"""When a picture is shown: capture times turned into a stream's 90 kHz clock."""

from __future__ import annotations

from dataclasses import dataclass

CLOCK_HZ = 90_000
"""RTP's clock for every video codec here (RFC 6184 section 8.2.1, RFC 7741 section 6.1)."""

LONGEST_STEP_S = 1.0
"""A capture clock that moves further than this between two pictures has jumped."""


@dataclass(frozen=True, slots=True)
class Presentation:
    """One picture's place in time. `ticks` is what the stream carries and always rises."""

    ticks: int  # 90 kHz, from 0
    captured_s: float  # of the picture, monotonic clock
    now_s: float  # when it was published, monotonic clock
    origin_s: float  # the capture time that ticks 0 stands for


def first(captured_s: float, now_s: float) -> Presentation:
    """The stream's first picture, at ticks 0."""
    return Presentation(0, captured_s, now_s, captured_s)


def following(last: Presentation, captured_s: float, now_s: float) -> Presentation:
    """The picture after `last`.

    It keeps the camera's own spacing, so that the delay's wobble does not reach the viewer.
    A picture that repeats a capture time (a held one) advances by the time that really passed,
    and so does one whose capture clock jumped; the stream's clock never stops nor runs back.
    """
    step_s = captured_s - last.captured_s
    if 0 < step_s <= LONGEST_STEP_S:
        origin_s = last.origin_s
        ticks = round((captured_s - origin_s) * CLOCK_HZ)
    else:
        ticks = last.ticks + round(max(0.0, now_s - last.now_s) * CLOCK_HZ)
        held = step_s == 0
        origin_s = last.origin_s if held else captured_s - ticks / CLOCK_HZ
    return Presentation(max(ticks, last.ticks + 1), captured_s, now_s, origin_s)
