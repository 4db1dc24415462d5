"""The static camera: a shift lens, so that walls stay upright while the feet stay in view."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Camera:
    """Stands at (0, height_m, 0), looks along -z. Pictures are (height, width) pixels."""

    height_m: float
    tangent: float  # half the picture's height over the distance: tan(field of view / 2)
    shift: float  # the horizon above the picture's middle, in half heights

    def project(self, points: NDArray[np.floating], size: tuple[int, int]) -> NDArray[np.float32]:
        """Points (..., 3) m to (..., 3): x and y in pixels (edges at 0 and size), distance m."""
        rows, columns = size
        half = rows / 2
        distance = np.maximum(-points[..., 2], 0.05)
        scale = half / self.tangent / distance
        x = columns / 2 + points[..., 0] * scale
        y = half * (1 - self.shift) + (self.height_m - points[..., 1]) * scale
        return np.stack([x, y, distance], -1).astype(np.float32)

    def rays(self, size: tuple[int, int], samples: int) -> NDArray[np.float64]:
        """Directions (rows * samples, columns * samples, 3) with z = -1, through every sample."""
        rows, columns = size[0] * samples, size[1] * samples
        half = rows / 2
        x = (np.arange(columns) + 0.5 - columns / 2) * self.tangent / half
        y = -(np.arange(rows) + 0.5 - half * (1 - self.shift)) * self.tangent / half
        grid = np.empty((rows, columns, 3))
        grid[..., 0], grid[..., 1], grid[..., 2] = x[None, :], y[:, None], -1.0
        return grid
