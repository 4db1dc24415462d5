"""Calibration while the show runs: measure the first seconds, then tell the normalizer."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from live.body import BodyStats
from live.calibrate import Calibration, save_performer
from live.errors import SetupError
from live.frames import Sighting

log = logging.getLogger(__name__)


class Measured(Protocol):
    """What is told the performer's measures; `live.normalize.Normalizer`."""

    def use(self, performer: BodyStats) -> None: ...


class LiveCalibration:
    """A `live.show.Watch` that collects poses for some seconds and then has done its work.

    Where the measuring fails it says why, and the show goes on with what it learns by itself.
    """

    def __init__(
        self,
        seconds_s: float,
        normalizer: Measured,
        save_to: Path | None,
        ended: Callable[[bool], None] | None = None,
    ) -> None:
        """`ended` is told, on the pose stage's thread, whether the measuring went well.

        Raises SetupError for a time that is none.
        """
        self._calibration: Calibration | None = Calibration(seconds_s)
        self._normalizer = normalizer
        self._save_to = save_to
        self._ended = ended
        log.info("calibrating for %.0f s: walk towards the camera and back", seconds_s)

    def see(self, sighting: Sighting) -> None:
        """Take in what the pose stage found; called on its thread."""
        if self._calibration is None or not self._calibration.add(
            sighting.pose, sighting.captured_s
        ):
            return
        calibration, self._calibration = self._calibration, None
        went_well = self._take(calibration)
        if self._ended is not None:
            self._ended(went_well)

    def _take(self, calibration: Calibration) -> bool:
        """Use what was measured; whether that was possible."""
        try:
            stats = calibration.result()
            self._normalizer.use(stats)
            log.info("calibrated: %s", stats)
            if self._save_to is not None:
                save_performer(stats, self._save_to)
                log.info("the performer's measures are kept in %s", self._save_to)
        except SetupError as error:
            log.warning("the calibration failed: %s", error)
            return False
        return True
