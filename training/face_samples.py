"""Pictures of how far a face net is: label | without | with | truth, heads of held-out frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from live.errors import SetupError
from live.frames import Image
from live.head import head_square
from live.skeleton import Drawer, LabelStyle
from live.window import into_window
from training.dataset import Dataset
from training.face_net import FaceStudent
from training.face_trainer import as_bytes
from training.nets import Student, compose
from training.perceptual import PerceptualFeatures, perceptual_distance
from training.samples import psnr, to_image, to_tensor, write_grid
from training.views import view

ROWS = 6
LARGER = 3  # times, for people's eyes


@dataclass(frozen=True, slots=True)
class FaceGlance:
    """A first impression of quality, on single held-out heads."""

    face_psnr_db: float
    without_psnr_db: float  # of the student alone
    face_perceptual: float  # `training.perceptual.perceptual_distance` from the truth
    without_perceptual: float


class FaceSamples:
    """A fixed choice of held-out heads, spread over the tail, as the student paints them."""

    def __init__(
        self, data: Dataset, style: LabelStyle, student: Student, side: int, rows: int = ROWS
    ) -> None:
        """The student paints once, since it stands still. Raises SetupError without any head."""
        drawer = Drawer(data.size, style)
        self._made = [_head(data, drawer, student, side, n) for n in _chosen(data, side, rows)]

    @torch.no_grad()
    def look(
        self, net: FaceStudent, features: PerceptualFeatures, device: torch.device, path: Path
    ) -> FaceGlance:
        """Correct, write the grid to `path`, and measure; both nets are on `device`."""
        grid, gaps = [], []
        for label, rgba, plate, truth in self._made:
            face = net((to_tensor(label[None]) * 2 - 1).to(device), rgba.to(device)).cpu()
            pictures = [to_image(compose(one, plate)) for one in (rgba, face)]
            grid.append([_larger(one) for one in (label, *pictures, truth)])
            wanted, *found = (
                features(to_tensor(one[None]).to(device)) for one in (truth, *pictures)
            )
            squares = [np.square(one.astype(np.float64) - truth).mean() for one in pictures]
            gaps.append([*squares, *(float(perceptual_distance(wanted, one)) for one in found)])
        write_grid(path, grid)
        without, with_face, far, near = (float(gap) for gap in np.mean(gaps, axis=0))
        return FaceGlance(psnr(with_face), psnr(without), near, far)


def _chosen(data: Dataset, side: int, rows: int) -> list[int]:
    def has_head(number: int) -> bool:
        points = into_window(data.points[number], data.regions[number], data.size)
        return head_square(points, data.scores[number], data.size, side) is not None

    pool = [n for n in data.held_out.tolist() if has_head(n)]
    pool = pool or [n for n in data.train.tolist() if has_head(n)]
    if not pool:
        raise SetupError(f"{data.folder} shows no head, so there is no face to be trained")
    return [pool[n] for n in np.linspace(0, len(pool) - 1, rows).round().astype(int)]


def _head(
    data: Dataset, drawer: Drawer, student: Student, side: int, number: int
) -> tuple[Image, Tensor, Tensor, Image]:
    """Label uint8, the student's picture (1, 4, s, s), plate (1, 3, s, s), truth uint8."""
    region, scores = data.regions[number], data.scores[number]
    points = into_window(data.points[number], region, data.size)
    corner = head_square(points, scores, data.size, side)
    assert corner is not None
    cut = (slice(corner[0], corner[0] + side), slice(corner[1], corner[1] + side))
    label = drawer.draw(points, scores).copy()
    device = next(student.parameters()).device
    with torch.no_grad():
        given = (to_tensor(label[None]) * 2 - 1).to(device)
        state = torch.zeros(1, 4, *data.size, device=device)
        for _ in range(2):  # the second time it has a past, as nearly always on stage
            state = student(given, state)
    rgba = as_bytes(state.cpu()[:, :, *cut])
    plate = to_tensor(view(data.plate, region, data.size)[cut][None])
    return label[cut], rgba, plate, view(data.frame(number), region, data.size)[cut]


def _larger(image: Image) -> Image:
    size = (image.shape[1] * LARGER, image.shape[0] * LARGER)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_NEAREST), np.uint8)
