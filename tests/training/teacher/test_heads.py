"""The face square: at the picture's borders, and where nobody is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from live.head import square_side
from live.skeleton import INDEX, JOINTS
from training.teacher.heads import cut_out, head_corner, put_back

SIZE = (64, 96)


def head_at(x: float, y: float, score: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
    points = np.zeros((len(JOINTS), 2), np.float32)
    scores = np.zeros(len(JOINTS), np.float32)
    for name, offset in (("nose", 0), ("left_eye", -1), ("right_eye", -1), ("neck", 8)):
        points[INDEX[name]], scores[INDEX[name]] = (x, y + offset), score
    return points, scores


@pytest.mark.parametrize(
    ("x", "y", "corner"),
    [
        (48, 32, (15, 32)),  # in the middle, around the nose and the eyes above it
        (2, 32, (15, 0)),
        (94, 32, (15, 64)),
        (48, 1, (0, 32)),
        (94, 62, (32, 64)),
    ],
)
def test_the_square_never_leaves_the_picture(x: int, y: int, corner: tuple[int, int]) -> None:
    found = head_corner(*head_at(x, y), SIZE, 32)
    assert found == pytest.approx(corner, abs=1)
    assert 0 <= found[0] <= SIZE[0] - 32 and 0 <= found[1] <= SIZE[1] - 32


@pytest.mark.parametrize("pose", [head_at(48, 32, score=0.1), head_at(48, -60), head_at(-80, 30)])
def test_an_absent_head_has_no_square(pose: tuple[np.ndarray, np.ndarray]) -> None:
    assert head_corner(*pose, SIZE, 32) == (-1, -1)
    assert head_corner(*head_at(48, 32), SIZE, 65) == (-1, -1)  # larger than the picture


def test_what_is_cut_is_put_back_and_the_absent_stays() -> None:
    torch.manual_seed(0)
    pictures = torch.rand(3, 3, *SIZE)
    corners = torch.tensor([[3, 60], [-1, -1], [32, 64]])
    squares = cut_out(pictures, corners, 32)
    assert torch.equal(squares[2], pictures[2, :, 32:, 64:])
    assert torch.equal(put_back(pictures, squares, corners), pictures)
    changed = put_back(pictures, squares + 1, corners)
    assert torch.equal(changed[1], pictures[1])
    assert float((changed - pictures).sum()) == pytest.approx(2 * 3 * 32 * 32, rel=1e-4)


def test_the_square_is_the_papers_at_the_papers_size() -> None:
    assert square_side(512, 16) == 128
    assert square_side(64, 4) == 16
