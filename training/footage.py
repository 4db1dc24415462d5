"""Reads footage from first picture to last, as fast as it decodes: the home of video in training.

Footage is a video file, or a folder of numbered pictures with a rate of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from live.errors import SourceError
from live.frames import Frame
from training.disk import file_sha256
from training.frame_folder import folder_sha256, picture_files, read_picture

FOLDER_FPS = 30.0
LOST_S = 0.5  # a shorter loss of pictures is not searched across
_LONGEST_STEP_S = 60.0


@dataclass(frozen=True, slots=True)
class Clip:
    """One video file, or one folder of pictures."""

    path: Path
    size: tuple[int, int]  # (height, width), pixels, as decoded
    fps: float  # as the file says; frames carry their own times
    announced: int  # number of frames, as the file says; 0 where it does not
    sha256: str  # empty where nobody asked for it: it takes reading all of the file


def open_clip(path: Path, fps: float | None = None, hashed: bool = True) -> Clip:
    """Look into footage. Raises SourceError for one that is missing or gives no picture.

    `fps` is the rate of a folder's pictures, 30 where it is not given; a video has its own.
    Without `hashed` the clip has no `sha256`, for who only takes samples.
    """
    if path.is_dir():
        files = picture_files(path)
        size = read_picture(files[0]).shape[:2]
        sha = folder_sha256(files) if hashed else ""
        return Clip(path, (size[0], size[1]), fps or FOLDER_FPS, len(files), sha)
    if not path.is_file():
        raise SourceError(f"video {path} does not exist or is no file; check the path")
    capture = cv2.VideoCapture(str(path))
    try:
        got, image = capture.read()
        if not got or image is None:
            raise SourceError(f"video {path} cannot be decoded; is it cut off, or no video at all?")
        rate = float(capture.get(cv2.CAP_PROP_FPS))
        announced = max(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0)
    finally:
        capture.release()
    rate = rate if 1 <= rate <= 1000 else 30.0
    sha = file_sha256(path) if hashed else ""
    return Clip(path, (image.shape[0], image.shape[1]), rate, announced, sha)


def read_clip(clip: Clip, skip: int = 0, step: int = 1) -> Iterator[Frame]:
    """The clip's frames that can be read, without the first `skip`, and of the rest each `step`-th.

    Frames are decoded in order, never searched: equal calls give equal frames. `sequence` is the
    frame's number in the clip and `captured_s` its time in it. Where some cannot be decoded, both
    leap over the hole.
    """
    reading = _pictures(clip) if clip.path.is_dir() else _video(clip, skip, step)
    for count, frame in enumerate(reading):
        if frame is not None and count >= skip and (count - skip) % step == 0:
            yield frame


def _pictures(clip: Clip) -> Iterator[Frame]:
    """A folder's pictures; one that is damaged is left out, one of another size is an error."""
    for number, path in enumerate(picture_files(clip.path)):
        try:
            image = read_picture(path)
        except SourceError:
            continue
        if image.shape[:2] != clip.size:
            raise SourceError(
                f"{path} is {image.shape[1]}x{image.shape[0]} and the folder's first picture "
                f"{clip.size[1]}x{clip.size[0]}; put pictures of another size into another folder"
            )
        yield Frame(image, number / clip.fps, number)


def _video(clip: Clip, skip: int, step: int) -> Iterator[Frame | None]:
    """A video's frames; None for one that is passed over."""
    capture = cv2.VideoCapture(str(clip.path))
    number, count, previous_s = 0, 0, -1.0
    try:
        while True:
            if not capture.grab():
                number = _beyond_the_hole(capture, clip, number)
                if number < 0:
                    return
            time_s = float(capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000
            if not previous_s < time_s < previous_s + _LONGEST_STEP_S:
                time_s = previous_s + 1 / clip.fps if number else 0.0
            wanted = count >= skip and (count - skip) % step == 0
            got, image = capture.retrieve() if wanted else (True, None)
            if got:
                # A decoder that lost frames goes on at the right time; their numbers go with it.
                number = max(number, round(time_s * clip.fps)) if time_s > previous_s else number
                yield None if image is None else _frame(image, time_s, number)
                count, previous_s = count + 1, time_s
            number += 1
    finally:
        capture.release()


def _frame(image: object, time_s: float, number: int) -> Frame:
    return Frame(np.asarray(image, np.uint8), time_s, number)


def _beyond_the_hole(capture: cv2.VideoCapture, clip: Clip, number: int) -> int:
    """Where reading goes on after frame `number` could not be read; -1 at the end of the clip."""
    step = max(round(clip.fps * LOST_S), 1)
    for target in range(number + step, clip.announced - step, step):
        capture.set(cv2.CAP_PROP_POS_FRAMES, target)
        if capture.grab():
            return target
    return -1
