"""Pictures of how far a part's net is: label | without | with | truth, of held-out squares."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from live.errors import SetupError
from live.frames import Image
from live.parts import Corner, Part
from live.skeleton import Drawer, LabelStyle
from live.window import into_window
from training.dataset import Dataset
from training.face_net import FaceStudent
from training.face_trainer import as_bytes
from training.nets import Student, compose
from training.perceptual import PerceptualFeatures, perceptual_distance
from training.places import frames_with, seen_places
from training.samples import psnr, to_image, to_tensor, write_grid
from training.views import view

ROWS = 6
TALL_PX = 192  # about, of a square enlarged for people's eyes


@dataclass(frozen=True, slots=True)
class Glance:
    """A first impression of quality, on single held-out squares."""

    psnr_db: float
    without_psnr_db: float  # of the student alone
    perceptual: float  # `training.perceptual.perceptual_distance` from the truth
    without_perceptual: float

    def figures(self, part: Part) -> dict[str, float]:
        """For the log, where losses have names of their own."""
        return {
            f"{part.name}_psnr_db": self.psnr_db,
            "without_psnr_db": self.without_psnr_db,
            f"{part.name}_perceptual": self.perceptual,
            "without_perceptual": self.without_perceptual,
        }


class FaceSamples:
    """A fixed choice of held-out squares, spread over the tail, as the student paints them."""

    def __init__(
        self, data: Dataset, style: LabelStyle, student: Student, part: Part, rows: int = ROWS
    ) -> None:
        """The student paints once, since it stands still. Raises SetupError without any square."""
        drawer = Drawer(data.size, style)
        self._made = [
            _square(data, drawer, student, part, number, row)
            for row, number in enumerate(_chosen(data, part, rows))
        ]

    @torch.no_grad()
    def look(
        self, net: FaceStudent, features: PerceptualFeatures, device: torch.device, path: Path
    ) -> Glance:
        """Correct, write the grid to `path`, and measure; both nets are on `device`."""
        grid, gaps = [], []
        for label, rgba, plate, truth in self._made:
            made = net((to_tensor(label[None]) * 2 - 1).to(device), rgba.to(device)).cpu()
            pictures = [to_image(compose(one, plate)) for one in (rgba, made)]
            grid.append([_larger(one) for one in (label, *pictures, truth)])
            wanted, *found = (
                features(to_tensor(one[None]).to(device)) for one in (truth, *pictures)
            )
            squares = [np.square(one.astype(np.float64) - truth).mean() for one in pictures]
            gaps.append([*squares, *(float(perceptual_distance(wanted, one)) for one in found)])
        write_grid(path, grid)
        without, corrected, far, near = (float(gap) for gap in np.mean(gaps, axis=0))
        return Glance(psnr(corrected), psnr(without), near, far)


def _chosen(data: Dataset, part: Part, rows: int) -> list[int]:
    pool = frames_with(part, data, data.held_out)
    if not len(pool):
        pool = frames_with(part, data, data.train)
    if not len(pool):
        raise SetupError(
            f"{data.folder} shows {part.what} nowhere, so there is no {part.name} net to be trained"
        )
    return [int(pool[n]) for n in np.linspace(0, len(pool) - 1, rows).round().astype(int)]


def _corner(data: Dataset, part: Part, number: int, row: int) -> Corner:
    """Of the hands that are seen now this one, now that."""
    seen = seen_places(part, data, number)
    points = into_window(data.points[number], data.regions[number], data.size)
    given = (points, data.scores[number], data.size, part.side(data.size[0]))
    corner = seen[row % len(seen)].square(*given)
    assert corner is not None
    return corner


def _square(
    data: Dataset, drawer: Drawer, student: Student, part: Part, number: int, row: int
) -> tuple[Image, Tensor, Tensor, Image]:
    """Label uint8, the student's picture (1, 4, s, s), plate (1, 3, s, s), truth uint8."""
    region, scores = data.regions[number], data.scores[number]
    points = into_window(data.points[number], region, data.size)
    (top, left), side = _corner(data, part, number, row), part.side(data.size[0])
    cut = (slice(top, top + side), slice(left, left + side))
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
    times = max(round(TALL_PX / image.shape[0]), 1)
    size = (image.shape[1] * times, image.shape[0] * times)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_NEAREST), np.uint8)
