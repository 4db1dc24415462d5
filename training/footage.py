"""Reads videos from first frame to last, as fast as they decode: the home of video in training."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from live.errors import SourceError
from live.frames import Frame


@dataclass(frozen=True, slots=True)
class Clip:
    """One video file."""

    path: Path
    size: tuple[int, int]  # (height, width), pixels, as decoded
    fps: float  # as the file says; frames carry their own times
    announced: int  # number of frames, as the file says; 0 where it does not
    sha256: str


def open_clip(path: Path) -> Clip:
    """Look into a video. Raises SourceError for one that is missing or gives no picture."""
    if not path.is_file():
        raise SourceError(f"video {path} does not exist or is no file; check the path")
    capture = cv2.VideoCapture(str(path))
    try:
        got, image = capture.read()
        if not got or image is None:
            raise SourceError(f"video {path} cannot be decoded; is it cut off, or no video at all?")
        fps = float(capture.get(cv2.CAP_PROP_FPS))
        announced = max(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0)
    finally:
        capture.release()
    fps = fps if 1 <= fps <= 1000 else 30.0
    return Clip(path, (image.shape[0], image.shape[1]), fps, announced, _sha256(path))


def read_clip(clip: Clip, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
    """The clip's frames from number `start` on (decoded up to there, not searched), before `stop`.

    `captured_s` is the frame's time in the clip: its own where it grows, else by the frame rate.
    """
    capture = cv2.VideoCapture(str(clip.path))
    previous_s = -1.0
    try:
        number = 0
        while (stop is None or number < stop) and capture.grab():
            time_s = float(capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000
            if not previous_s < time_s < previous_s + 60:
                time_s = previous_s + 1 / clip.fps if number else 0.0
            previous_s = time_s
            if number >= start:
                got, image = capture.retrieve()
                if not got or image is None:
                    return
                yield Frame(np.asarray(image, np.uint8), time_s, number)
            number += 1
    finally:
        capture.release()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
