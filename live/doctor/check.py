"""What the doctor is given, and the seam between it and what it looks at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from live.doctor.finding import Finding
from live.options import Options
from live.pose.base import PoseEstimator
from live.sources import Source

BuildEstimator = Callable[[Options, Source], PoseEstimator]
"""Builds the pose backend that was asked for; `run_live.build_estimator`."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The show as it was asked for."""

    options: Options
    build_estimator: BuildEstimator
    source_named: bool = True  # or else `options.source` is the demo's, for want of another


Look = Callable[[Plan], Finding | None]
"""Looks at one part; None where the show was not asked to have it. May raise, and may hang."""


@dataclass(frozen=True, slots=True)
class Check:
    """One entry of the doctor's table."""

    name: str  # a word or two, as it is shown
    look: Look
    limit_s: float = 3.0  # it is left behind after so long
