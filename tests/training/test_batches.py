from __future__ import annotations

from dataclasses import fields, replace
from itertools import islice, pairwise

import numpy as np
import torch

from live.skeleton import LabelStyle, draw
from training.augment import AugmentSettings, draw_faults
from training.batches import Batch, Batches, BatchSettings, figure_size
from training.dataset import Dataset

NO_FAULTS = AugmentSettings(
    jitter_chance=0, drop_limb_chance=0, drop_figure_chance=0, score_chance=0
)
SETTINGS = BatchSettings(rows=4, length=4)


def same(a: Batch, b: Batch) -> bool:
    return all(torch.equal(getattr(a, f.name), getattr(b, f.name)) for f in fields(Batch))


def test_a_batch_depends_on_seed_and_step_alone(tiny_dataset: Dataset) -> None:
    first = Batches(tiny_dataset, LabelStyle(), SETTINGS, 1)
    in_order = [first.make(step) for step in range(6)]
    again = Batches(tiny_dataset, LabelStyle(), SETTINGS, 1)
    assert same(again.make(5), in_order[5])
    ahead = list(islice(again.ahead(2), 4))
    assert all(same(a, b) for a, b in zip(ahead, in_order[2:], strict=True))
    other = Batches(tiny_dataset, LabelStyle(), SETTINGS, 2)
    assert not same(other.make(5), in_order[5])


def test_streams_begin_one_after_another_and_walk_on(tiny_dataset: Dataset) -> None:
    batches = Batches(tiny_dataset, LabelStyle(), replace(SETTINGS, augment=NO_FAULTS), 1)
    made = [batches.make(step) for step in range(8)]
    begins = torch.stack([batch.begins.flatten() for batch in made])
    assert (begins.sum(1) == 1).all()  # one of four rows in every batch
    assert (begins.sum(0) == 2).all()
    for before, after in pairwise(made):
        goes_on = after.begins.flatten() == 0
        torch.testing.assert_close(before.plate[goes_on], after.plate[goes_on])  # the same crop


def test_shapes_and_ranges(tiny_dataset: Dataset) -> None:
    batches = Batches(tiny_dataset, LabelStyle(), SETTINGS, 1)
    batch = batches.make(0)
    height, width = figure_size(tiny_dataset)
    assert height % 32 == 0 and width % 32 == 0
    for name, channels in (("label", 3), ("truth", 3), ("plate", 3), ("weight", 1), ("solid", 1)):
        assert getattr(batch, name).shape == (4, channels, height, width)
    assert -1 <= batch.label.min() < -0.9 and 0.5 < batch.label.max() <= 1
    assert batch.truth.min() >= 0 and batch.truth.max() <= 1
    assert batch.weight.min() > 0


def test_without_faults_the_label_is_the_stages_own(tiny_dataset: Dataset) -> None:
    """A crop as large as the picture is the whole picture."""
    settings = BatchSettings(rows=1, crop=tiny_dataset.size, augment=NO_FAULTS)
    batch = Batches(tiny_dataset, LabelStyle(), settings, 0).make(3)
    label = ((batch.label[0] + 1) * 127.5).round().permute(1, 2, 0).numpy().astype(np.uint8)
    drawn = [
        draw(points, scores, tiny_dataset.size)
        for points, scores in zip(tiny_dataset.points, tiny_dataset.scores, strict=True)
    ]
    number = next(n for n, image in enumerate(drawn) if np.array_equal(image, label))
    truth = (batch.truth[0] * 255).round().permute(1, 2, 0).numpy().astype(np.uint8)
    np.testing.assert_array_equal(truth, tiny_dataset.frame(number))
    assert number < tiny_dataset.train_count


def test_without_a_figure_the_truth_is_the_plate(tiny_dataset: Dataset) -> None:
    settings = replace(SETTINGS, augment=replace(NO_FAULTS, drop_figure_chance=1.0))
    batch = Batches(tiny_dataset, LabelStyle(), settings, 1).make(0)
    assert (batch.label == -1).all()
    assert torch.equal(batch.truth, batch.plate)


def test_faults_do_what_they_say() -> None:
    rng = np.random.default_rng(0)
    points = np.full((73, 2), 50, np.float32)
    scores = np.full(73, 0.8, np.float32)
    everything = AugmentSettings(1.0, 0.01, 1.0, 0.0, 1.0, 0.5)
    faults = draw_faults(everything, 200, rng)
    moved, seen = faults.apply(points, scores.copy(), rng)
    assert 1.0 < (moved - points).std() < 3.0
    assert (seen == 0).any() and (seen > 0).any()
    assert 0.4 - 1e-6 <= seen[seen > 0].min() <= 0.8
    none = draw_faults(NO_FAULTS, 200, rng)
    kept, same_scores = none.apply(points, scores.copy(), rng)
    np.testing.assert_array_equal(kept, points)
    np.testing.assert_array_equal(same_scores, scores)
