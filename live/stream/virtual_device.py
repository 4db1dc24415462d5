"""The seam to the system's virtual webcam: a protocol, how pictures fit into it, and a fake."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import cv2
import numpy as np

from live.errors import SetupError, StreamError
from live.frames import Image

Size = tuple[int, int]
"""(height, width), pixels."""

WIDTHS = 32
"""A width is a multiple of it: macOS pads shorter rows of UYVY, two bytes a pixel, to 64 bytes, and
pyvirtualcam refuses padded pictures."""

HEIGHTS = 2
"""A height is a multiple of it: NV12 and I420 have half as many rows of colour."""


class VirtualDevice(Protocol):
    """A virtual webcam that is open at one size. For one thread."""

    name: str  # as other programs list it

    def send(self, image: Image) -> None:
        """Show `image`, RGB uint8 (H, W, 3), contiguous. Raises `StreamError`."""

    def close(self) -> None:
        """Give it back. Once."""


OpenDevice = Callable[[Size], VirtualDevice]
"""Opens the virtual webcam at that size. Raises `SetupError` with the remedy."""


def device_size(size: Size) -> Size:
    """The smallest size that every system's virtual webcam takes and that holds `size`."""
    height, width = size
    return -(-height // HEIGHTS) * HEIGHTS, -(-width // WIDTHS) * WIDTHS


def letterbox(image: Image, size: Size) -> Image:
    """`image`, RGB uint8 (h, w, 3), whole and in the middle of a black picture of `size`.

    It is scaled to fill the height or the width, but not by the few pixels of `device_size`.
    """
    (h, w), (height, width) = image.shape[:2], size
    if (h, w) == size:
        return np.ascontiguousarray(image)
    scale = min(height / h, width / w)
    if scale < 1 or (height - h >= HEIGHTS and width - w >= WIDTHS):
        w, h = max(1, min(width, round(w * scale))), max(1, min(height, round(h * scale)))
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        image = np.asarray(cv2.resize(image, (w, h), interpolation=how), np.uint8)
    boxed = np.zeros((height, width, 3), np.uint8)
    top, left = (height - h) // 2, (width - w) // 2
    boxed[top : top + h, left : left + w] = image
    return boxed


class FakeVirtualDevice:
    """A system with one virtual webcam that keeps what it is sent. For tests."""

    def __init__(self) -> None:
        self.name = "fake"
        self.missing = False  # no driver: `open` refuses
        self.broken = False  # `send` fails
        self.opened: list[Size] = []
        self.sent: list[Image] = []
        self.open_now = 0

    def open(self, size: Size) -> VirtualDevice:
        """An `OpenDevice`."""
        if self.missing:
            raise SetupError("there is no virtual camera; load its driver")
        self.opened.append(size)
        self.open_now += 1
        return self

    def send(self, image: Image) -> None:
        if self.broken:
            raise StreamError("the virtual camera took no picture")
        assert image.shape == (*self.opened[-1], 3)
        assert image.flags.c_contiguous
        self.sent.append(image.copy())

    def close(self) -> None:
        self.open_now -= 1
