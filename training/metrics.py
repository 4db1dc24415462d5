"""How good a run of pictures is, against the truth: figures a frame, and one `Score` a region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio, structural_similarity

from live.frames import Image
from training.closeness import Closeness, choose_closeness
from training.kid import describe, kid
from training.masks import Box
from training.perceptual import PerceptualFeatures
from training.samples import psnr

SSIM_SIDE = 11  # pixels of its window; a smaller cut has no SSIM
SSIM_SIGMA = 1.5

Boxes = tuple[Box, ...]
"""Where a frame is measured: one box, several that count alike (both hands'), or none."""


@dataclass(frozen=True, slots=True)
class Score:
    """Figures of a run of pictures within one region, mean over its frames."""

    ssim: float  # Wang et al. 2004: Gaussian 11x11 windows, sigma 1.5, RGB
    psnr_db: float  # of the mean squared error over all frames
    perceptual: float  # `Scorer.closeness`
    flicker: float  # mean |change of picture - change of truth|, 8-bit levels
    warp_error: float  # mean |picture - last picture moved along the truth's flow|, 8-bit levels
    warp_over_real: float | None  # that, over what the real video has itself; None: it stands still
    kid: float | None  # `training.kid`; None: too few frames


@dataclass(frozen=True, slots=True, eq=False)
class FrameScores:
    """Figures of every frame, (N,) float64; NaN where there is nothing to measure."""

    ssim: NDArray[np.float64]
    psnr_db: NDArray[np.float64]
    perceptual: NDArray[np.float64]
    flicker: NDArray[np.float64]
    warp_error: NDArray[np.float64]


class Scorer:
    """Measures runs of pictures against one run of truths."""

    def __init__(self, truths: Sequence[Image], closeness: Closeness | None = None) -> None:
        self._truths = truths
        self._features = PerceptualFeatures()
        self.closeness = closeness or choose_closeness(self._features)
        self._flows = [_flow(a, b) for a, b in zip(truths[1:], truths[:-1], strict=True)]
        self._known: dict[tuple[int, Box], NDArray[np.float64]] = {}  # truths, for KID
        self._real: dict[tuple[int, Box], float] = {}  # the truths' own warp errors

    def score(self, pictures: Sequence[Image], boxes: Sequence[Boxes]) -> Score:
        """Figures within `boxes`, those of every frame; a frame without a box does not count."""
        return self.summed(self.frames(pictures, boxes), pictures, boxes)

    def frames(self, pictures: Sequence[Image], boxes: Sequence[Boxes]) -> FrameScores:
        """The same, frame by frame: the mean over a frame's boxes."""
        found = {f.name: np.full(len(boxes), np.nan) for f in fields(FrameScores)}
        for number, several in enumerate(boxes):
            if several:
                figures = [self._figures(pictures, number, box) for box in several]
                for column, values in zip(found.values(), zip(*figures, strict=True), strict=True):
                    column[number] = np.mean(values)
        return FrameScores(**found)

    def _figures(self, pictures: Sequence[Image], number: int, box: Box) -> tuple[float, ...]:
        """In the order of `FrameScores`."""
        picture, truth = cut(pictures[number], box), cut(self._truths[number], box)
        return (
            _ssim(picture, truth),
            _psnr(picture, truth),
            self.closeness.between(truth, picture),
            self._flicker(pictures, number, box) if number else float("nan"),
            self._warp(pictures, number, box) if number else float("nan"),
        )

    def summed(
        self, frames: FrameScores, pictures: Sequence[Image], boxes: Sequence[Boxes]
    ) -> Score:
        """One figure for all frames."""
        places = [(number, box) for number, several in enumerate(boxes) for box in several]
        pairs = [(cut(pictures[n], box), cut(self._truths[n], box)) for n, box in places]
        squares = sum(mean_squared_error(*pair) * pair[1].size for pair in pairs)
        real = _mean([self._real_warp(*place) for place in places if place[0]])
        warp = _mean(frames.warp_error.tolist())
        return Score(
            ssim=_mean(frames.ssim.tolist()),
            psnr_db=psnr(squares / max(sum(truth.size for _, truth in pairs), 1)),
            perceptual=_mean(frames.perceptual.tolist()),
            flicker=_mean(frames.flicker.tolist()),
            warp_error=warp,
            warp_over_real=warp / real if real > 0.01 else None,
            kid=kid(
                [self._described(*place) for place in places],
                [describe(self._features, picture) for picture, _ in pairs],
            ),
        )

    def _described(self, number: int, box: Box) -> NDArray[np.float64]:
        if (number, box) not in self._known:
            truth = cut(self._truths[number], box)
            self._known[number, box] = describe(self._features, truth)
        return self._known[number, box]

    def _real_warp(self, number: int, box: Box) -> float:
        if (number, box) not in self._real:
            self._real[number, box] = self._warp(self._truths, number, box)
        return self._real[number, box]

    def _flicker(self, pictures: Sequence[Image], number: int, box: Box) -> float:
        change, true_change = (
            cut(run[number], box).astype(np.float32) - cut(run[number - 1], box)
            for run in (pictures, self._truths)
        )
        return float(np.abs(change - true_change).mean())

    def _warp(self, pictures: Sequence[Image], number: int, box: Box) -> float:
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


def _psnr(found: Image, truth: Image) -> float:
    """In dB; of equal pictures what `psnr` says of them, since a sheet holds no infinity."""
    with np.errstate(divide="ignore"):
        return min(float(peak_signal_noise_ratio(truth, found, data_range=255)), psnr(0.0))


def _ssim(found: Image, truth: Image) -> float:
    if min(truth.shape[:2]) < SSIM_SIDE:
        return float("nan")
    return float(
        structural_similarity(
            found, truth, channel_axis=2, data_range=255,
            gaussian_weights=True, sigma=SSIM_SIGMA, use_sample_covariance=False,
        )
    )  # fmt: skip


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else 0.0
