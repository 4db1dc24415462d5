"""The hardware edge, faked: a `cv2.VideoCapture` whose every opening plays a script."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator

import cv2
import numpy as np

from live.frames import Image
from live.sources import SourceSettings, Timebase

HANG = "hang"  # a read that returns only when the bench is cleared away
BUSY = None  # an opening that fails
Step = Image | str
FRAME_S = 0.005  # real time between pictures: a fast camera, so that the tests are fast

SETTINGS = SourceSettings(
    0, width=32, height=24, warm_frames=2, stale_after_s=0.2, open_timeout_s=5.0
)


def quick_wait(event: threading.Event, timeout_s: float) -> bool:
    """Waits a fiftieth of what is asked: back-off without the tedium."""
    return event.wait(timeout_s / 50)


QUICK = Timebase(wait=quick_wait)


def picture(opening: int, number: int) -> Image:
    """BGR (24, 32, 3), different for each number; pixel (0, 0) names the opening."""
    image = np.full((24, 32, 3), number % 251, np.uint8)
    image[0, 0] = opening
    image[16, 16] = 200  # something to see: black is a fault of its own
    return image


def moving(opening: int, count: int | None = None) -> Iterator[Step]:
    """`count` pictures that all differ; without it they never end."""
    numbers = itertools.count() if count is None else range(count)
    return (picture(opening, number) for number in numbers)


def frozen(opening: int) -> Iterator[Step]:
    """The same picture over and over."""
    return itertools.repeat(picture(opening, 0))


class Bench:
    """The cameras on the bench. `scripts[i]` is what opening i gives; the last one repeats."""

    def __init__(
        self,
        *scripts: Callable[[], Iterable[Step]] | None,
        tick: Callable[[], object] | None = None,
        claims_fps: float = 30.0,
    ) -> None:
        self._scripts = scripts
        self.tick = tick or (lambda: threading.Event().wait(FRAME_S))
        self.claims_fps = claims_fps
        self.openings = 0
        self.released = 0
        self.asked: list[tuple[int, float]] = []
        self.cleared = threading.Event()

    def open(self, index: int) -> FakeCapture:
        script = self._scripts[min(self.openings, len(self._scripts) - 1)]
        self.openings += 1
        return FakeCapture(self, None if script is None else iter(script()))


class FakeCapture:
    """What `live.sources.camera.Capture` asks of OpenCV."""

    def __init__(self, bench: Bench, steps: Iterator[Step] | None) -> None:
        self._bench = bench
        self._steps = steps

    def isOpened(self) -> bool:  # noqa: N802 (OpenCV's name)
        return self._steps is not None

    def set(self, property: int, value: float, /) -> bool:
        self._bench.asked.append((property, value))
        return True

    def get(self, property: int, /) -> float:
        known = {cv2.CAP_PROP_FRAME_WIDTH: 32.0, cv2.CAP_PROP_FRAME_HEIGHT: 24.0}
        return known.get(property, self._bench.claims_fps)

    def read(self) -> tuple[bool, object]:
        assert self._steps is not None
        self._bench.tick()
        step = next(self._steps, None)
        if isinstance(step, str):
            self._bench.cleared.wait()
            return False, None
        return step is not None, step

    def release(self) -> None:
        self._bench.released += 1
