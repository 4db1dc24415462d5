"""Which losses a step of the student has, and that each is heard."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from live.skeleton import LabelStyle
from tests.training.conftest import TINY
from training.batches import Batches, BatchSettings
from training.dataset import Dataset
from training.losses import LossWeights
from training.trainer import Trainer, TrainerSettings

ALWAYS = {"pixel", "square", "alpha", "motion", "total"}


def trainer(**weights: float) -> Trainer:
    torch.manual_seed(0)
    settings = TrainerSettings(weights=replace(LossWeights(), **weights))
    return Trainer(TINY, settings, torch.device("cpu"))


@pytest.mark.parametrize(
    ("adversarial", "perceptual", "more"),
    [
        (False, False, set()),
        (False, True, {"perceptual"}),
        (True, True, {"perceptual", "adversarial", "features", "critic"}),
    ],
)
def test_a_phase_has_the_losses_that_it_asks_for(
    tiny_dataset: Dataset, adversarial: bool, perceptual: bool, more: set[str]
) -> None:
    batch = Batches(tiny_dataset, LabelStyle(), BatchSettings(rows=2), 0).make(0)
    one = trainer()
    losses = one.train(batch, 0.5, adversarial, perceptual)
    assert losses.keys() == ALWAYS | more
    weights = one._weights
    heard = sum(weights[k] * v for k, v in losses.items() if k not in ("total", "critic"))
    assert losses["total"] == pytest.approx(heard, rel=1e-5)
    assert all(losses[k] > 0 for k in ("pixel", "square"))


def test_a_backbone_of_no_weight_is_not_asked(tiny_dataset: Dataset) -> None:
    batch = Batches(tiny_dataset, LabelStyle(), BatchSettings(rows=2), 0).make(0)
    assert trainer(perceptual=0.0).train(batch, 0.5, False, True).keys() == ALWAYS


def test_the_squared_difference_keeps_a_share_of_its_weight(tiny_dataset: Dataset) -> None:
    batch = Batches(tiny_dataset, LabelStyle(), BatchSettings(rows=2), 0).make(0)
    whole, fifth = (trainer().train(batch, 0.5, False, False, share) for share in (1.0, 0.2))
    assert fifth["square"] == whole["square"]
    gone = 0.8 * LossWeights().square * whole["square"]
    assert fifth["total"] == pytest.approx(whole["total"] - gone, rel=1e-5)
