"""BlazePose's own tracker, on any engine: follows one person from frame to frame.

Bazarevsky et al., "BlazePose: On-device Real-time Body Pose Tracking", 2020: a detector finds the
body once; from then on the landmark network says itself where to look in the next frame, until the
body is no longer there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from live.engines.base import Engine
from live.frames import Frame, Image, Pose
from live.pose.around import around
from live.pose.blazepose_crop import Roi
from live.pose.blazepose_detect import Detector
from live.pose.blazepose_landmarks import Found, Landmarker
from live.pose.blazepose_map import canonical_pose
from live.pose.follow import Follower, FollowSettings

_SAME = 0.15
"""Of a region's side: two whose middles, the hips, are nearer than this show one body."""


@dataclass(frozen=True, slots=True)
class BlazePoseSettings:
    """How people are found and followed; the thresholds are MediaPipe's."""

    candidates: int = 4  # people told apart when choosing whom to follow
    search_every_s: float = 0.1  # an empty stage is searched no more often, to save the CPU
    min_detection: float = 0.5  # score, in [0, 1], for a body to be found
    min_presence: float = 0.5  # ... and for its landmarks to be believed
    follow: FollowSettings = FollowSettings()

    def __post_init__(self) -> None:
        shares = (self.min_detection, self.min_presence)
        if (
            self.candidates < 1
            or self.search_every_s < 0
            or not all(0 <= share <= 1 for share in shares)
        ):
            raise ValueError(f"out of range: {self}")


class BlazePose:
    """A `PoseEstimator`: runs in the thread of whoever calls it, and computes on two engines."""

    def __init__(
        self, detector: Engine, landmarks: Engine, settings: BlazePoseSettings | None = None
    ) -> None:
        """Takes both engines over and closes them. They hold `live.pose.blazepose_nets.PoseNets`.

        Raises SetupError where an engine holds another net.
        """
        self._engines = (detector, landmarks)
        self._settings = settings or BlazePoseSettings()
        self._detector, self._landmarker = Detector(detector), Landmarker(landmarks)
        self._follower = Follower(self._settings.follow)
        self._roi: Roi | None = None  # where the followed person was last seen
        self._searched_s: float | None = None
        self._warm_up()

    def estimate(self, frame: Frame) -> Pose | None:
        """The followed person in `frame`, or None where nobody is seen; see `PoseEstimator`."""
        image = np.ascontiguousarray(frame.image)
        if self._follower.heed():
            self._roi = self._searched_s = None
        if self._roi is not None:
            found = self._look(image, self._roi)
            pose = self._follower.choose([_pose(found, frame)], image) if found else None
            self._roi = found.roi if found and pose else None
            if pose:
                return pose
        return self._search(image, frame)

    def reset(self) -> None:
        """Forget the followed person; the next frame is searched afresh."""
        self._follower.reset()
        self._roi = None
        self._searched_s = None

    def follow_at(self, x: float, y: float) -> None:
        """See `PoseEstimator`."""
        self._follower.follow_at(x, y)

    def follow_any(self) -> None:
        """See `PoseEstimator`."""
        self._follower.follow_any()

    def close(self) -> None:
        """Free both engines. May be called twice."""
        for engine in self._engines:
            engine.close()

    def __enter__(self) -> BlazePose:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _look(self, image: Image, roi: Roi) -> Found | None:
        """The body in `roi`, if there is one."""
        if not (roi.usable() and roi.overlaps((image.shape[0], image.shape[1]))):
            return None
        found = self._landmarker.place(image, roi)
        return found if found.presence >= self._settings.min_presence else None

    def _search(self, image: Image, frame: Frame) -> Pose | None:
        """Look for somebody to follow, unless we looked a moment ago."""
        settings, now_s = self._settings, frame.captured_s
        waited_s = None if self._searched_s is None else abs(now_s - self._searched_s)
        if waited_s is not None and waited_s < settings.search_every_s:
            return None
        self._searched_s = now_s
        rois = self._detector.find(image, settings.min_detection)[: settings.candidates]
        if (place := self._follower.look_where(now_s)) is not None:
            rois = _together(rois, self._look_closely(image, place))
        bodies = [found for roi in rois if (found := self._look(image, roi))]
        poses = [_pose(found, frame) for found in bodies]
        chosen = self._follower.choose(poses, image)
        if chosen is not None:
            at = next(at for at, pose in enumerate(poses) if pose.points is chosen.points)
            self._roi = bodies[at].roi
        return chosen

    def _look_closely(self, image: Image, place: tuple[float, float]) -> list[Roi]:
        """Bodies about a place, shares of the picture, among them small ones."""
        part, left, top = around(image, place)
        rois = self._detector.find(np.ascontiguousarray(part), self._settings.min_detection)
        return [replace(roi, x=roi.x + left, y=roi.y + top) for roi in rois]

    def _warm_up(self) -> None:
        """Compile the kernels and touch the weights, so that the first frame is as fast as any."""
        black = np.zeros((64, 64, 3), np.uint8)
        self._detector.find(black, 1.0)
        self._landmarker.place(black, Roi(32, 32, 64, 0))


def _together(rois: list[Roi], more: list[Roi]) -> list[Roi]:
    """Both, each body once."""
    found = list(more)
    for roi in rois:
        if all(math.hypot(roi.x - one.x, roi.y - one.y) > _SAME * one.side for one in more):
            found.append(roi)
    return found


def _pose(found: Found, frame: Frame) -> Pose:
    height, width = frame.size
    shares = np.asarray(found.landmarks / np.array([width, height, 1, 1], np.float32), np.float32)
    return canonical_pose(shares, frame.size, frame.captured_s)
