"""Small footage with something wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import av
import cv2
import numpy as np

from live.frames import Frame, Image
from tests.training.tiny_footage import FPS, SIZE, background, picture_at, pose_at
from training.framing import Framing
from training.people import Person


def write_film(path: Path, pictures: Iterable[Image]) -> Path:
    """RGB pictures as Motion JPEG, which keeps them nearly as they are."""
    writer = None
    for picture in pictures:
        if writer is None:
            size = (picture.shape[1], picture.shape[0])
            writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, size)
        writer.write(np.ascontiguousarray(picture[:, :, ::-1]))
    assert writer is not None
    writer.release()
    return path


def write_h264(path: Path, count: int) -> Path:
    """The walk of `tiny_footage`, with a key picture every 12."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=30, options={"g": "12", "crf": "18"})
        stream.height, stream.width = SIZE
        stream.pix_fmt = "yuv420p"
        for number in range(count):
            picture = av.VideoFrame.from_ndarray(picture_at(number), format="rgb24")
            out.mux(stream.encode(picture))
        out.mux(stream.encode(None))
    return path


def shifted(picture: Image, right: int, down: int = 0) -> Image:
    """As a camera sees it that has turned."""
    return np.roll(picture, (down, right), (0, 1))


def elsewhere(number: int) -> Image:
    """The figure of frame `number` in another room."""
    picture, room = picture_at(number), background()
    figure = (picture != room).any(axis=2)
    other = np.ascontiguousarray(np.rot90(background((SIZE[1], SIZE[0]))))
    return np.where(figure[:, :, None], picture, 255 - other).astype(np.uint8)


def lit(number: int, gain: float) -> Image:
    """Frame `number` in other light."""
    return (picture_at(number) * gain).clip(0, 255).astype(np.uint8)


def soft(number: int) -> Image:
    """Frame `number` out of focus."""
    return np.asarray(cv2.GaussianBlur(picture_at(number), (0, 0), 4), np.uint8)


class KnownCrowd:
    """Sees the subject, and a second one in those frames that `others` names."""

    def __init__(self, others: Callable[[int], bool] = lambda _: False) -> None:
        self._others = others
        self.looks = 0

    def look(self, frame: Frame, framing: Framing) -> list[Person]:
        self.looks += 1
        pose = pose_at(frame.sequence, frame.size)
        points = framing.points(pose.points)
        people = [Person(points, pose.scores, None)]
        if self._others(frame.sequence):
            people.append(Person(points + np.array([40, 0], np.float32), pose.scores, None))
        return people

    def close(self) -> None:
        pass
