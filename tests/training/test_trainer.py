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

ALWAYS = {"pixel", "alpha", "motion", "total"}


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
    assert losses["pixel"] > 0


def test_a_backbone_of_no_weight_is_not_asked(tiny_dataset: Dataset) -> None:
    batch = Batches(tiny_dataset, LabelStyle(), BatchSettings(rows=2), 0).make(0)
    assert trainer(perceptual=0.0).train(batch, 0.5, False, True).keys() == ALWAYS


def test_the_squared_difference_is_heard_where_it_has_a_weight(tiny_dataset: Dataset) -> None:
    batch = Batches(tiny_dataset, LabelStyle(), BatchSettings(rows=2), 0).make(0)
    without, with_it = (trainer(square=w).train(batch, 0.5, False, False) for w in (0.0, 40.0))
    assert with_it.keys() == without.keys() | {"square"}
    assert with_it["total"] == pytest.approx(without["total"] + 40 * with_it["square"], rel=1e-5)
