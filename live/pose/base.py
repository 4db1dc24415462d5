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
        """Forget the followed person, and who was pointed at; the next frame starts afresh."""

    def follow_at(self, x: float, y: float) -> None:
        """From the next frame on follow whoever is at this point, and nobody else.

        x, y: shares of the picture, 0 to 1 from its left and top. That person gets a new number and
        is waited for, however long unseen, until another order. From any thread.
        """

    def follow_any(self) -> None:
        """From the next frame on follow whoever is largest, as in the beginning. Any thread."""

    def close(self) -> None:
        """Free what is held. May be called twice."""


class ScriptedPose:
    """A fake estimator for tests and rehearsals of the loop: replays `poses`, then None."""

    def __init__(self, poses: list[Pose | None]) -> None:
        self._poses = list(poses)
        self._next = 0
        self.orders: list[tuple[float, float] | None] = []  # whom to follow; None: whoever it is

    def estimate(self, frame: Frame) -> Pose | None:
        pose = self._poses[self._next] if self._next < len(self._poses) else None
        self._next += 1
        return pose

    def reset(self) -> None:
        self._next = 0

    def follow_at(self, x: float, y: float) -> None:
        self.orders.append((x, y))

    def follow_any(self) -> None:
        self.orders.append(None)

    def close(self) -> None:
        pass
