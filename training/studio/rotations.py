"""Rotation matrices, (3, 3) float64, acting on column vectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def about(axis: int, angle: float) -> Array:
    """Rotation matrix about a coordinate axis, right-handed."""
    c, s = np.cos(angle), np.sin(angle)
    matrix = np.eye(3)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    matrix[i, i] = matrix[j, j] = c
    matrix[i, j], matrix[j, i] = -s, s
    return matrix


def between(start: Array, end: Array) -> Array:
    """The smallest rotation that takes direction `start` to direction `end` (Rodrigues)."""
    a, b = start / np.linalg.norm(start), end / np.linalg.norm(end)
    v, c = np.cross(a, b), float(a @ b)
    k = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
    return np.asarray(np.eye(3) + k + k @ k / (1 + c))


def frame(down: Array, forward: Array) -> Array:
    """The rotation that takes (0, -1, 0) to `down` and +z as near as it can to `forward`."""
    y = -down / np.linalg.norm(down)
    z = forward - y * (y @ forward)
    z /= np.linalg.norm(z)
    return np.column_stack([np.cross(y, z), y, z])


def rotation_vector(matrix: Array) -> Array:
    """Axis times angle of a rotation matrix, angle below pi."""
    angle = float(np.arccos(np.clip((np.trace(matrix) - 1) / 2, -1, 1)))
    axis = np.array(
        [matrix[2, 1] - matrix[1, 2], matrix[0, 2] - matrix[2, 0], matrix[1, 0] - matrix[0, 1]]
    )
    if angle < 1e-6:
        return np.asarray(axis / 2)
    return np.asarray(axis * angle / (2 * np.sin(angle)))


def from_vector(vector: Array) -> Array:
    """Rodrigues' formula."""
    angle = float(np.linalg.norm(vector))
    if angle < 1e-9:
        return np.eye(3)
    x, y, z = vector / angle
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * (k @ k))
