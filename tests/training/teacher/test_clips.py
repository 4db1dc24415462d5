"""Batches: consecutive, repeatable, shared by rows."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from live.errors import SetupError
from live.skeleton import LabelStyle
from tests.training.teacher.small import SIZE
from tests.training.tiny_footage import KnownPose, write_video
from training.augment import AugmentSettings
from training.dataset import Dataset
from training.loader import Loader
from training.prepare import PrepareOptions, prepare
from training.teacher.clips import ClipBatches, Clips, ClipSettings

SETTINGS = ClipSettings(SIZE, rows=4, frames=3)


def batches(data: Dataset, settings: ClipSettings = SETTINGS, seed: int = 1) -> ClipBatches:
    return ClipBatches(data, LabelStyle(), settings, seed)


def equal(a: Clips, b: Clips) -> bool:
    return torch.equal(a.label, b.label) and torch.equal(a.truth, b.truth)


def test_a_batch_depends_on_seed_and_step_alone(tiny_dataset: Dataset) -> None:
    one, other = batches(tiny_dataset), batches(tiny_dataset)
    other.make(0)
    assert equal(one.make(5), other.make(5))
    assert not equal(one.make(5), one.make(6))
    assert not equal(one.make(5), batches(tiny_dataset, seed=2).make(5))
    clips = one.make(0)
    assert clips.label.shape == clips.truth.shape == (4, 3, 3, *SIZE)
    assert clips.weight.shape == (4, 3, 1, *SIZE) and clips.heads.shape == (4, 3, 2)
    assert clips.truth.abs().max() <= 1 and clips.label.min() == -1


def test_two_processes_share_a_batch_by_rows(tiny_dataset: Dataset) -> None:
    whole = batches(tiny_dataset).make(7)
    parts = [
        ClipBatches(tiny_dataset, LabelStyle(), SETTINGS, 1, (rank, 2)).make(7) for rank in range(2)
    ]
    assert torch.equal(torch.stack([p.truth for p in parts], 1).flatten(0, 1), whole.truth)
    with pytest.raises(SetupError, match="--batch 4 cannot be shared by 3 processes; 6 could"):
        ClipBatches(tiny_dataset, LabelStyle(), SETTINGS, 1, (0, 3))


def test_runs_are_consecutive_and_of_the_training_part(tiny_dataset: Dataset) -> None:
    made = batches(tiny_dataset)
    assert made.starts.max() + 2 < tiny_dataset.train_count
    assert (tiny_dataset.clips[made.starts] == tiny_dataset.clips[made.starts + 2]).all()
    start = int(made.starts[3])
    run = made.exact([start]).truth[0]
    for ahead in range(3):
        wanted = made.fit.image(tiny_dataset.frame(start + ahead))
        found = ((run[ahead].permute(1, 2, 0).numpy() + 1) * 127.5).round()
        assert (found == wanted).all()


def test_weights_have_mean_one_and_spare_what_is_no_stage(tiny_dataset: Dataset) -> None:
    wide = replace(SETTINGS, size=(64, 128), foreground=True)
    made = batches(tiny_dataset, wide)
    weight = made.exact([0]).weight
    assert torch.allclose(weight.mean((2, 3, 4)), torch.ones(1, 3), atol=1e-4)
    assert (weight[..., ~torch.from_numpy(made.fit.inside())] == 0).all()
    inner = weight[0, 0, 0][torch.from_numpy(made.fit.inside())]
    assert inner.max() > 5 * inner.median()  # the figure counts more


def test_a_figure_that_is_not_seen_is_a_plate_without_label(tiny_dataset: Dataset) -> None:
    gone = replace(SETTINGS, augment=AugmentSettings(drop_figure_chance=1.0))
    made = batches(tiny_dataset, gone)
    clips = made.make(0)
    assert (clips.label == -1).all()
    plate = torch.from_numpy(made.fit.image(tiny_dataset.plate)).permute(2, 0, 1) / 127.5 - 1
    assert torch.allclose(clips.truth, plate.expand_as(clips.truth), atol=1e-5)


def test_face_batches_always_show_a_head(tiny_dataset: Dataset) -> None:
    made = batches(tiny_dataset, replace(SETTINGS, face_side=16))
    assert (made.make(0).heads >= 0).all()
    with pytest.raises(SetupError, match="show the head"):
        batches(tiny_dataset, replace(SETTINGS, face_side=65))


def test_too_long_a_run_is_refused(tiny_dataset: Dataset) -> None:
    with pytest.raises(SetupError, match="no 120 training frames in a row"):
        batches(tiny_dataset, replace(SETTINGS, frames=120))


def test_longer_footage_takes_no_more_memory(tmp_path: Path) -> None:
    """Frames stay on disk: what grows is a pose and a window a frame."""
    films = [write_video(tmp_path / f"{n}.avi", 100) for n in range(4)]
    peaks = []
    for name, videos in (("one", films[:1]), ("four", films)):
        folder = tmp_path / name
        options = PrepareOptions(tuple(videos), folder, size=96, stage=128, progress=False)
        prepare(options, KnownPose())
        tracemalloc.start()
        made = batches(Dataset(folder))
        for step in range(8):
            made.make(step)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    a_frame = (peaks[1] - peaks[0]) / 300
    assert a_frame < 128 * 160 * 3 / 8  # bytes; even a JPEG takes more


def test_the_loader_keeps_the_order_and_a_bounded_number_ahead(tiny_dataset: Dataset) -> None:
    made = batches(tiny_dataset)
    asked: list[int] = []
    make = made.make

    def counted(step: int) -> Clips:
        asked.append(step)
        return make(step)

    made.make = counted  # type: ignore[method-assign]
    loader = Loader(made, workers=2)
    ahead = loader.ahead(4)
    for step in range(4, 8):
        assert equal(next(ahead), make(step))
    ahead.close()  # type: ignore[attr-defined]
    assert max(asked) <= 7 + 3 and loader.waited_s > 0
    assert np.unique(asked).size == len(asked)
