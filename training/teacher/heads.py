"""The square around the head that the face net repaints; always whole, always inside."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.masks import head_box

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
    box = head_box(points, scores, size)
    if box is None or side > min(size):
        return ABSENT, ABSENT
    middle = np.array([box.top + box.bottom, box.left + box.right]) / 2
    corner = np.round(middle - side / 2).astype(int).clip(0, np.array(size) - side)
    return int(corner[0]), int(corner[1])


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


def square_side(height: int, multiple: int) -> int:
    """The face net's side for pictures of `height`: 128 at 512 (Chan et al., section 3.4)."""
    return max(round(height / 4 / multiple), 2) * multiple
