"""When the packets of one picture leave: the first at once, a big key frame's rest spread out."""

from __future__ import annotations

import math

BURST_BYTES = 10_000
"""What leaves at once in any case: about eight packets, which every router's queue holds."""

SPREAD_S = 0.025
"""A picture has left within this time, however big: less than one picture's time at 30 a second,
so that the next one does not wait."""

STEP_S = 0.0025
"""The rest leaves in bunches so far apart: each costs every viewer one turn of the event loop."""


def rate(size: int) -> float:
    """Bytes per second at which a key frame of `size` bytes leaves once its burst is out."""
    return max(size - BURST_BYTES, 1) / SPREAD_S


def due_s(sent: int, bytes_per_s: float, began_s: float) -> float:
    """When the packet after the first `sent` bytes of a picture may leave.

    `began_s` is when its first packet left, on the clock that the result is on. The result never
    falls as `sent` rises. In one piece, a key frame would lose its end to the first short queue on
    its way (RFC 8298 section 4.1.2 paces for the same reason).
    """
    late_s = max(0, sent - BURST_BYTES) / bytes_per_s
    return began_s + math.ceil(late_s / STEP_S) * STEP_S
