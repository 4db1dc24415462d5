"""How many bits a viewer's line bears, and who watches which rung: pure functions of reports.

One encoder serves all, so its bitrate is the weakest line's. A line much weaker than the others
would spoil the picture for everybody: its viewer is moved to a rung of a quarter of the pixels.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace

from live.errors import StreamError


class Rung(enum.Enum):
    """How large a viewer's picture is."""

    FULL = "full"
    QUARTER = "quarter"  # half the width, half the height


@dataclass(frozen=True, slots=True)
class SteerSettings:
    """The bounds that bitrates keep to."""

    ceiling_kbps: int = 3000  # of the full rung, where every line bears it
    floor_kbps: int = 300  # of the full rung; a weaker line gets the quarter
    quarter_share: float = 1 / 3  # of the full rung's bounds, for a quarter of the pixels
    apart: float = 0.45  # a line with less than this share of the best one's goes to the quarter
    stay_s: float = 10.0  # on the quarter at least; doubled each time that it proves too early
    longest_stay_s: float = 300.0

    def __post_init__(self) -> None:
        if not 0 < self.floor_kbps <= self.ceiling_kbps:
            raise StreamError(
                f"a bitrate from {self.floor_kbps} to {self.ceiling_kbps} kbit/s: give a floor "
                "above 0 that is not above the ceiling"
            )
        if not (0 < self.quarter_share <= 1 and 0 < self.apart < 1):
            raise StreamError("the rungs' shares must be between 0 and 1")

    def bounds_bps(self, rung: Rung) -> tuple[float, float]:
        """(lowest, highest) bitrate of `rung`, bits per second."""
        share = 1e3 if rung is Rung.FULL else 1e3 * self.quarter_share
        return self.floor_kbps * share, self.ceiling_kbps * share


LITTLE, MUCH = 0.02, 0.10
"""Shares of lost packets up to which a rate may rise, and from which it falls."""

GROWTH = 1.05
"""By which a rate rises in a second. Browsers report once to five times in one."""

FALL_S = 0.3
"""Between two falls for loss, seconds: a report may tell of what was sent before the last one."""

CONGESTED = 0.85
"""An estimate below this share of what is sent tells of a queue that grows: receivers fall to 0.85
of what reaches them when they see one (draft-ietf-rmcat-gcc-02 section 5.5, beta)."""


@dataclass(frozen=True, slots=True)
class Line:
    """What one viewer's line has shown that it bears."""

    allowed_bps: float  # bits per second
    heard_s: float  # of the last report that could change it, monotonic clock

    def __post_init__(self) -> None:
        assert self.allowed_bps > 0


def after_loss(line: Line, lost: float, now_s: float, highest_bps: float) -> Line:
    """The line after a receiver report with the share `lost`, in [0, 1], of packets.

    The loss-based controller of draft-ietf-rmcat-gcc-02, section 6.
    """
    since_s = now_s - line.heard_s
    if lost > MUCH:
        return Line(line.allowed_bps * (1 - lost / 2), now_s) if since_s >= FALL_S else line
    growth = GROWTH ** min(since_s, 1.0) if lost < LITTLE else 1.0
    return Line(min(line.allowed_bps * growth, highest_bps), now_s)


def after_estimate(line: Line, estimate_bps: float, sent_bps: float) -> Line:
    """The line after a viewer's own estimate (REMB), with what it is sent, bits per second.

    An estimate cannot rise far above what is sent, and a calm picture takes few bits: only one
    clearly below what is sent says that the line bears no more.
    """
    if 0 < estimate_bps < CONGESTED * sent_bps:
        return replace(line, allowed_bps=min(line.allowed_bps, estimate_bps))
    return line


@dataclass(frozen=True, slots=True)
class Place:
    """Where one viewer is, and until when at least."""

    rung: Rung = Rung.FULL
    until_s: float = 0.0  # not back to the full rung before, monotonic clock
    stay_s: float = 0.0  # how long the last stay on the quarter was to be, seconds


@dataclass(frozen=True, slots=True)
class Plan:
    """Who watches what, at which bitrates."""

    places: Mapping[int, Place]  # by viewer
    bitrate_bps: Mapping[Rung, float]


def plan(
    lines: Mapping[int, Line], places: Mapping[int, Place], now_s: float, settings: SteerSettings
) -> Plan:
    """The places and bitrates for viewers' `lines`. A viewer without a place is a new one."""
    best_bps = max((line.allowed_bps for line in lines.values()), default=0.0)
    floor_bps, _ = settings.bounds_bps(Rung.FULL)
    needed_bps = max(floor_bps, settings.apart * best_bps)
    found = {
        viewer: _placed(places.get(viewer, Place()), line, needed_bps, now_s, settings)
        for viewer, line in lines.items()
    }
    rates = {rung: _rate_bps(rung, lines, found, settings) for rung in Rung}
    return Plan(found, rates)


def _placed(
    place: Place, line: Line, needed_bps: float, now_s: float, settings: SteerSettings
) -> Place:
    if place.rung is Rung.FULL and line.allowed_bps < needed_bps:
        early = now_s < place.until_s + place.stay_s  # it has only just come back
        stay_s = place.stay_s * 2 if early and place.stay_s else settings.stay_s
        stay_s = min(stay_s, settings.longest_stay_s)
        return Place(Rung.QUARTER, now_s + stay_s, stay_s)
    # Back only with something to spare, or it would be here again at the next report.
    spare = line.allowed_bps >= 1.2 * needed_bps and now_s >= place.until_s
    if place.rung is Rung.QUARTER and spare:
        return replace(place, rung=Rung.FULL, until_s=now_s)
    return place


def _rate_bps(
    rung: Rung, lines: Mapping[int, Line], places: Mapping[int, Place], settings: SteerSettings
) -> float:
    lowest_bps, highest_bps = settings.bounds_bps(rung)
    here = [lines[viewer].allowed_bps for viewer, one in places.items() if one.rung is rung]
    return min(max(min(here, default=highest_bps), lowest_bps), highest_bps)
