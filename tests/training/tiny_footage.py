"""Small footage with a known truth: a drawn figure walks over a textured background."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from live.frames import Frame, Image, Pose
from live.skeleton import INDEX, JOINTS, draw

FPS = 30.0
SIZE = (128, 160)  # (height, width), pixels
SHAPE = {
    "nose": (0.0, 0.0), "neck": (0.0, 0.15), "mid_hip": (0.0, 0.5),
    "right_shoulder": (-0.1, 0.16), "left_shoulder": (0.1, 0.16),
    "right_elbow": (-0.16, 0.32), "left_elbow": (0.16, 0.32),
    "right_wrist": (-0.18, 0.48), "left_wrist": (0.18, 0.48),
    "right_hip": (-0.07, 0.5), "left_hip": (0.07, 0.5),
    "right_knee": (-0.08, 0.72), "left_knee": (0.08, 0.72),
    "right_ankle": (-0.08, 0.95), "left_ankle": (0.08, 0.95),
    "right_eye": (-0.03, -0.02), "left_eye": (0.03, -0.02),
    "right_ear": (-0.05, 0.0), "left_ear": (0.05, 0.0),
}  # fmt: skip
"""A standing figure of height 1, from its nose: x to the picture's right, y down."""


def background(size: tuple[int, int] = SIZE) -> Image:
    """A smooth pattern without any black, RGB uint8."""
    y, x = np.mgrid[: size[0], : size[1]]
    waves = [128 + 60 * np.sin(x / 9 + 2 * c) + 30 * np.cos(y / (5 + c)) for c in range(3)]
    return np.stack(waves, axis=2).clip(20, 235).astype(np.uint8)


def pose_at(number: int, size: tuple[int, int] = SIZE, still: bool = False) -> Pose:
    """Where the figure is in frame `number`: it walks from side to side, and waves."""
    points = np.zeros((len(JOINTS), 2), np.float32)
    scores = np.zeros(len(JOINTS), np.float32)
    phase = 0.0 if still else number / 15
    middle = size[1] * (0.5 + 0.3 * np.sin(phase))
    for name, (x, y) in SHAPE.items():
        lift = 0.3 * max(np.sin(3 * phase), 0) if name == "left_wrist" else 0
        points[INDEX[name]] = middle + 0.7 * size[0] * x, size[0] * (0.15 + 0.7 * (y - lift))
        scores[INDEX[name]] = 0.9
    return Pose(points, scores, number / FPS, size)


def picture_at(number: int, size: tuple[int, int] = SIZE, still: bool = False) -> Image:
    """The figure over the background, RGB uint8: dark where its label is bright."""
    pose = pose_at(number, size, still)
    label = draw(pose.points, pose.scores, size)
    thick = np.asarray(cv2.dilate(label, np.ones((3, 3), np.uint8)))
    figure = thick.max(axis=2) > 0
    return np.where(figure[:, :, None], 255 - thick, background(size)).astype(np.uint8)


def write_video(path: Path, frames: int, size: tuple[int, int] = SIZE, still: bool = False) -> Path:
    """Encode `frames` pictures; Motion JPEG keeps them nearly as they are."""
    fourcc = cv2.VideoWriter.fourcc(*"MJPG")
    writer = cv2.VideoWriter(str(path), fourcc, FPS, (size[1], size[0]))
    for number in range(frames):
        writer.write(np.ascontiguousarray(picture_at(number, size, still)[:, :, ::-1]))
    writer.release()
    return path


class KnownPose:
    """An estimator that knows where the figure is by the frame's number; counts what it was asked.

    `stop_after` frames it raises KeyboardInterrupt, like a person at the keyboard.
    """

    def __init__(
        self, still: bool = False, nobody: bool = False, stop_after: int | None = None
    ) -> None:
        self.asked = 0
        self.times_s: list[float] = []
        self._still = still
        self._nobody = nobody
        self._stop_after = stop_after

    def estimate(self, frame: Frame) -> Pose | None:
        if self.asked == self._stop_after:
            raise KeyboardInterrupt
        self.asked += 1
        self.times_s.append(frame.captured_s)
        return None if self._nobody else pose_at(frame.sequence, frame.size, self._still)

    def reset(self) -> None:
        pass

    def follow_at(self, x: float, y: float) -> None:
        pass

    def follow_any(self) -> None:
        pass

    def close(self) -> None:
        pass
