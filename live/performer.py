"""The performer's measures, before the show: from a calibration clip, a file, or not yet known."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from live.body import BodyStats
from live.calibrate import calibrate, load_performer, save_performer
from live.options import Options
from live.pose.blazepose import BlazePoseSettings
from live.pose.blazepose_open import open_blazepose
from live.pose.weights import fetch_pose_weights
from live.sources.file import read_through

log = logging.getLogger(__name__)


def performer_of(options: Options) -> BodyStats | None:
    """The performer's measures: from a calibration clip, from the saved file, or not yet known."""
    if options.calibrate_clip is not None:
        stats = measure_clip(options.calibrate_clip, options)
        if options.performer is not None:
            save_performer(stats, options.performer)
        return stats
    if options.performer is None:
        return None
    if options.calibrate_s and not os.path.exists(options.performer):  # it is yet to be written
        return None
    return load_performer(options.performer)


def measure_clip(clip: Path, options: Options) -> BodyStats:
    """The measures of the person in `clip`, read once from end to end, as fast as it goes."""
    log.info("measuring the performer in %s", clip)
    settings = BlazePoseSettings(search_every_s=0.0)  # not live: look at every frame
    estimator = open_blazepose(fetch_pose_weights(options.weights), settings)
    try:
        return calibrate(estimator.estimate(frame) for frame in read_through(clip))
    finally:
        estimator.close()
