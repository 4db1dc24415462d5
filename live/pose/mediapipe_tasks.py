"""Poses from MediaPipe's PoseLandmarker, which follows one person: the home of mediapipe."""

from __future__ import annotations

import logging
import os
import re
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from live.errors import SetupError
from live.frames import Frame, Image, Pose
from live.native_log import quiet_native_log
from live.pose.around import around
from live.pose.follow import Follower, FollowSettings
from live.pose.mediapipe_people import blank_around, poses_of, together
from live.pose.weights import PoseWeights

log = logging.getLogger(__name__)

NOWHERE = "http://127.0.0.1:9"
"""The discard port, where nobody listens."""

CHATTER = re.compile(
    rb"Created TensorFlow Lite XNNPACK delegate"
    rb"|Logging before InitGoogle\(\)"
    rb"|inference_feedback_manager\.cc"
    rb"|landmark_projection_calculator\.cc"
)
"""TFLite's and absl's notes of no consequence; they obey no environment variable."""

_MISSING_PACKAGE = "mediapipe is not installed: pip install 'mediapipe>=1.2,<2'"
_MISSING_LIBRARY = (
    "mediapipe's native library does not load ({error}); "
    "on Debian or Ubuntu: apt-get install libegl1 libgles2"
)


@dataclass(frozen=True, slots=True)
class MediaPipeSettings:
    """How people are found and followed."""

    candidates: int = 4  # people told apart when choosing whom to follow
    search_every_s: float = 0.1  # an empty stage is searched no more often, to save the CPU
    min_detection: float = 0.5  # confidence, in [0, 1], for a body to be found
    min_presence: float = 0.5  # ... and for its landmarks to be believed
    min_tracking: float = 0.5  # ... and to go on from the last frame without a new search
    box_padding: float = 0.3  # around the chosen person when the tracker is led to it, of its box
    follow: FollowSettings = FollowSettings()

    def __post_init__(self) -> None:
        if self.candidates < 1 or self.search_every_s < 0 or self.box_padding < 0:
            raise ValueError(f"out of range: {self}")


