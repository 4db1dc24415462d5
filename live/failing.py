"""Something that fails and may work again: counted each time, said once."""

from __future__ import annotations

import logging

from live.timing import Timing

log = logging.getLogger(__name__)


class Failing:
    """For one thread alone."""

    def __init__(self, timing: Timing, name: str, what: str, meanwhile: str) -> None:
        """`name` is counted as NAME.failed; `what` and `meanwhile` are for the log."""
        self.now = False  # whether it failed the last time
        self._timing = timing
        self._name, self._what, self._meanwhile = name, what, meanwhile

    def failed(self, error: Exception) -> None:
        """It did."""
        self._timing.count(f"{self._name}.failed")
        if not self.now:
            log.error("%s failed (%s); %s", self._what, error, self._meanwhile)
        self.now = True

    def worked(self) -> None:
        """It did."""
        if self.now:
            log.warning("%s works again", self._what)
        self.now = False
