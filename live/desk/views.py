"""The three pictures on the console: the camera with the skeleton, the label, and the output.

Nothing is drawn or coded until a console asks for it; two that ask for the same get the same JPEG.
The camera's picture goes to consoles alone.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import cv2

from live.desk.overlay import Overlay, fitted
from live.desk.telemetry import Inspect
from live.frames import Image, Label, Picture
from live.latest import Closed, Latest
from live.stream.jpeg_encoder import encode_jpeg

log = logging.getLogger(__name__)

NAMES = ("source", "label", "output")
"""Their places in this table are what a message's first byte says."""
QUALITY = 70  # as JPEG has it: good enough to judge a pose by
NARROWEST_PX, WIDEST_PX = 64, 1280
MOST_CODED = 12  # JPEGs that are kept: four widths of three views


class Views:
    """Makes them on demand. From any thread, one at a time."""

    def __init__(
        self,
        inspect: Inspect,
        label: Callable[[], Label | None],
        pictures: Latest[Picture] | None = None,
    ) -> None:
        """`pictures` is a mailbox that `live.stream.outputs.Outputs` fills; None: no output."""
        self.coded = 0  # JPEGs so far
        self._inspect = inspect
        self._label = label
        self._pictures = pictures
        self._picture: Picture | None = None
        self._overlay = Overlay()
        self._lock = threading.Lock()
        self._coded: dict[tuple[str, int], tuple[object, bytes]] = {}
        self._failing = False

    def jpeg(self, name: str, width: int) -> bytes:
        """The newest of that name, at most `width` pixels wide; empty where there is none yet."""
        width = min(max(width, NARROWEST_PX), WIDEST_PX)
        with self._lock:
            try:
                return self._newest(name, width)
            except (cv2.error, ValueError) as error:
                if not self._failing:
                    log.error("the console's view of the %s was not made (%s)", name, error)
                self._failing = True
                return b""

    def _newest(self, name: str, width: int) -> bytes:
        of, draw = getattr(self, f"_{name}_view")(width)
        if of is None:
            return b""
        known = self._coded.get((name, width))
        if known is not None and known[0] is of:
            return known[1]
        data = encode_jpeg(draw(), QUALITY)
        self.coded += 1
        if len(self._coded) >= MOST_CODED:
            self._coded.clear()
        self._coded[name, width] = (of, data)
        return data

    def _source_view(self, width: int) -> tuple[object, Callable[[], Image]]:
        seen = self._inspect()
        if seen is None:
            return None, _nothing
        frame, pose = seen
        return frame, lambda: self._overlay.draw(frame, pose, width)

    def _label_view(self, width: int) -> tuple[object, Callable[[], Image]]:
        label = self._label()
        if label is None:
            return None, _nothing
        return label, lambda: fitted(label.image, width)

    def _output_view(self, width: int) -> tuple[object, Callable[[], Image]]:
        if self._pictures is not None:
            try:
                self._picture = self._pictures.take(0) or self._picture
            except Closed:  # the show has ended; its last picture stays
                self._pictures = None
        picture = self._picture
        if picture is None:
            return None, _nothing
        return picture, lambda: fitted(picture.image, width)


def _nothing() -> Image:
    raise ValueError("there is no picture")
