"""Poses that OpenPose found beforehand, from the folder of its `--write_json`."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path

from live.errors import SourceError
from live.frames import Frame, Pose
from live.pose.follow import Follower, FollowSettings
from live.pose.openpose_json import read_people

log = logging.getLogger(__name__)

_NUMBERED = re.compile(r"(\d+)_keypoints\.json")  # NAME_000000000042_keypoints.json


class OpenPosePose:
    """A `PoseEstimator` that replays OpenPose's findings on the clip that the source plays."""

    def __init__(
        self,
        folder: Path,
        clip_index: Callable[[int], int],
        settings: FollowSettings | None = None,
    ) -> None:
        """`clip_index` turns a frame's sequence into its number in the clip, from 0.

        Raises SourceError where `folder` is missing or holds no such file.
        """
        self._files = _numbered_files(folder)
        self._clip_index = clip_index
        self._follower = Follower(settings)
        self._complained = False

    def estimate(self, frame: Frame) -> Pose | None:
        """The followed person in `frame`; None where nobody is, or the file is absent or wrong."""
        self._follower.heed()
        return self._follower.choose(self._people(frame), frame.image)

    def reset(self) -> None:
        """Forget the followed person; the next frame starts afresh."""
        self._follower.reset()

    def follow_at(self, x: float, y: float) -> None:
        """See `PoseEstimator`."""
        self._follower.follow_at(x, y)

    def follow_any(self) -> None:
        """See `PoseEstimator`."""
        self._follower.follow_any()

    def close(self) -> None:
        """Nothing is held."""

    def _people(self, frame: Frame) -> list[Pose]:
        number = self._clip_index(frame.sequence)
        path = self._files.get(number)
        if path is None:
            self._complain(f"OpenPose wrote no file for frame {number} of the clip")
            return []
        try:
            return read_people(path.read_bytes(), frame.size, frame.captured_s)
        except (OSError, ValueError) as error:
            self._complain(f"{path} cannot be read as OpenPose's JSON ({error})")
            return []

    def _complain(self, what: str) -> None:
        """Say it once; the show goes on with nobody seen in that frame."""
        if not self._complained:
            self._complained = True
            log.warning("%s: nobody is seen in it. Further such frames are not reported", what)


def _numbered_files(folder: Path) -> dict[int, Path]:
    """The folder's files by the clip's frame number, which OpenPose counts from 0."""
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise SourceError(
            f"there is no folder {folder} that can be read ({error.strerror}): name the one given "
            f"to --write_json"
        ) from error
    files = {int(found[1]): path for path in paths if (found := _NUMBERED.search(path.name))}
    if not files:
        raise SourceError(
            f"{folder} holds no NAME_000000000000_keypoints.json: have OpenPose write them with "
            f"`--video CLIP --write_json {folder}`"
        )
    return files
