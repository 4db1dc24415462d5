"""How far one pose is from another, for nearest neighbours and codebooks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BODY = 25  # the hands' joints would outnumber the body's


def as_vectors(
    points: NDArray[np.float32], scores: NDArray[np.float32], size: tuple[int, int]
) -> NDArray[np.float32]:
    """Poses (N, J, 2) in pixels of `size`, scores (N, J) -> (N, 75): where, and whether seen.

    Places are fractions of the height; a joint that is not seen stands at the seen ones' mean.
    """
    seen = (scores[:, :BODY] > 0.3).astype(np.float32)[:, :, None]
    places = points[:, :BODY] / np.float32(size[0])
    mean = (places * seen).sum(1, keepdims=True) / np.maximum(seen.sum(1, keepdims=True), 1)
    places = np.where(seen > 0, places, mean)
    flat = np.concatenate([places, 0.05 * seen], axis=2)
    return np.asarray(flat.reshape(len(points), -1), np.float32)


def nearest(queries: NDArray[np.float32], known: NDArray[np.float32]) -> NDArray[np.int64]:
    """For every row of `queries` (Q, D) the number of the closest row of `known` (N, D)."""
    # Not |a|^2 - 2ab + |b|^2, which loses the digits that tell close poses apart.
    return np.array([int(np.square(known - query).sum(1).argmin()) for query in queries])


def pose_error(
    found: NDArray[np.float32],
    found_scores: NDArray[np.float32],
    truth: NDArray[np.float32],
    truth_scores: NDArray[np.float32],
) -> float | None:
    """Mean distance of the joints that both poses see well, % of the truth's body height.

    found, truth: (J, 2) in the same pixels; scores (J,). None where no joint is seen in both. The
    body's height is the larger side of the box of its seen joints.
    """
    both = (truth_scores[:BODY] > 0.5) & (found_scores[:BODY] > 0.5)
    if not both.any():
        return None
    gaps = np.hypot(*(found[:BODY] - truth[:BODY])[both].T)
    height = float(np.ptp(truth[:BODY][truth_scores[:BODY] > 0.3], axis=0).max())
    return 100 * float(gaps.mean()) / max(height, 1.0)
