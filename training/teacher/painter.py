"""The trained teacher at work: poses in, pictures of the stage out, each fed back into the next."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from live.frames import Image
from live.skeleton import Drawer
from training.teacher.fit import Fit
from training.teacher.heads import cut_out, head_corner, put_back
from training.teacher.run import Painters


class Painter:
    """Paints one frame after another. The face goes onto the picture, never into the feedback:
    the main generator was trained on its own pictures.

    Nor was it ever shown an empty label, which it makes one colour of: where nobody is seen the
    plate is, as on stage, and the next picture begins anew.
    """

    def __init__(
        self,
        painters: Painters,
        plate: Image,
        device: torch.device | None = None,
        face: bool = True,
    ) -> None:
        """`plate` is the empty stage, RGB uint8 (H, W, 3) of the size of the wanted pictures."""
        record = painters.record
        self._plate = plate
        self.fit = Fit((plate.shape[0], plate.shape[1]), record.size)
        self._device = device or torch.device("cpu")
        self._net = painters.net.to(self._device)
        self._face = painters.face.to(self._device) if painters.face is not None and face else None
        self._side, self._feedback = painters.face_side, painters.feedback
        self._drawer = Drawer(record.size, record.style)
        self.reset()

    def reset(self) -> None:
        """The next frame has none before it."""
        self._before = torch.zeros(1, 3, *self.fit.picture, device=self._device)

    def paint(self, points: NDArray[np.float32], scores: NDArray[np.float32]) -> Image:
        """points: (J, 2) stage pixels; scores: (J,). Returns RGB uint8 (H, W, 3) of the stage."""
        placed = self.fit.points(points)
        label = self._drawer.draw(placed, scores)
        if not label.any():
            self.reset()
            return self._plate.copy()
        picture = self._from_label(label, placed, scores)
        scaled = ((picture[0].float() + 1) * 127.5).round().to(torch.uint8)
        return self.fit.back(np.ascontiguousarray(scaled.permute(1, 2, 0).cpu().numpy()))

    def step(self, placed: NDArray[np.float32], scores: NDArray[np.float32]) -> Tensor:
        """placed: (J, 2) picture pixels, of somebody who is seen. (1, 3, h, w) in [-1, 1]."""
        return self._from_label(self._drawer.draw(placed, scores), placed, scores)

    @torch.no_grad()
    def _from_label(
        self, image: Image, placed: NDArray[np.float32], scores: NDArray[np.float32]
    ) -> Tensor:
        drawn = torch.from_numpy(image).to(self._device)
        label = drawn.permute(2, 0, 1)[None].float() / 127.5 - 1
        picture: Tensor = self._net(label, self._before)
        if self._feedback:
            self._before = picture
        if self._face is None:
            return picture
        corner = head_corner(placed, scores, self.fit.picture, self._side)
        corners = torch.tensor([corner])
        face, painted = (cut_out(part, corners, self._side) for part in (label, picture))
        # A residual may carry a colour beyond white or black.
        added = (painted + self._face(face, painted)).clamp(-1, 1)
        return put_back(picture, added, corners)


def painted(
    painter: Painter, points: NDArray[np.float32], scores: NDArray[np.float32]
) -> Iterator[Image]:
    """The pictures for poses (N, J, 2) and (N, J), in order."""
    painter.reset()
    for pose in zip(points, scores, strict=True):
        yield painter.paint(*pose)
