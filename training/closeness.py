"""Perceptual distance: LPIPS where its weights lie on this machine, else what the losses use.

Zhang et al.: 'The Unreasonable Effectiveness of Deep Features as a Perceptual Metric', CVPR 2018.
The `lpips` package carries the metric's own small weights and has torchvision fetch the backbone's.
Nothing is fetched here: a table must not depend on whether a host answers.
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import torch

from live.frames import Image
from training.perceptual import PerceptualFeatures, perceptual_distance
from training.samples import to_tensor

ALEXNET = "alexnet-owt-*.pth"  # torchvision's, in torch's own cache


class Closeness(Protocol):
    """A distance between two pictures of one size, 0 for equal ones."""

    @property
    def name(self) -> str:
        """What it is, for the sheet."""

    def between(self, truth: Image, found: Image) -> float:
        """RGB uint8 (h, w, 3) each."""


class LiteCloseness:
    """`perceptual_distance` on EfficientNet-Lite0: not LPIPS, and comparable only with itself."""

    name = "channel-normalized EfficientNet-Lite0 features at 1/2 to 1/16; it is not LPIPS"

    def __init__(self, features: PerceptualFeatures | None = None) -> None:
        self._features = features or PerceptualFeatures()

    @torch.no_grad()
    def between(self, truth: Image, found: Image) -> float:
        wanted = self._features(to_tensor(truth[None]))
        return float(perceptual_distance(wanted, self._features(to_tensor(found[None]))))


class LpipsCloseness:
    """LPIPS 0.1 on AlexNet."""

    name = "LPIPS 0.1 (AlexNet)"

    def __init__(self) -> None:
        package: Any = importlib.import_module("lpips")
        self._net = package.LPIPS(net="alex", verbose=False).eval()

    @torch.no_grad()
    def between(self, truth: Image, found: Image) -> float:
        pair = (to_tensor(image[None]) * 2 - 1 for image in (truth, found))
        return float(self._net(*pair))


def choose_closeness(features: PerceptualFeatures) -> Closeness:
    """LPIPS where the package and AlexNet's weights are on this machine, else ours."""
    kept = Path(torch.hub.get_dir()) / "checkpoints"
    if find_spec("lpips") and any(kept.glob(ALEXNET)):
        return LpipsCloseness()
    return LiteCloseness(features)
