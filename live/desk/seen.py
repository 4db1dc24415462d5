"""What the operator sees of the performer: the newest frame, and who was found in it."""

from __future__ import annotations

from live.desk.desk import Change, Desk
from live.frames import Frame, Pose


class Seen:
    """A `live.show.Inspect` that keeps the newest, and nothing else. From any thread.

    The camera's picture is in it: it goes to the operator's console and nowhere else.
    """

    def __init__(self) -> None:
        self._newest: tuple[Frame, Pose | None] | None = None

    def see(self, frame: Frame, pose: Pose | None) -> None:
        """On the pose stage's thread."""
        self._newest = (frame, pose)

    def __call__(self) -> tuple[Frame, Pose | None] | None:
        """The newest; None before the first."""
        return self._newest


class Picked:
    """Whether the desk was told to follow one person and nobody else."""

    def __init__(self, desk: Desk) -> None:
        self._picked = False
        desk.listen(self._heed)

    def __call__(self) -> bool:
        return self._picked

    def _heed(self, change: Change) -> None:
        if change.done in ("person.follow", "person.any", "reset"):
            self._picked = change.done == "person.follow"
