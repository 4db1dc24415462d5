"""The seam between the show and whatever finds people in pictures."""

from __future__ import annotations

from typing import Protocol

from live.frames import Frame, Pose


class PoseEstimator(Protocol):
    """Finds the performer in one frame after another, in order of time."""

    def estimate(self, frame: Frame) -> Pose | None:
        """The followed person in `frame`, or None where nobody is seen.

        With several people in view it picks the largest and then stays with that one;
        `Pose.person` changes only when the followed person does.
        """

    def reset(self) -> None:
        """Forget the followed person; the next frame starts afresh."""

    def close(self) -> None:
        """Free what is held. May be called twice."""


class ScriptedPose:
    """A fake estimator for tests and rehearsals of the loop: replays `poses`, then None."""

    def __init__(self, poses: list[Pose | None]) -> None:
        self._poses = list(poses)
        self._next = 0

    def estimate(self, frame: Frame) -> Pose | None:
        pose = self._poses[self._next] if self._next < len(self._poses) else None
        self._next += 1
        return pose

    def reset(self) -> None:
        self._next = 0

    def close(self) -> None:
        pass
