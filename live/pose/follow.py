"""Which person: pick the largest, or whoever is pointed at, then stay with that one.

Pure logic on poses, their times and, where somebody was pointed at, the pictures they are from.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from live.frames import Image, Pose
from live.pose.bodies import SCORE_SEEN, Body, measure_body, middle
from live.pose.clothes import Clothes, clothes
from live.pose.lock import Candidate, Lock


@dataclass(frozen=True, slots=True)
class FollowSettings:
    """How far a person may have gone since last seen and still be the same one."""

    memory_s: float = 2.0  # someone unseen for longer is forgotten
    reach: float = 0.35  # of the body's size, between two frames however close in time
    speed: float = 2.0  # body sizes per second on top of that
    size_ratio: float = 2.0  # a body this much larger or smaller is another one
    score_seen: float = SCORE_SEEN  # joints that score less don't count

    def __post_init__(self) -> None:
        if not (self.memory_s > 0 and self.reach > 0 and self.speed >= 0 and self.size_ratio > 1):
            raise ValueError(f"out of range: {self}")


Bodies = list[tuple[Body, Pose]]


_PATIENCE_S = 0.5  # whoever was pointed at may be overlooked for so long; then the nearest is meant
_POINTED = 0.15  # of its size: so far from a body's box, it is still pointed at

_EVERYWHERE = ((0.2, 0.5), (0.5, 0.5), (0.8, 0.5))


class Follower:
    """Picks the followed person among candidates, frame after frame, and numbers people from 1."""

    def __init__(self, settings: FollowSettings | None = None) -> None:
        self._settings = settings or FollowSettings()
        self._last: Pose | None = None
        self._body: Body | None = None
        self._people = 0
        self._order: tuple[float, float] | str | None = None  # what was asked for, not yet heeded
        self._point: tuple[float, float] | None = None  # whoever is there is to be followed
        self._pointed_s: float | None = None  # when somebody was first looked for there
        self._lock: Lock | None = None
        self._looks = 0

    def follow_at(self, x: float, y: float) -> None:
        """Follow whoever is at this point, shares of the picture, and nobody else. Any thread."""
        self._order = (x, y)

    def follow_any(self) -> None:
        """Follow whoever is largest, as in the beginning. Any thread."""
        self._order = "any"

    def heed(self) -> bool:
        """Take in what was asked for since the last frame; whether everybody must be looked at."""
        order, self._order = self._order, None
        if order is None:
            return False
        self.reset()
        if isinstance(order, tuple):
            self._point = order
        return True

    def choose(self, candidates: Sequence[Pose], image: Image | None = None) -> Pose | None:
        """The followed person among `candidates` (all of one frame), with its number.

        That is the candidate nearest to where the followed person was last seen, if it can have
        got there. While it cannot and the person is remembered: None, for we wait. Otherwise the
        largest candidate, as a new person. One who was pointed at is waited for without end.

        image: the frame, uint8 (H, W, 3), so that one who was pointed at is known by the clothes.
        """
        bodies = [
            (body, pose)
            for pose in candidates
            if (body := measure_body(pose, self._settings.score_seen))
        ]
        if not bodies:
            return None
        if self._point is not None:
            return self._begin_lock(bodies, image, self._point)
        if self._lock is not None:
            return self._follow_locked(bodies, image, self._lock)
        if self._last is None or self._body is None or self._forgotten(bodies[0][1]):
            self._people += 1
            return self._follow(*max(bodies, key=lambda found: found[0].area))
        body, pose = min(bodies, key=lambda found: self._strangeness(*found))
        return self._follow(body, pose) if self._strangeness(body, pose) <= 1 else None

    def look_where(self, now_s: float) -> tuple[float, float] | None:
        """Where to look closely in a search, shares of the picture; None where nobody was pointed
        at.

        Where that one was last seen; after a while everywhere, one place after another.
        """
        if self._point is not None or self._lock is None or self._last is None:
            return self._point
        last = middle(self._last)
        if abs(now_s - self._last.captured_s) < _PATIENCE_S:
            return last
        self._looks += 1
        return (*_EVERYWHERE, last)[self._looks % (len(_EVERYWHERE) + 1)]

    def reset(self) -> None:
        """Forget the followed person, and who was pointed at; the next one has a new number."""
        self._last = self._body = None
        self._point = self._pointed_s = self._lock = None

    def _begin_lock(
        self, bodies: Bodies, image: Image | None, point: tuple[float, float]
    ) -> Pose | None:
        """Whoever is at `point`; the nearest to it, once nobody was there for a while."""
        now_s, (height, width) = bodies[0][1].captured_s, bodies[0][1].size
        x, y = point[0] * width, point[1] * height
        if self._pointed_s is None:
            self._pointed_s = now_s
        body, pose = min(bodies, key=lambda found: found[0].away(x, y))
        waited_s = abs(now_s - self._pointed_s)
        if body.away(x, y) > _POINTED * body.size and waited_s < _PATIENCE_S:
            return None
        others = [self._worn(other, image) for _, other in bodies if other is not pose]
        self._lock = Lock(self._worn(pose, image), others, now_s)
        self._point = self._pointed_s = None
        self._people += 1
        return self._follow(body, pose)

    def _follow_locked(self, bodies: Bodies, image: Image | None, lock: Lock) -> Pose | None:
        candidates = [
            Candidate(self._distance(body), self._strangeness(body, pose), self._worn(pose, image))
            for body, pose in bodies
        ]
        chosen = lock.choose(candidates, bodies[0][1].captured_s)
        return None if chosen is None else self._follow(*bodies[chosen])

    def _worn(self, pose: Pose, image: Image | None) -> Clothes | None:
        return None if image is None else clothes(image, pose, self._settings.score_seen)

    def _follow(self, body: Body, pose: Pose) -> Pose:
        self._body, self._last = body, replace(pose, person=self._people)
        return self._last

    def _forgotten(self, pose: Pose) -> bool:
        assert self._last is not None
        return abs(pose.captured_s - self._last.captured_s) > self._settings.memory_s

    def _strangeness(self, body: Body, pose: Pose) -> float:
        """How far `body` is from being the followed person; above 1 it cannot be."""
        assert self._last is not None and self._body is not None
        elapsed_s = abs(pose.captured_s - self._last.captured_s)
        reach = self._settings.reach + self._settings.speed * elapsed_s
        resized = max(body.size, self._body.size) / min(body.size, self._body.size)
        size_ratio = math.log(resized) / math.log(self._settings.size_ratio)
        return max(self._distance(body) / reach, size_ratio)

    def _distance(self, body: Body) -> float:
        """From where the followed person was last seen, in sizes of the larger body."""
        assert self._body is not None
        size = max(body.size, self._body.size)
        return math.hypot(body.x - self._body.x, body.y - self._body.y) / size
