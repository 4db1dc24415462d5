"""Two RTP header extensions that aiortc lacks: playout-delay and abs-capture-time.

For aiortc 1.16, and any other that does not negotiate them itself; what aiortc negotiates is left
to it. They are agreed in the SDP's text, so nothing here touches aiortc; `packets` writes
them (RFC 8285).

- playout-delay asks the viewer to show pictures no sooner than `min` and no later than `max` after
  they come. With a `min` of 0 Chromium shows each picture as soon as it is decoded.
- abs-capture-time tells when the camera took the picture, on this machine's wall clock.

https://webrtc.googlesource.com/src/+/refs/heads/main/docs/native-code/rtp-hdrext/ describes both.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

PLAYOUT_DELAY = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
ABS_CAPTURE_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
OURS = (PLAYOUT_DELAY, ABS_CAPTURE_TIME)

MOST_PLAYOUT_MS = 40_950
"""Twelve bits of 10 ms."""

_LARGEST_ID = 14  # of the one-byte form, RFC 8285 section 4.2
_NTP_EPOCH_S = 2_208_988_800  # from 1900 to 1970, RFC 5905 section 6

Elements = tuple[tuple[int, bytes], ...]
"""(id, value) of each extension of a packet."""


def playout_delay(min_ms: int, max_ms: int) -> bytes:
    """The extension's 3 bytes. Milliseconds in [0, 40950], rounded up to tens; min <= max."""
    assert 0 <= min_ms <= max_ms <= MOST_PLAYOUT_MS
    tens = math.ceil(min_ms / 10) << 12 | math.ceil(max_ms / 10)
    return tens.to_bytes(3, "big")


def abs_capture_time(unix_s: float) -> bytes:
    """The extension's 8 bytes: `unix_s`, seconds since 1970, as NTP's UQ32.32 (era 0 wraps)."""
    return (round((unix_s + _NTP_EPOCH_S) * 2**32) % 2**64).to_bytes(8, "big")


def agree(answer: str, offer: str) -> str:
    """`answer` with those of `OURS` that `offer` has in its video section of the same mid."""
    offered = {_mid(section): section for section in _sections(offer)[1:]}
    return _each_video(answer, lambda section: _wanted(offered.get(_mid(section), "")))


def propose(offer: str) -> str:
    """`offer`, which aiortc made, with `OURS` in its video sections, under ids that are free."""
    taken = {int(number) for number in re.findall(r"^a=extmap:(\d+)", offer, re.MULTILINE)}
    free = [number for number in range(_LARGEST_ID, 0, -1) if number not in taken]
    ids = dict(zip(OURS, free, strict=False))  # one id for all sections: they share a transport
    return _each_video(offer, lambda section: ids)


def agreed(local: str, remote: str, mid: str) -> dict[str, int]:
    """The ids of those of `OURS` that both descriptions have in the section `mid`."""
    ours, theirs = (
        next((_wanted(one) for one in _sections(text)[1:] if _mid(one) == mid), {})
        for text in (local, remote)
    )
    return {uri: number for uri, number in ours.items() if theirs.get(uri) == number}


def _sections(text: str) -> list[str]:
    """The session's lines, then each media section's."""
    return re.split(r"^(?=m=)", text, flags=re.MULTILINE)


def _mid(section: str) -> str:
    found = re.search(r"^a=mid:(\S*)", section, re.MULTILINE)
    return found[1] if found else ""


def _wanted(section: str) -> dict[str, int]:
    """The ids of `OURS` in a section. `a=extmap:5/sendonly` and the like are for others."""
    lines = re.findall(r"^a=extmap:(\d{1,5}) (\S+)", section, re.MULTILINE)
    found = {uri: int(number) for number, uri in lines if uri in OURS}
    return {uri: number for uri, number in found.items() if 1 <= number <= _LARGEST_ID}


def _each_video(text: str, ids_for: Callable[[str], dict[str, int]]) -> str:
    first, *media = _sections(text)
    for place, section in enumerate(media):
        if section.startswith("m=video"):
            present = _all_extensions(section)
            new = {uri: number for uri, number in ids_for(section).items() if uri not in present}
            media[place] = section + "".join(f"a=extmap:{new[uri]} {uri}\r\n" for uri in new)
    return "".join((first, *media))


def _all_extensions(section: str) -> set[str]:
    return set(re.findall(r"^a=extmap:\S+ (\S+)", section, re.MULTILINE))


STEPS_MS = (0, 40, 80, 160)
"""The longest playout delay asked for: the first on a good line, the next at each lossy report.

`min` stays 0 at every step, for more than 0 turns Chromium's quick renderer off altogether. With a
`max` of 0, too, Chromium gives each picture to the page as it is decoded; with more (10 or 100 ms
alike) it first lets it wait for the display's next frame. `benchmarks.glass` finds 7 ms for the
page's script, not 16; on the display itself (`--by-display`) it gains about 1 ms.
"""

LOSSY = 0.02
"""Share of packets lost between two reports, from which a line counts as lossy."""

QUIET_S = 10.0
"""Without a lossy report for so long, the delay goes one step down."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a viewer is asked to hold pictures back, and since when."""

    step: int = 0  # index into STEPS_MS
    since_s: float = 0.0  # of the last lossy report or step, monotonic clock

    @property
    def max_ms(self) -> int:
        """The playout delay's upper bound, milliseconds."""
        return STEPS_MS[self.step]


def after_report(last: Patience, lost: float, now_s: float) -> Patience:
    """The patience after a receiver report with the share `lost`, in [0, 1], of packets."""
    if lost >= LOSSY:
        return Patience(min(last.step + 1, len(STEPS_MS) - 1), now_s)
    if last.step and now_s - last.since_s >= QUIET_S:
        return Patience(last.step - 1, now_s)
    return last
