"""What finds people in footage, opened once for all clips where one serves them all."""

from __future__ import annotations

from dataclasses import dataclass

from live.pose.base import PoseEstimator
from training.estimators import OPENPOSE, open_estimator, openpose_folder
from training.footage import Clip
from training.people import Crowd, NoCrowd, OpenPoseCrowd, open_blazepose_crowd


@dataclass(frozen=True, slots=True)
class Eyes:
    """What finds people in one clip."""

    estimator: PoseEstimator
    crowd: Crowd


class EyesOpener:
    """Opens what finds people, once for all clips where one serves them all."""

    def __init__(self, pose: str, estimator: PoseEstimator | None, crowd: Crowd | None) -> None:
        self._pose = pose
        self._given = estimator
        self._crowd = crowd or (NoCrowd() if estimator else None)
        self._opened: list[PoseEstimator | Crowd] = []
        self._eyes: Eyes | None = None

    def open(self, clip: Clip) -> Eyes:
        """For `clip`."""
        if self._eyes is None or self._pose == OPENPOSE:
            self._eyes = Eyes(
                self._given or self._estimator(clip), self._crowd or self._looker(clip)
            )
        return self._eyes

    def close(self) -> None:
        """Close what was opened here."""
        for opened in self._opened:
            opened.close()

    def _estimator(self, clip: Clip) -> PoseEstimator:
        estimator = open_estimator(self._pose, clip.path)
        self._opened.append(estimator)
        return estimator

    def _looker(self, clip: Clip) -> Crowd:
        crowd: Crowd = (
            OpenPoseCrowd(openpose_folder(clip.path))
            if self._pose == OPENPOSE
            else open_blazepose_crowd()
        )
        self._opened.append(crowd)
        return crowd
