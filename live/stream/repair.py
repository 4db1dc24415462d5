"""How a viewer's losses are made good: what is sent again, and when only a key frame helps."""

from __future__ import annotations

from collections.abc import Sequence

COPY_S = 0.005
"""From a packet that is sent again to its copy. A viewer that sends nothing knows no round trip,
and waits 100 ms until it asks once more (libwebrtc's nack_requester.cc, kDefaultRtt): without the
copy, whatever is lost twice is a freeze."""

MOST = 100
"""Packets that one report may have again. It would take longer to send more than to begin anew."""


def beyond_repair(lost: Sequence[int], newest: int, key_frame: int, kept: int) -> bool:
    """Whether a viewer that asks for the packets `lost` is better served with a key frame.

    All are RTP sequence numbers, which wrap around. `newest` is the newest packet that has left,
    `key_frame` the first one of the newest key frame, which makes all before it needless; `kept` is
    how many packets, the newest included, can be sent again. Left to itself, Chromium asks for a
    key frame 3 seconds after the last picture.
    """
    needed = [one for one in lost if (one - key_frame) % 65_536 < 32_768]
    return len(needed) > MOST or any((newest - one) % 65_536 >= kept for one in needed)
