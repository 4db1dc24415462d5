"""A few hundred poses that stand for all of the training footage, and the calmest of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from live.skeleton import INDEX
from live.subject import Codebook
from training.dataset import Dataset
from training.pose_distance import as_vectors

MAX_POSES = 512
CANDIDATES = 4096  # farthest-point sampling looks at no more poses than this

_HANDS = [INDEX["right_wrist"], INDEX["left_wrist"]]
_HIPS = [INDEX["right_hip"], INDEX["left_hip"]]
_SHOULDERS = [INDEX["right_shoulder"], INDEX["left_shoulder"]]
_ANKLES = [INDEX["right_ankle"], INDEX["left_ankle"]]


def make_codebook(data: Dataset) -> Codebook:
    """Poses of the training frames that show the person, spread as widely as they go."""
    numbers = data.train
    numbers = numbers[np.linspace(0, len(numbers) - 1, min(CANDIDATES, len(numbers))).astype(int)]
    points, scores = data.points[numbers], data.scores[numbers]
    chosen = farthest_points(as_vectors(points, scores, data.stage), MAX_POSES)
    neutral = neutral_frame(data)
    return Codebook(
        points=points[chosen],
        scores=scores[chosen],
        neutral_points=data.points[neutral],
        neutral_scores=data.scores[neutral],
    )


def farthest_points(vectors: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Numbers of `count` rows, each the farthest from those before (Gonzalez 1985).

    vectors: (N, D). The first is the row nearest to the mean. At most N are returned.
    """
    first = int(np.square(vectors - vectors.mean(0)).sum(1).argmin())
    chosen = [first]
    nearest = np.square(vectors - vectors[first]).sum(1)
    while len(chosen) < min(count, len(vectors)):
        farthest = int(nearest.argmax())
        if nearest[farthest] <= 0:
            break
        chosen.append(farthest)
        nearest = np.minimum(nearest, np.square(vectors - vectors[farthest]).sum(1))
    return np.array(chosen)


def neutral_frame(data: Dataset) -> int:
    """The training frame with the calmest stance: upright, hands low, feet level, little motion.

    Every term is a fraction of the body's height; the smallest sum wins.
    """
    numbers = data.train
    points = data.points[numbers]
    seen = data.scores[numbers]
    body = data.body.height_near * data.stage[0]
    after = np.minimum(numbers + 1, len(data) - 1)
    moves = np.abs(data.points[after, :25] - points[:, :25]).mean((1, 2)) / body
    hands = points[:, _HANDS, 1] - points[:, _HIPS, 1]
    raised = np.maximum(-hands / body, 0).sum(1)
    spread = np.abs(points[:, _HANDS, 0] - points[:, _HIPS, 0]).sum(1) / body
    lean = np.abs(points[:, _SHOULDERS].mean(1) - points[:, _HIPS].mean(1))[:, 0] / body
    uneven = np.abs(np.diff(points[:, _ANKLES, 1], axis=1))[:, 0] / body
    heights = points[:, _ANKLES, 1].max(1) - points[:, INDEX["nose"], 1]
    crouch = np.maximum(np.quantile(heights, 0.8) - heights, 0) / body
    hidden = 1 - seen[:, :25].mean(1)
    # Facing the camera, the person's right is at the picture's left.
    turned = np.maximum(0.2 - (points[:, 5, 0] - points[:, 2, 0]) / body, 0)
    middle = np.median(points[:, _HIPS, 0])
    aside = np.abs(points[:, _HIPS, 0].mean(1) - middle) / data.stage[1]
    cost = 20 * moves + 3 * raised + spread + 3 * lean + 2 * uneven + 2 * crouch
    cost += hidden + 4 * turned + aside
    return int(numbers[int(cost.argmin())])
