"""JPEGs of the newest picture, made in a thread of their own and only while somebody wants them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from live.frames import Image, Picture
from live.latest import Latest
from live.stage import Stage
from live.timing import Clock

log = logging.getLogger(__name__)

EARLY = 0.25
"""Of a period: a picture that comes so much too soon is taken, or jitter would cost every other."""

CLOSE_S = 1.0


@dataclass(frozen=True, slots=True)
class Jpeg:
    """One coded picture."""

    data: bytes  # a whole JPEG file
    sequence: int  # of the picture


class JpegEncoder:
    """Codes what comes into a mailbox, at most so many a second; sleeps while nobody wants any.

    `want` and `close` are for one thread.
    """

    def __init__(
        self,
        pictures: Latest[Picture],
        fps: float = 15.0,
        quality: int = 80,
        clock: Clock = time.monotonic,
    ) -> None:
        """`quality` as JPEG has it, 1 to 100."""
        self.encoded = 0  # pictures
        self._pictures = pictures
        self._period_s = 1 / fps
        self._quality = quality
        self._clock = clock
        self._wanted = threading.Event()
        self._closed = False
        self._failing = False
        self._due_s = float("-inf")
        self._put: Callable[[Jpeg], None] | None = None
        self._ended: Callable[[], None] | None = None
        self._stage = Stage("preview", self._step, self._on_end)

    def start(self, put: Callable[[Jpeg], None], ended: Callable[[], None]) -> None:
        """Begin. Once only. `put` gets each JPEG, `ended` the end; both in this thread."""
        self._put, self._ended = put, ended
        self._stage.start()

    def want(self, wanted: bool) -> None:
        """Whether anybody wants JPEGs, from now on."""
        if wanted or self._closed:
            self._wanted.set()
        else:
            self._wanted.clear()

    def close(self) -> None:
        """Make no more; does not wait. May be called twice, and before `start`."""
        self._closed = True
        self._pictures.close()
        self._wanted.set()

    def join(self) -> None:
        """Wait for the thread's end, after `close`."""
        if not self._stage.join(CLOSE_S):
            log.warning("the preview did not end within %.0f s; leaving it", CLOSE_S)

    def _step(self) -> None:
        self._wanted.wait()
        picture = self._pictures.take()
        if picture is None or not self._wanted.is_set():  # the last one left while we waited
            return
        due_s = next_due(self._due_s, self._clock(), self._period_s)
        if due_s is None:
            return
        self._due_s = due_s
        data = self._code(picture.image)
        if data is not None and self._put is not None:
            self.encoded += 1
            self._put(Jpeg(data, picture.sequence))

    def _code(self, image: Image) -> bytes | None:
        try:
            data = encode_jpeg(image, self._quality)
        except cv2.error as error:
            if not self._failing:
                log.error("a preview picture was not coded (%s); the show goes on", error)
            self._failing = True
            return None
        self._failing = False
        return data

    def _on_end(self, stage: Stage) -> None:
        if self._ended is not None:
            self._ended()


def next_due(due_s: float, now_s: float, period_s: float) -> float | None:
    """When the picture after this one is due; None where this one comes too soon.

    Over any length of time no more than one passes in `period_s`.
    """
    if now_s < due_s - EARLY * period_s:
        return None
    return max(due_s, now_s) + period_s


def encode_jpeg(image: Image, quality: int) -> bytes:
    """A JPEG file of `image`, RGB uint8 (H, W, 3). Raises `cv2.error`."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, coded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(coded, np.uint8).tobytes()
