"""Who finds the pose in footage, by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from live.errors import SetupError, SourceError
from live.pose.base import PoseEstimator

OPENPOSE = "openpose"


def _blazepose() -> PoseEstimator:
    from live.pose.blazepose import BlazePoseSettings
    from live.pose.blazepose_open import open_blazepose
    from live.pose.weights import fetch_pose_weights

    # Every frame counts here: an empty one is searched as well, however long that takes.
    return open_blazepose(fetch_pose_weights(), BlazePoseSettings(search_every_s=0.0))


def _mediapipe() -> PoseEstimator:
    from live.pose.mediapipe_tasks import MediaPipePose, MediaPipeSettings
    from live.pose.weights import fetch_pose_weights

    return MediaPipePose(fetch_pose_weights(), MediaPipeSettings(search_every_s=0.0))


POSE_ESTIMATORS: dict[str, Callable[[], PoseEstimator]] = {
    "blazepose": _blazepose,
    "mediapipe": _mediapipe,
}
"""Those that look at pictures; OpenPose's findings are read from files beside the footage."""


def check_name(name: str) -> None:
    """Raises SetupError for a name that is not known."""
    known = (*POSE_ESTIMATORS, OPENPOSE)
    if name not in known:
        raise SetupError(f"--pose is {name!r}; known: {', '.join(known)}")


def openpose_folder(clip: Path) -> Path:
    """Where OpenPose's files for `clip` are. Raises SourceError that names where they may be."""
    names = (f"{clip.stem}.json", f"{clip.stem}_keypoints", f"{clip.stem}_json")
    for name in names:
        if (clip.parent / name).is_dir():
            return clip.parent / name
    raise SourceError(
        f"there is no folder {names[0]} or {names[1]} beside {clip}; "
        f"have OpenPose write one: --video {clip.name} --write_json {names[0]}"
    )


def open_estimator(name: str, clip: Path) -> PoseEstimator:
    """The estimator `name` for one clip. Raises SetupError, SourceError and WeightsError."""
    check_name(name)
    if name != OPENPOSE:
        return POSE_ESTIMATORS[name]()
    from live.pose.openpose import OpenPosePose

    return OpenPosePose(openpose_folder(clip), lambda sequence: sequence)