class MediaPipePose:
    """A `PoseEstimator` on the CPU, one thread, about 20 ms a frame while it follows somebody.

    Two landmarkers share the work. The *lister* finds everybody in one picture, slowly, and runs
    only while nobody is followed. The *tracker* goes on from the last frame; it is led to the
    chosen person by a picture in which everything around that person is blanked.
    """

    def __init__(self, weights: PoseWeights, settings: MediaPipeSettings | None = None) -> None:
        """Raises SetupError where mediapipe or one of its system libraries is missing."""
        self._settings = settings or MediaPipeSettings()
        self._follower = Follower(self._settings.follow)
        self._following = False  # the tracker is on the followed person
        self._holding = False  # ... or on anybody
        self._searched_s: float | None = None
        self._clock_ms = 0
        self._seen_anybody = False
        self._closed = False
        _keep_usage_reports_home()
        with quiet_native_log(CHATTER):
            mediapipe = _import_mediapipe()
            self._picture = mediapipe.Image
            self._format = mediapipe.ImageFormat.SRGB
            self._lister = _landmarker(weights.task, self._settings, many=True)
            self._tracker = _landmarker(weights.task, self._settings, many=False)
            self._warm_up()

    def estimate(self, frame: Frame) -> Pose | None:
        """The followed person in `frame`, or None where nobody is seen; see `PoseEstimator`."""
        rgb = np.asarray(cv2.cvtColor(frame.image, cv2.COLOR_BGR2RGB), np.uint8)
        if self._follower.heed():
            self._following, self._searched_s = False, None
        if self._following:
            found = self._track(rgb, frame.captured_s)
            pose = self._follower.choose([found], rgb) if found else None
            if pose:
                return pose
            self._following = False  # lost, or it went on to another body
        return self._search(rgb, frame.captured_s)

    def reset(self) -> None:
        """Forget the followed person; the next frame is searched afresh."""
        self._follower.reset()
        self._following = False
        self._searched_s = None

    def follow_at(self, x: float, y: float) -> None:
        """See `PoseEstimator`."""
        self._follower.follow_at(x, y)

    def follow_any(self) -> None:
        """See `PoseEstimator`."""
        self._follower.follow_any()

    def close(self) -> None:
        """Free both landmarkers. May be called twice."""
        if not self._closed:
            self._closed = True
            self._lister.close()
            self._tracker.close()

    def __enter__(self) -> MediaPipePose:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _search(self, rgb: Image, captured_s: float) -> Pose | None:
        """Look for somebody to follow, unless we looked a moment ago."""
        waited_s = None if self._searched_s is None else abs(captured_s - self._searched_s)
        if waited_s is not None and waited_s < self._settings.search_every_s:
            return None
        self._searched_s = captured_s
        people = self._list(rgb, captured_s)
        if (place := self._follower.look_where(captured_s)) is not None:
            people = together(people, self._look_closely(rgb, place, captured_s))
        chosen = self._follower.choose(people, rgb)
        return self._lead_tracker(rgb, chosen) if chosen else None

    def _lead_tracker(self, rgb: Image, chosen: Pose) -> Pose:
        """Set the tracker on `chosen`; returns the pose to show, the tracker's if it took."""
        if self._holding:  # or it would look for the new person where the old one was
            self._track(np.zeros_like(rgb), chosen.captured_s)
        settings = self._settings
        alone = blank_around(rgb, chosen, settings.follow.score_seen, settings.box_padding)
        found = self._track(alone, chosen.captured_s)
        same = Follower(settings.follow)
        same.choose([chosen])
        if found is None or same.choose([found]) is None:
            return chosen
        self._following = True
        return replace(found, person=chosen.person)

    def _list(self, rgb: Image, captured_s: float) -> list[Pose]:
        # The first body found makes the library print a note about pictures that aren't square.
        with nullcontext() if self._seen_anybody else quiet_native_log(CHATTER):
            result = self._lister.detect(self._picture(self._format, rgb))
        poses = poses_of(result, rgb, captured_s)
        self._seen_anybody |= bool(poses)
        return poses

    def _look_closely(
        self, rgb: Image, place: tuple[float, float], captured_s: float
    ) -> list[Pose]:
        """People about a place, shares of the picture, among them small ones."""
        part, left, top = around(rgb, place)
        corner = np.array([left, top], np.float32)
        size = (rgb.shape[0], rgb.shape[1])
        return [
            replace(pose, points=pose.points + corner, size=size)
            for pose in self._list(np.ascontiguousarray(part), captured_s)
        ]

    def _track(self, rgb: Image, captured_s: float) -> Pose | None:
        # The tracker insists on times that grow. Its smoothing wants the true ones, so follow
        # the frame's where possible; a clip that loops or a second look at one frame adds 1 ms.
        self._clock_ms = max(self._clock_ms + 1, round(captured_s * 1000))
        result = self._tracker.detect_for_video(self._picture(self._format, rgb), self._clock_ms)
        poses = poses_of(result, rgb, captured_s)
        self._holding = bool(poses)
        return poses[0] if poses else None

    def _warm_up(self) -> None:
        """One blank picture each: the first call loads the networks and logs about it."""
        blank = np.zeros((64, 64, 3), np.uint8)
        self._list(blank, 0.0)
        self._track(blank, 0.0)


def _keep_usage_reports_home() -> None:
    """Stop mediapipe's own reports of its use, which 1.x sends to Google and no option turns off.

    Its uploader (libcurl) obeys the environment's proxy, so it is pointed at a closed port of this
    machine. A proxy that is already set stays: others in this process may need it.
    """
    kept = os.environ.get("https_proxy") or os.environ.get("HTTPS_PROXY")
    if kept and kept != NOWHERE:
        log.warning("a proxy is set (%s): mediapipe can report its use to Google through it", kept)
        return
    os.environ["https_proxy"] = NOWHERE


def _import_mediapipe() -> Any:
    try:
        import mediapipe
    except ImportError as error:
        raise SetupError(_MISSING_PACKAGE) from error
    except OSError as error:
        raise SetupError(_MISSING_LIBRARY.format(error=error)) from error
    return mediapipe


def _landmarker(task: Path, settings: MediaPipeSettings, many: bool) -> Any:
    """A PoseLandmarker that lists everybody in one picture, or that tracks one through a clip."""
    from mediapipe.tasks.python import BaseOptions, vision

    mode = vision.RunningMode.IMAGE if many else vision.RunningMode.VIDEO
    options = vision.PoseLandmarkerOptions(
        # As bytes: the native library takes no path with letters beyond ASCII on Windows.
        base_options=BaseOptions(
            model_asset_buffer=task.read_bytes(), delegate=BaseOptions.Delegate.CPU
        ),
        running_mode=mode,
        num_poses=settings.candidates if many else 1,
        min_pose_detection_confidence=settings.min_detection,
        min_pose_presence_confidence=settings.min_presence,
        min_tracking_confidence=settings.min_tracking,
    )
    try:
        return vision.PoseLandmarker.create_from_options(options)
    except OSError as error:  # libEGL and libGLESv2 are wanted even on the CPU
        raise SetupError(_MISSING_LIBRARY.format(error=error)) from error
