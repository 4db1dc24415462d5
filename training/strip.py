"""The film strip: real over generated, whole and close, for a few moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from live.frames import Image
from training.disk import write_png
from training.masks import Box, hand_squares, head_box
from training.metrics import cut

MOMENTS = 8
CLOSE_PX = 128  # side of a close-up


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """Runs of equal length."""

    truths: Sequence[Image]
    pictures: Sequence[Image]
    points: NDArray[np.float32]  # (N, J, 2), where the truth's joints are
    scores: NDArray[np.float32]  # (N, J)

    def write(self, path: Path) -> None:
        """One column a moment: truth, generated, then face and hands, truth left of generated."""
        numbers = np.linspace(0, len(self.truths) - 1, MOMENTS).round().astype(int)
        columns = [self._column(int(number)) for number in numbers]
        image = np.concatenate(columns, axis=1)
        write_png(path, image)

    def _column(self, number: int) -> Image:
        truth, picture = self.truths[number], self.pictures[number]
        size = (truth.shape[0], truth.shape[1])
        points, scores = self.points[number], self.scores[number]
        hands = hand_squares(points, scores, size)
        boxes = [head_box(points, scores, size), *hands, None, None][:3]
        rows = [_wide(truth), _wide(picture)]
        for box in boxes:
            rows.append(np.concatenate([_close(truth, box), _close(picture, box)], axis=1))
        return np.concatenate(rows, axis=0)


def _wide(image: Image) -> Image:
    height = round(image.shape[0] * 2 * CLOSE_PX / image.shape[1])
    return np.asarray(
        cv2.resize(image, (2 * CLOSE_PX, height), interpolation=cv2.INTER_AREA), np.uint8
    )


def _close(image: Image, box: Box | None) -> Image:
    if box is None:
        return np.zeros((CLOSE_PX, CLOSE_PX, 3), np.uint8)
    side = (CLOSE_PX, CLOSE_PX)
    return np.asarray(cv2.resize(cut(image, box), side, interpolation=cv2.INTER_CUBIC), np.uint8)
