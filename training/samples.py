"""Pictures of how far the training is: label | generated | truth for a few held-out frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from live.frames import Image
from live.skeleton import Drawer, LabelStyle
from live.window import into_window
from training.dataset import Dataset
from training.disk import write_png
from training.masks import make_masks, person_box
from training.nets import Student, compose
from training.views import view

ROWS = 6


@dataclass(frozen=True, slots=True)
class Glance:
    """A first impression of quality, on single held-out frames with an empty state."""

    psnr_db: float
    person_psnr_db: float
    label_effect: float  # change of the figure between labels, against the truth's own change
    alpha_person: float | None  # mean alpha where the person surely is; None: there is no place
    alpha_empty: float | None  # ... and where surely nobody is


class Samples:
    """A fixed choice of held-out frames, spread over the tail."""

    def __init__(self, data: Dataset, style: LabelStyle, rows: int = ROWS) -> None:
        tail = data.held_out[data.seen[data.held_out]]
        pool = tail if len(tail) else data.train
        numbers = pool[np.linspace(0, len(pool) - 1, rows).round().astype(int)]
        drawer = Drawer(data.size, style)
        regions = [data.regions[n] for n in numbers]
        points = [into_window(data.points[n], data.regions[n], data.size) for n in numbers]
        scores = [data.scores[n] for n in numbers]
        self._labels = np.stack([drawer.draw(*pose) for pose in zip(points, scores, strict=True)])
        self._truths = np.stack(
            [view(data.frame(int(n)), data.regions[n], data.size) for n in numbers]
        )
        plates = np.stack([view(data.plate, region, data.size) for region in regions])
        self._figures = self._truths.astype(np.float32) - plates
        self._plates = to_tensor(plates)
        unseen = data.unseen.astype(np.float32)
        masks = [
            make_masks(truth, plate, view(unseen, region, data.size), *pose)
            for truth, plate, region, *pose in zip(
                self._truths, plates, regions, points, scores, strict=True
            )
        ]
        self._solid = np.stack([mask.solid for mask in masks]) > 0
        self._clear = np.stack([mask.clear for mask in masks]) > 0
        boxes = [person_box(*pose, data.size) for pose in zip(points, scores, strict=True)]
        self._person = np.zeros(self._truths.shape[:3], bool)
        for mask, box in zip(self._person, boxes, strict=True):
            if box:
                mask[box.top : box.bottom, box.left : box.right] = True

    @torch.no_grad()
    def look(self, net: Student, device: torch.device, path: Path) -> Glance:
        """Generate, write the grid to `path`, and measure."""
        state = torch.zeros(1, 4, *self._truths.shape[1:3], device=device)
        plates = self._plates.to(device)
        pictures, over_one, alphas = [], [], []
        for label, plate in zip(self._labels, plates, strict=True):
            rgba = net(to_tensor(label[None]).to(device) * 2 - 1, state)
            alphas.append(rgba[0, 3].float().cpu().numpy())
            pictures.append(to_image(compose(rgba, plate[None])))
            # Windows differ, and so do the plates in them: over one plate only the label counts.
            over_one.append(to_image(compose(rgba, plates[:1])))
        found = np.stack(pictures)
        write_grid(path, [list(row) for row in zip(self._labels, found, self._truths, strict=True)])
        return self._measure(found, np.stack(over_one), np.stack(alphas))

    def _measure(self, found: Image, over_one: Image, alpha: NDArray[np.float32]) -> Glance:
        gap = (found.astype(np.float64) - self._truths) ** 2
        return Glance(
            psnr_db=psnr(float(gap.mean())),
            person_psnr_db=psnr(float(gap[self._person].mean())),
            label_effect=change(over_one) / max(change(self._figures), 1e-6),
            alpha_person=_mean(alpha[self._solid]),
            alpha_empty=_mean(alpha[self._clear]),
        )


def _mean(values: NDArray[np.float32]) -> float | None:
    return float(values.mean()) if len(values) else None


def change(pictures: NDArray[Any]) -> float:
    """Mean absolute difference between one picture and the next."""
    return float(np.abs(pictures.astype(np.float32) - np.roll(pictures, 1, 0)).mean())


def psnr(mean_square: float) -> float:
    """Peak signal-to-noise ratio in dB of a mean squared error of 8-bit values."""
    return float(10 * np.log10(255**2 / max(mean_square, 1e-6)))


def to_tensor(images: Image) -> Tensor:
    """RGB uint8 (B, h, w, 3) -> float32 (B, 3, h, w) in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float().div_(255)


def to_image(pictures: Tensor) -> Image:
    """float (1, 3, h, w) in [0, 1] -> RGB uint8 (h, w, 3)."""
    scaled = (pictures[0].clamp(0, 1) * 255).round().to(torch.uint8)
    return np.ascontiguousarray(scaled.permute(1, 2, 0).cpu().numpy())


def write_grid(path: Path, rows: list[list[Image]]) -> None:
    """RGB pictures of one size as one PNG. Raises SetupError where it cannot be written."""
    grid = np.concatenate([np.concatenate(row, axis=1) for row in rows], axis=0)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_png(path, grid)
