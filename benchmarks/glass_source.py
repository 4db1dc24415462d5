"""One source for all that are compared: pictures with grain and motion, stamped at capture."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import cv2
import numpy as np

from benchmarks.timecode import BITS, TICK_S, code_of, stamp
from live.frames import Image, Picture
from live.stream.hub import Hub

LOOP = 24
"""Different pictures, shown forwards and backwards."""


SLIP = 0.99
"""The source runs at this share of its rate. At exactly 30 a second it would stand still against
the browser's 60 Hz, and luck alone would decide between 0 and 17 ms; so it meets every phase."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A picture's two times on this process's monotonic clock, seconds."""

    captured_s: float  # its time code
    ready_s: float  # when it was handed to the stream


class Source:
    """Makes stamped pictures and remembers when. For one thread at a time."""

    def __init__(self, size: tuple[int, int], fps: float, work_s: float) -> None:
        """`size` is (height, width), pixels; `work_s` stands for pose and generator, seconds."""
        self.size = size
        self.period_s = 1 / (fps * SLIP)
        self.work_s = work_s
        self.moments: dict[int, Moment] = {}  # by time code
        self._loop = film(size)
        self._loop += self._loop[-2:0:-1]
        self._taken = 0

    def capture(self) -> int:
        """A new picture's time code: now."""
        return code_of(time.monotonic())

    def picture(self, code: int) -> Image:
        """The picture with that code, RGB uint8 (H, W, 3), the caller's own."""
        image = self._loop[self._taken % len(self._loop)].copy()
        self._taken += 1
        stamp(image, code)
        return image

    def ready(self, code: int) -> float:
        """Note that the picture is handed over now; its capture time, seconds."""
        now_s = time.monotonic()
        captured_s = latest(code, now_s)
        self.moments[code] = Moment(captured_s, now_s)
        return captured_s


def latest(code: int, now_s: float) -> float:
    """The last time before `now_s` that has this code, seconds."""
    round_s = (1 << BITS) * TICK_S
    return now_s - (now_s - code * TICK_S) % round_s


def film(size: tuple[int, int], count: int = LOOP, seed: int = 5) -> list[Image]:
    """A textured figure that swings before a textured wall, with the grain of a camera."""
    height, width = size
    chance = np.random.default_rng(seed)
    wall = 90 + 50 * _cloth(chance, height, width, 24)
    figure = 130 + 70 * _cloth(chance, height // 2, width // 4, 5)
    pictures = []
    for number in range(count):
        image = wall.copy()
        swing = np.sin(np.pi * (number / (count - 1) - 0.5))  # -1 to 1, at rest where it turns
        left = round((0.5 + 0.3 * swing) * width - width / 8)
        image[height // 3 :, left : left + width // 4][: height // 2] = figure
        image += chance.normal(0, 2.0, (height, width, 1))
        pictures.append(image.clip(0, 255).astype(np.uint8))
    return pictures


def _cloth(chance: np.random.Generator, height: int, width: int, grain: float) -> np.ndarray:
    """Smooth colour noise, float64 (H, W, 3), standard deviation 1."""
    noise = cv2.GaussianBlur(chance.normal(size=(height, width, 3)), (0, 0), grain)
    return np.asarray(noise / noise.std())


class Performance:
    """Publishes a source to a hub from a thread of its own, as the show's encode stage does."""

    def __init__(self, hub: Hub, source: Source) -> None:
        self._hub = hub
        self._source = source
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="encode")

    def _run(self) -> None:
        source, next_s, number = self._source, time.monotonic(), 0
        while not self._stop.wait(max(0.0, next_s - time.monotonic())):
            next_s += source.period_s
            code = source.capture()
            time.sleep(source.work_s)
            image = source.picture(code)
            captured_s = source.ready(code)
            self._hub.publish(Picture(image, captured_s, number, "generated"))
            number += 1

    def __enter__(self) -> Performance:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
