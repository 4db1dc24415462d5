"""Measuring the performer before the show: from a clip, or from its first seconds; kept in a file.

The best calibration walks to the camera and away from it once, in view from head to feet.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from live.body import BodyStats
from live.errors import SetupError
from live.fit import fit_body_stats
from live.frames import Pose

FORMAT = "understudy-performer"
VERSION = 1
_REMEDY = "calibrate again with --calibrate 8"


def calibrate(poses: Iterable[Pose | None]) -> BodyStats:
    """The performer's statistics from a clip's poses; None and unsure ones are left out.

    Of several people, or of frames of several sizes, the commonest counts. Raises SetupError where
    too little of a body was seen.
    """
    seen = [pose for pose in poses if pose is not None]
    if not seen:
        raise SetupError(f"nobody was seen during the calibration; step into view and {_REMEDY}")
    chosen = Counter((pose.person, pose.size) for pose in seen).most_common(1)[0][0]
    seen = [pose for pose in seen if (pose.person, pose.size) == chosen]
    points = np.stack([pose.points for pose in seen])
    scores = np.stack([pose.scores for pose in seen])
    return fit_body_stats(points, scores, chosen[1])


class Calibration:
    """Collects poses for `seconds_s`, from the first one seen; `now_s` is passed in."""

    def __init__(self, seconds_s: float) -> None:
        if not 0 < seconds_s <= 600:
            raise SetupError(f"a calibration of {seconds_s:g} s is asked for; 5 to 10 s are enough")
        self.seconds_s = seconds_s
        self._poses: list[Pose] = []
        self._began_s: float | None = None
        self._now_s = 0.0

    def add(self, pose: Pose | None, now_s: float) -> bool:
        """Take in what was seen at `now_s`, seconds; returns whether the time is over."""
        if self._began_s is None and pose is not None:
            self._began_s = now_s
        self._now_s = now_s
        if pose is not None and not self.done:
            self._poses.append(pose)
        return self.done

    @property
    def done(self) -> bool:
        """Whether the time is over."""
        return self.left_s <= 0

    @property
    def left_s(self) -> float:
        """Seconds still to go, for the performer to read."""
        if self._began_s is None:
            return self.seconds_s
        return max(self.seconds_s - (self._now_s - self._began_s), 0.0)

    def result(self) -> BodyStats:
        """The performer's statistics; raises SetupError where too little of a body was seen."""
        return calibrate(self._poses)


def save_performer(stats: BodyStats, path: Path) -> None:
    """Write `stats` to `path`, whole or not at all. Raises SetupError where that is impossible."""
    text = json.dumps(
        {"format": FORMAT, "version": VERSION, "performer": stats.to_json()}, indent=2
    )
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text(text + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise SetupError(
            f"the performer file {path} cannot be written ({error.strerror}); name another place"
        ) from error


def load_performer(path: Path) -> BodyStats:
    """Read what `save_performer` wrote. Raises SetupError naming the file and what is wrong."""
    data = _read(path)
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise SetupError(f"{path} is no performer file; {_REMEDY}")
    if data.get("version") != VERSION:
        raise SetupError(
            f"the performer file {path} has version {data.get('version')!r} and this program reads "
            f"version {VERSION}; update it, or {_REMEDY}"
        )
    if set(data) != {"format", "version", "performer"} or not isinstance(data["performer"], dict):
        raise SetupError(f"the performer file {path} has fields {sorted(data)}; {_REMEDY}")
    try:
        return BodyStats.from_json(data["performer"])
    except ValueError as error:
        raise SetupError(f"the performer file {path} is broken: {error}; {_REMEDY}") from error


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SetupError(
            f"the performer file {path} cannot be read ({error.strerror}); check the path, "
            f"or {_REMEDY}"
        ) from error
    except (ValueError, RecursionError) as error:  # not UTF-8, not JSON, or nested absurdly
        raise SetupError(f"the performer file {path} is not JSON ({error}); {_REMEDY}") from error
