"""How good a run of pictures is, against the truth; one `Score` a region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from live.frames import Image
from training.masks import Box
from training.perceptual import PerceptualFeatures, perceptual_distance
from training.samples import psnr, to_tensor

SSIM_SIDE = 7  # skimage's window; a smaller cut has no SSIM


@dataclass(frozen=True, slots=True)
class Score:
    """Figures of a run of pictures within one region, mean over its frames."""

    ssim: float  # skimage's structural_similarity, 7x7 windows, RGB
    psnr_db: float  # of the mean squared error over all frames
    perceptual: float  # `perceptual_distance` on EfficientNet-Lite0; not LPIPS
    flicker: float  # mean |change of picture - change of truth|, 8-bit levels
    warp_error: float  # mean |picture - last picture moved along the truth's flow|, 8-bit levels


class Scorer:
    """Measures runs of pictures against one run of truths."""

    def __init__(self, truths: Sequence[Image]) -> None:
        self._truths = truths
        self._features = PerceptualFeatures()
        self._flows = [_flow(a, b) for a, b in zip(truths[1:], truths[:-1], strict=True)]

    def score(self, pictures: Sequence[Image], boxes: Sequence[Box | None]) -> Score:
        """Figures within `boxes`, one a frame; a frame without a box does not count."""
        frames = [number for number, box in enumerate(boxes) if box is not None]
        pairs = [self._cut(pictures, number, boxes[number]) for number in frames]
        squares = sum(_squares(found, truth) for found, truth in pairs)
        numbers = sum(truth.size for _, truth in pairs)
        return Score(
            ssim=_mean([_ssim(found, truth) for found, truth in pairs]),
            psnr_db=psnr(squares / max(numbers, 1)),
            perceptual=_mean([self._perceptual(found, truth) for found, truth in pairs]),
            flicker=_mean([self._flicker(pictures, n, boxes[n]) for n in frames if n]),
            warp_error=_mean([self._warp(pictures, n, boxes[n]) for n in frames if n]),
        )

    def _cut(self, pictures: Sequence[Image], number: int, box: Box | None) -> tuple[Image, Image]:
        return cut(pictures[number], box), cut(self._truths[number], box)

    @torch.no_grad()
    def _perceptual(self, found: Image, truth: Image) -> float:
        wanted = self._features(to_tensor(truth[None]))
        return float(perceptual_distance(wanted, self._features(to_tensor(found[None]))))

    def _flicker(self, pictures: Sequence[Image], number: int, box: Box | None) -> float:
        change, true_change = (
            cut(run[number], box).astype(np.float32) - cut(run[number - 1], box)
            for run in (pictures, self._truths)
        )
        return float(np.abs(change - true_change).mean())

    def _warp(self, pictures: Sequence[Image], number: int, box: Box | None) -> float:
        flow = self._flows[number - 1]
        height, width = flow.shape[:2]
        places = np.mgrid[:height, :width].astype(np.float32)
        moved = cv2.remap(
            pictures[number - 1], places[1] + flow[:, :, 0], places[0] + flow[:, :, 1],
            cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        gap = cv2.absdiff(np.asarray(moved, np.uint8), pictures[number])
        return float(cut(np.asarray(gap, np.uint8), box).mean())


def cut(image: Image, box: Box | None) -> Image:
    """The part of `image` inside `box`; all of it for None."""
    return image if box is None else image[box.top : box.bottom, box.left : box.right]


def _flow(after: Image, before: Image) -> NDArray[np.float32]:
    """Where each pixel of `after` was in `before` (Farnebäck 2003), (h, w, 2) x, y offsets."""
    grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (after, before)]
    start = np.zeros((*after.shape[:2], 2), np.float32)
    flow = cv2.calcOpticalFlowFarneback(grey[0], grey[1], start, 0.5, 3, 15, 3, 5, 1.2, 0)
    return np.asarray(flow, np.float32)


def _squares(found: Image, truth: Image) -> float:
    return float(np.square(found.astype(np.float64) - truth).sum())


def _ssim(found: Image, truth: Image) -> float:
    if min(truth.shape[:2]) < SSIM_SIDE:
        return float("nan")
    return float(structural_similarity(found, truth, channel_axis=2, data_range=255))


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else 0.0
