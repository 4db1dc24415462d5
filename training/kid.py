"""Kernel Inception Distance for small sets, on the features that are at hand without a network.

Bińkowski, Sutherland, Arbel, Gretton: 'Demystifying MMD GANs', ICLR 2018, section 4: the unbiased
estimate of MMD² under the kernel (x·y / d + 1)³. Unlike FID it has no bias that grows as the set
shrinks. Their features are Inception's last, 2048 numbers; ours are EfficientNet-Lite0's maps,
averaged over the picture and brought to one length, so that no map rules (160 numbers). A figure
compares only with other figures of this program.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from live.frames import Image
from training.perceptual import PerceptualFeatures
from training.samples import to_tensor

FEATURES = "EfficientNet-Lite0's maps at 1/2 to 1/16, each averaged and of unit length"
SIDE = 128  # pixels; cuts of any shape are brought to this square, as KID does with its own
LEAST = 2  # pictures; the unbiased estimate leaves out the diagonal


@torch.no_grad()
def describe(features: PerceptualFeatures, image: Image) -> NDArray[np.float64]:
    """RGB uint8 (h, w, 3) -> (D,), of mean square 1."""
    how = cv2.INTER_AREA if min(image.shape[:2]) >= SIDE else cv2.INTER_CUBIC
    square = np.asarray(cv2.resize(image, (SIDE, SIDE), interpolation=how), np.uint8)
    maps = features(to_tensor(square[None]))
    means = [found.mean((2, 3))[0].double().numpy() for found in maps]
    joined = np.concatenate([mean / max(float(np.linalg.norm(mean)), 1e-9) for mean in means])
    return joined * np.sqrt(len(joined) / len(means))


def kid(real: Sequence[NDArray[np.float64]], made: Sequence[NDArray[np.float64]]) -> float | None:
    """MMD², unbiased: about 0 for equal sets, at times below. None for sets that are too small."""
    if min(len(real), len(made)) < LEAST:
        return None
    x, y = np.stack(real), np.stack(made)
    within = _off_diagonal_mean(_kernel(x, x)) + _off_diagonal_mean(_kernel(y, y))
    return float(within - 2 * _kernel(x, y).mean())


def _kernel(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return (a @ b.T / a.shape[1] + 1) ** 3


def _off_diagonal_mean(kernel: NDArray[np.float64]) -> float:
    count = len(kernel)
    return float((kernel.sum() - np.trace(kernel)) / (count * (count - 1)))
