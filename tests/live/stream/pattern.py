"""Pictures whose content is known: a moving bar, four colour patches, and a number in a strip."""

from __future__ import annotations

import threading
import time

import numpy as np
from numpy.typing import NDArray

from live.frames import Image, Picture
from live.stream.hub import Hub

PATCHES: dict[str, tuple[int, int, int]] = {
    "red": (200, 40, 40),
    "green": (40, 170, 60),
    "blue": (50, 70, 200),
    "skin": (224, 172, 140),
}
"""RGB, laid out as a 2 x 2 board over the picture's middle."""

BITS = 16
"""Blocks of the strip along the top edge: the picture's number, white for 1, lowest bit first."""


def pattern(number: int, size: tuple[int, int] = (256, 256)) -> Image:
    """Picture `number`, RGB uint8 (H, W, 3); H and W are `size`."""
    height, width = size
    image = np.full((height, width, 3), 30, np.uint8)
    for index, colour in enumerate(PATCHES.values()):
        top, left = patch_corner(index, size)
        image[top : top + height // 4, left : left + width // 4] = colour
    image[height * 7 // 8 :, bar_left(number, width) :][:, : width // 8] = 235
    for bit in range(BITS):
        left, right = bit * width // BITS, (bit + 1) * width // BITS
        image[: height // 8, left:right] = 235 if number >> bit & 1 else 16
    return image


def patch_corner(index: int, size: tuple[int, int]) -> tuple[int, int]:
    """(top, left) of patch `index`, pixels."""
    height, width = size
    return height // 4 + height // 4 * (index // 2), width // 4 + width // 4 * (index % 2)


def bar_left(number: int, width: int) -> int:
    """The moving bar's left edge in picture `number`, pixels."""
    return (number * 5) % (width - width // 8)


def read_number(image: NDArray[np.uint8]) -> int:
    """The number in a picture's strip, uint8 (H, W, 3)."""
    height, width = image.shape[:2]
    number = 0
    for bit in range(BITS):
        centre = (2 * bit + 1) * width // (2 * BITS)
        block = image[height // 32 : height * 3 // 32, centre - 2 : centre + 3]
        number |= int(block.mean() > 125) << bit
    return number


def psnr_db(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Peak signal to noise ratio of two pictures, decibels."""
    error = np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2)
    return float(10 * np.log10(255**2 / max(float(error), 1e-9)))


class Performance:
    """Publishes the pattern to a hub from a thread of its own, as the show's encode stage does."""

    def __init__(
        self, hub: Hub, size: tuple[int, int] = (256, 256), fps: float = 30.0, first: int = 0
    ) -> None:
        self.published = first
        self._hub = hub
        self._size = size
        self._fps = fps
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="encode")

    def _run(self) -> None:
        next_s = time.monotonic()
        while not self._stop.wait(max(0.0, next_s - time.monotonic())):
            next_s += 1 / self._fps
            number = self.published
            picture = Picture(pattern(number, self._size), time.monotonic(), number, "generated")
            self._hub.publish(picture)
            self.published = number + 1

    def __enter__(self) -> Performance:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
