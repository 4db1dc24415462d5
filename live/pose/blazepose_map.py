"""BlazePose's 33 landmarks onto the canonical skeleton."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from live.frames import Pose
from live.skeleton import INDEX, JOINTS

LANDMARKS = 33

# Canonical joint -> BlazePose landmarks, of which it is the mean (Bazarevsky et al. 2020, fig. 3).
_SOURCES: dict[str, tuple[int, ...]] = {
    "nose": (0,), "neck": (11, 12), "mid_hip": (23, 24),
    "right_shoulder": (12,), "right_elbow": (14,), "right_wrist": (16,),
    "left_shoulder": (11,), "left_elbow": (13,), "left_wrist": (15,),
    "right_hip": (24,), "right_knee": (26,), "right_ankle": (28,),
    "left_hip": (23,), "left_knee": (25,), "left_ankle": (27,),
    "right_eye": (5,), "left_eye": (2,), "right_ear": (8,), "left_ear": (7,),
    "left_big_toe": (31,), "left_heel": (29,), "right_big_toe": (32,), "right_heel": (30,),
    "right_eye_outer": (6,), "right_eye_inner": (4,),
    "left_eye_inner": (1,), "left_eye_outer": (3,), "right_mouth": (10,), "left_mouth": (9,),
    "left_hand_wrist": (15,), "left_thumb_3": (21,), "left_index_1": (19,), "left_pinky_1": (17,),
    "right_hand_wrist": (16,), "right_thumb_3": (22,), "right_index_1": (20,),
    "right_pinky_1": (18,),
}  # fmt: skip
_FILLED = np.array([INDEX[name] for name in _SOURCES], np.intp)
_FIRST = np.array([landmarks[0] for landmarks in _SOURCES.values()], np.intp)
_SECOND = np.array([landmarks[-1] for landmarks in _SOURCES.values()], np.intp)

# BlazePose guesses limbs that the frame cuts off. Just outside the edge a guess is still good.
_OUTSIDE_TRUSTED = 0.02  # of the frame's width or height
_OUTSIDE_IGNORED = 0.07


def canonical_pose(
    landmarks: NDArray[np.float32], size: tuple[int, int], captured_s: float
) -> Pose:
    """One person's landmarks as a `Pose`.

    landmarks: (33, 4) float32: x and y in [0, 1] across the frame (beyond it outside), visibility
    and presence in [0, 1]. `size` is the frame's (height, width). A joint scores the lesser of
    visibility and presence, faded out from 2 % to 7 % outside the frame; a mean of two landmarks
    the lesser of theirs. A landmark that is not finite scores 0.
    """
    landmarks = np.asarray(landmarks, np.float32)
    if landmarks.shape != (LANDMARKS, 4):
        raise ValueError(f"landmarks have shape {landmarks.shape}, not ({LANDMARKS}, 4)")
    finite = np.asarray(np.isfinite(landmarks).all(1))
    landmarks = np.where(finite[:, None], landmarks, np.float32(0))
    score = np.clip(landmarks[:, 2:].min(1), 0, 1) * _inside(landmarks[:, :2]) * finite
    height, width = size
    at_px = landmarks[:, :2] * np.array([width, height], np.float32)

    points = np.zeros((len(JOINTS), 2), np.float32)
    scores = np.zeros(len(JOINTS), np.float32)
    points[_FILLED] = (at_px[_FIRST] + at_px[_SECOND]) / 2
    scores[_FILLED] = np.minimum(score[_FIRST], score[_SECOND])
    return Pose(points, scores, captured_s, size)


def _inside(xy: NDArray[np.float32]) -> NDArray[np.float32]:
    """1 in the frame, falling to 0 outside. xy: (N, 2) in [0, 1] across the frame; returns (N,)."""
    outside = np.maximum(-xy, xy - 1).max(1)
    fade = (_OUTSIDE_IGNORED - outside) / (_OUTSIDE_IGNORED - _OUTSIDE_TRUSTED)
    return np.asarray(np.clip(fade, 0, 1), np.float32)
