"""A show that is played: the demo's clip is its camera, the demo subject's codebook its poses."""

from __future__ import annotations

import itertools
import math
import threading
import time
from pathlib import Path

import cv2
import numpy as np

from live.desk.desk import Desk
from live.desk.parameters import Value
from live.frames import Frame, Image, Label, Picture, Pose, Region
from live.latest import Latest
from live.skeleton import Drawer
from live.subject import Subject
from tests.live.desk.told_show import ToldShow

DEMO = Path(__file__).parents[3] / "live" / "assets" / "demo"
FPS = 25.0


class PlayedShow(ToldShow):
    """A `ToldShow` that has pictures, too."""

    def __init__(self, subject: Subject, desk: Desk) -> None:
        super().__init__(rate=FPS, delays_s=[0.062, 0.064, 0.071, 0.068])
        self.rung = "generated"
        self.distance = 0.8  # novelty
        self.nobody = False
        self.pictures: Latest[Picture] = Latest()
        self.label: Label | None = None
        self._desk = desk
        self._subject = subject
        self._book = subject.codebook
        self._drawer = Drawer(subject.manifest.generator_size, subject.manifest.style)
        self._frames = itertools.cycle(_clip())
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._play, name="played show", daemon=True)

    def recent(self, most: int) -> dict[str, list[float]]:
        return {"pose": [0.021, 0.024], "generate": [0.019, 0.02], "encode": [0.004, 0.006]}

    def dropped(self) -> int:
        return 0

    def readings(self) -> dict[str, Value]:
        """As the picture stage's, which `live.desk.bind_picture.bind` returns."""
        return {"novelty": round(self.distance, 2), "rung": self.rung, "subject.loading": ""}

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(2)

    def _play(self) -> None:
        for number in itertools.count():
            if self._ended.wait(1 / FPS):
                return
            self._step(number)

    def _step(self, number: int) -> None:
        now_s, book = time.monotonic(), self._book
        frame = Frame(next(self._frames), now_s, number)
        place = number // 2 % len(book.points)
        size, stage = frame.size, self._subject.manifest.stage_size
        points = book.points[place] * np.float32(min(size[0] / stage[0], size[1] / stage[1]))
        pose = Pose(points, book.scores[place], now_s, size)
        self.seen.see(frame, None if self.nobody else pose)
        within = self._subject.manifest.generator_size
        scale = np.float32(within[0] / stage[0])
        drawn = self._drawer.draw(book.points[place] * scale, book.scores[place])
        self.label = Label(drawn, now_s, Region(0, 0, stage[1], stage[0]))
        self.pictures.put(Picture(self._composed(drawn), now_s, number, "generated"))
        self.counted["picture.generated"] = number + 1
        if number % 5 == 0:
            self._desk.report(self.readings())
        self.distance = 0.9 + 0.5 * math.sin(number / FPS / 3)

    def _composed(self, drawn: Image) -> Image:
        plate = self._subject.plate
        figure = cv2.resize(drawn, (plate.shape[1], plate.shape[0]))
        return np.where(figure.max(2, keepdims=True) > 40, figure, plate)


def _clip() -> list[Image]:
    reader = cv2.VideoCapture(str(DEMO / "performer.mp4"))
    found: list[Image] = []
    while len(found) < 100:
        there, image = reader.read()
        if not there:
            break
        found.append(np.asarray(image, np.uint8))
    reader.release()
    return found
