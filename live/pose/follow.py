"""Which person: pick the largest, then stay with that one. Pure logic on poses and their times."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from live.frames import Pose
from live.skeleton import INDEX

_TORSO = [
    INDEX[name] for name in ("right_shoulder", "left_shoulder", "right_hip", "left_hip", "neck")
]


@dataclass(frozen=True, slots=True)
class FollowSettings:
    """How far a person may have gone since last seen and still be the same one."""

    memory_s: float = 2.0  # someone unseen for longer is forgotten
    reach: float = 0.35  # of the body's size, between two frames however close in time
    speed: float = 2.0  # body sizes per second on top of that
    size_ratio: float = 2.0  # a body this much larger or smaller is another one
    score_seen: float = 0.1  # joints that score less don't count

    def __post_init__(self) -> None:
        if not (self.memory_s > 0 and self.reach > 0 and self.speed >= 0 and self.size_ratio > 1):
            raise ValueError(f"out of range: {self}")


@dataclass(frozen=True, slots=True)
class _Body:
    """Where a pose stands and how large it is, pixels."""

    x: float  # centre of the torso
    y: float
    size: float  # diagonal of the seen joints' box
    area: float  # of the box of the seen joints


class Follower:
    """Picks the followed person among candidates, frame after frame, and numbers people from 1."""

    def __init__(self, settings: FollowSettings | None = None) -> None:
        self._settings = settings or FollowSettings()
        self._last: Pose | None = None
        self._body: _Body | None = None
        self._people = 0

    def choose(self, candidates: Sequence[Pose]) -> Pose | None:
        """The followed person among `candidates` (all of one frame), with its number.

        That is the candidate nearest to where the followed person was last seen, if it can have
        got there. While it cannot and the person is remembered: None, for we wait. Otherwise the
        largest candidate, as a new person.
        """
        bodies = [(body, pose) for pose in candidates if (body := self._measure(pose))]
        if not bodies:
            return None
        if self._last is None or self._body is None or self._forgotten(bodies[0][1]):
            self._people += 1
            return self._follow(*max(bodies, key=lambda found: found[0].area))
        body, pose = min(bodies, key=lambda found: self._strangeness(*found))
        return self._follow(body, pose) if self._strangeness(body, pose) <= 1 else None

    def reset(self) -> None:
        """Forget the followed person; whoever is chosen next gets a new number."""
        self._last = self._body = None

    def _follow(self, body: _Body, pose: Pose) -> Pose:
        self._body, self._last = body, replace(pose, person=self._people)
        return self._last

    def _forgotten(self, pose: Pose) -> bool:
        assert self._last is not None
        return abs(pose.captured_s - self._last.captured_s) > self._settings.memory_s

    def _strangeness(self, body: _Body, pose: Pose) -> float:
        """How far `body` is from being the followed person; above 1 it cannot be."""
        assert self._last is not None and self._body is not None
        elapsed_s = abs(pose.captured_s - self._last.captured_s)
        reach = self._settings.reach + self._settings.speed * elapsed_s
        size = max(body.size, self._body.size)
        distance = math.hypot(body.x - self._body.x, body.y - self._body.y) / size
        resized = size / min(body.size, self._body.size)
        return max(distance / reach, math.log(resized) / math.log(self._settings.size_ratio))

    def _measure(self, pose: Pose) -> _Body | None:
        """None where no joint is seen."""
        box = seen_box(pose, self._settings.score_seen)
        if box is None:
            return None
        left, top, right, bottom = box
        torso = [joint for joint in _TORSO if pose.scores[joint] > self._settings.score_seen]
        x, y = pose.points[torso].mean(0) if torso else ((left + right) / 2, (top + bottom) / 2)
        width, height = max(right - left, 1.0), max(bottom - top, 1.0)
        return _Body(float(x), float(y), math.hypot(width, height), width * height)


def seen_box(pose: Pose, score_seen: float) -> NDArray[np.float32] | None:
    """Box of the joints that score above `score_seen`: left, top, right, bottom; float32, pixels.

    None where there is none.
    """
    seen = pose.points[pose.scores > score_seen]
    if not len(seen):
        return None
    return np.concatenate([seen.min(0), seen.max(0)])
