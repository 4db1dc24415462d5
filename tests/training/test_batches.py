from __future__ import annotations

import copy
from dataclasses import fields, replace
from itertools import islice, pairwise

import numpy as np
import torch

from live.skeleton import LabelStyle, draw
from live.window import into_window
from training.augment import AugmentSettings, draw_faults
from training.batches import Batch, Batches, BatchSettings, figure_size
from training.dataset import Dataset
from training.loader import Loader
from training.views import on_stage, view

NO_FAULTS = AugmentSettings(
    jitter_chance=0, drop_limb_chance=0, drop_figure_chance=0, score_chance=0
)
SETTINGS = BatchSettings(rows=4, length=4)


def to_image(part: torch.Tensor) -> np.ndarray:
    """The first picture of (N, 3, h, w) in [0, 1], as uint8 (h, w, 3)."""
    return (part[0] * 255).round().permute(1, 2, 0).numpy().astype(np.uint8)


def same(a: Batch, b: Batch) -> bool:
    names = [f.name for f in fields(Batch) if getattr(a, f.name) is not None]
    return all(torch.equal(getattr(a, name), getattr(b, name)) for name in names)


def test_a_batch_depends_on_seed_and_step_alone(tiny_dataset: Dataset) -> None:
    first = Batches(tiny_dataset, LabelStyle(), SETTINGS, 1)
    in_order = [first.make(step) for step in range(6)]
    again = Batches(tiny_dataset, LabelStyle(), SETTINGS, 1)
    assert same(again.make(5), in_order[5])
    ahead = list(islice(Loader(again, workers=3).ahead(2), 4))
    assert all(same(a, b) for a, b in zip(ahead, in_order[2:], strict=True))
    other = Batches(tiny_dataset, LabelStyle(), SETTINGS, 2)
    assert not same(other.make(5), in_order[5])


def test_streams_begin_one_after_another_and_walk_on(tiny_dataset: Dataset) -> None:
    # Through a window that stands still, the same crop shows the same part of the plate.
    still = copy.copy(tiny_dataset)
    still.regions = [tiny_dataset.regions[0]] * len(tiny_dataset)
    batches = Batches(still, LabelStyle(), replace(SETTINGS, augment=NO_FAULTS), 1)
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
    assert batch.weight.min() >= 0


def whole_window(data: Dataset, step: int, zoom: float = 0.0) -> tuple[Batch, int]:
    """A crop as large as the picture is the whole picture; and the number of its frame."""
    settings = BatchSettings(rows=1, crop=data.size, augment=NO_FAULTS, zoom=zoom)
    batch = Batches(data, LabelStyle(), settings, 0).make(step)
    label = to_image(batch.label / 2 + 0.5)
    drawn = (
        draw(into_window(points, region, data.size), scores, data.size)
        for points, region, scores in zip(data.points, data.regions, data.scores, strict=True)
    )
    return batch, next((n for n, image in enumerate(drawn) if np.array_equal(image, label)), -1)


def test_without_faults_the_label_is_the_stages_own(tiny_dataset: Dataset) -> None:
    data = tiny_dataset
    batch, number = whole_window(data, 3)
    assert 0 <= number < data.train_count
    region = data.regions[number]
    np.testing.assert_array_equal(
        to_image(batch.truth), view(data.frame(number), region, data.size)
    )
    np.testing.assert_array_equal(to_image(batch.plate), view(data.plate, region, data.size))


def test_what_lies_beyond_the_stage_does_not_count(tiny_dataset: Dataset) -> None:
    data = tiny_dataset
    beyond = 0
    for step in range(12):
        batch, number = whole_window(data, step)
        inside = on_stage(data.regions[number], data.stage, data.size)
        np.testing.assert_array_equal(batch.weight[0, 0].numpy() > 0, inside)
        for mask in (batch.solid, batch.clear):
            assert not mask[0, 0].numpy()[~inside].any()
        beyond += int((~inside).sum())
    assert beyond > 0, "this footage's windows never leave the stage"


def test_a_zoomed_window_shows_label_and_figure_in_one_place(tiny_dataset: Dataset) -> None:
    zoomed = 0
    for step in range(12):
        batch, number = whole_window(tiny_dataset, step, zoom=0.3)
        zoomed += number < 0  # no window of the stage's own size shows this label
        label, truth, plate = (
            to_image(part).astype(int) for part in (batch.label / 2 + 0.5, batch.truth, batch.plate)
        )
        figure = np.abs(truth - plate).max(axis=2) > 36
        drawn = label.max(axis=2) > 200
        assert drawn.any() and figure[drawn].mean() > 0.9
    assert zoomed > 6


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
