"""Whether and when a show that ended is started again. Pure functions of (state, how it ended)."""

from __future__ import annotations

from dataclasses import dataclass

from live.errors import EXIT_BAD_INPUT

FIRST_DELAY_S = 0.25
LONGEST_DELAY_S = 8.0
LIVED_WELL_S = 30.0
"""Seconds after which a show's end is not its start's fault."""
MOST_FALSE_STARTS = 5
"""Starts in a row that never became a show, before the first that did."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How one run of the show went."""

    code: int  # of its exit; negative: the signal that killed it
    lived_s: float  # from its start
    ready: bool  # it said that it runs


class Restarts:
    """Says how long to wait before the next start: at once, then 0.25 s doubling up to 8 s."""

    def __init__(self) -> None:
        self._ran = False  # once it did, what is asked for can work
        self._quick = 0  # ends in a row, each soon after the start

    def after(self, ended: Ended) -> float | None:
        """Seconds to wait; None where the show is not to be started again.

        0 is an end as it should be. 2 says that it cannot begin as it was asked to; a show that
        has run before is started again all the same: its camera or port may come back.
        """
        self._ran = self._ran or ended.ready or ended.lived_s >= LIVED_WELL_S
        if ended.code == 0 or (ended.code == EXIT_BAD_INPUT and not self._ran):
            return None
        self._quick = 0 if ended.lived_s >= LIVED_WELL_S else self._quick + 1
        if not self._ran and self._quick >= MOST_FALSE_STARTS:
            return None
        if self._quick <= 1:
            return 0.0
        return float(min(FIRST_DELAY_S * 2 ** (self._quick - 2), LONGEST_DELAY_S))
