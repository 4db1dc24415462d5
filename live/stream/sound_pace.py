"""How long after its capture a sound is sent. Pure: the clock's steps are passed in.

The sound's RTP clock is the clock of its capture, as the picture's is, and no sample is dropped
or invented when the delay changes: packets just leave a little sooner or later. The viewer's own
jitter buffer takes that up; it stretches sound without changing its pitch, which it does all day
for the network's sake. It also holds sound back longer where packets wobble, so the delay moves
slowly: 5 ms in a second is 10 ms within the two seconds that Chromium's buffer (NetEq) looks back.
"""

from __future__ import annotations

SLEW = 0.005
"""How fast the delay follows: seconds in a second."""

TOLERATED_S = 0.005
"""Nearer than this is near enough, so that the delay rests while the measure wobbles."""

JUMP_S = 0.25
"""Further off than this, one gap is better than most of a minute out of step."""


def following(delay_s: float, wanted_s: float, step_s: float) -> float:
    """The delay `step_s` after it was `delay_s`, all in seconds."""
    error_s = wanted_s - delay_s
    if abs(error_s) > JUMP_S:
        return wanted_s
    if abs(error_s) <= TOLERATED_S:
        return delay_s
    most_s = SLEW * step_s
    return delay_s + min(max(error_s, -most_s), most_s)
