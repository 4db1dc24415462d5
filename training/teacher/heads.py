"""The square around the head that the face net repaints; always whole, always inside."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from live.head import head_square

ABSENT = -1


def head_corner(
    points: NDArray[np.float32],
    scores: NDArray[np.float32],
    size: tuple[int, int],
    side: int,
) -> tuple[int, int]:
    """(top, left) of a `side` x `side` square around the head, (-1, -1) where there is none.

    points: (J, 2) pixels of a picture of `size`; scores: (J,). At the picture's border the square
    is moved inwards, so that it never leaves the picture and never shrinks.
    """
    return head_square(points, scores, size, side) or (ABSENT, ABSENT)


def cut_out(pictures: Tensor, corners: Tensor, side: int) -> Tensor:
    """(N, C, h, w) and (N, 2) of top, left -> (N, C, side, side). An absent head is cut at 0, 0."""
    rows = [
        picture[:, top : top + side, left : left + side]
        for picture, (top, left) in zip(pictures, corners.clamp_min(0).tolist(), strict=True)
    ]
    return torch.stack(rows)


def put_back(pictures: Tensor, squares: Tensor, corners: Tensor) -> Tensor:
    """The inverse of `cut_out`, on a copy; where the head is absent the picture stays."""
    pictures, side = pictures.clone(), squares.shape[-1]
    for picture, square, (top, left) in zip(pictures, squares, corners.tolist(), strict=True):
        if top != ABSENT:
            picture[:, top : top + side, left : left + side] = square
    return pictures
