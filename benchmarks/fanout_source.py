"""Moving pictures that fill a bitrate: soft noise that drifts and changes, made once, shown round.

A real show's pictures need fewer bits at this size; a fan-out is measured with its pipe full.
"""

from __future__ import annotations

import cv2
import numpy as np

from live.frames import Image

RING = 48
"""Different pictures. At 512 x 512 they take 38 MB."""

GRAIN_PX = 1.5
"""Standard deviation of the blur: finer noise than this is unlike any camera's."""


def make_ring(size: tuple[int, int], count: int = RING, seed: int = 5) -> list[Image]:
    """`count` RGB uint8 (H, W, 3) pictures; (H, W) is `size`. The same seed makes the same ones."""
    height, width = size
    random = np.random.default_rng(seed)
    still, moving = (_noise(random, (height, width)) for _ in range(2))
    ring = []
    for number in range(count):
        angle = 2 * np.pi * number / count
        shift = round(height / 8 * np.sin(angle)), round(width / 4 * np.cos(angle))
        mixed = 0.5 * still + 0.5 * np.roll(moving, shift, axis=(0, 1))
        mixed[height // 4 : height // 2] = _noise(random, (height // 4, width))
        ring.append(np.clip(mixed, 0, 255).astype(np.uint8))
    return ring


def _noise(random: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    grain = random.normal(0, 1, (*size, 3)).astype(np.float32)
    soft = cv2.GaussianBlur(grain, (0, 0), GRAIN_PX)
    return np.asarray(128 + 48 * soft / soft.std(), np.float32)
