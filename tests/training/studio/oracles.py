"""Slow, plain counterparts of the studio's kernels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.studio.raster import FAR

Floats = NDArray[np.float32]


def skin(
    rest: Floats, bones: NDArray[np.int32], weights: Floats, turns: Floats, moves: Floats
) -> Floats:
    """Linear blend skinning in float64, (N, 3)."""
    moved = np.einsum("nkij,nj->nki", turns[bones].astype(float), rest) + moves[bones]
    return np.asarray((moved * weights[..., None]).sum(1), np.float32)


def fill(
    screen: Floats, triangles: NDArray[np.int32], sheets: NDArray[np.bool_], cut: Floats, size: int
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Nearest triangle and its distance at every pixel's centre, by barycentric weights."""
    faces = np.full((size, size), -1, np.int32)
    depth = np.full((size, size), float(FAR))
    for row in range(size):
        for column in range(size):
            for number, corners in enumerate(triangles):
                a, b, c = screen[corners].astype(float)
                matrix = np.array([[a[0], b[0], c[0]], [a[1], b[1], c[1]], [1, 1, 1]])
                area = np.linalg.det(matrix)
                if abs(area) < 1e-9 or (area > 0 and not sheets[number]):
                    continue
                share = np.linalg.solve(matrix, [column + 0.5, row + 0.5, 1])
                distance = float(share @ screen[corners, 2])
                inside = share.min() >= 0 and float(share @ cut[corners]) >= 0
                if inside and distance < depth[row, column]:
                    depth[row, column], faces[row, column] = distance, number
    return faces, depth
