"""A small dataset and a short run, made once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.training.tiny_footage import KnownPose, write_video
from training.batches import BatchSettings
from training.checkpoint import load_checkpoint
from training.dataset import Dataset
from training.face import FaceOptions, FaceTraining
from training.nets import StudentShape
from training.prepare import PrepareOptions, prepare
from training.schedule import Budget, Phase
from training.student import StudentOptions, Training
from training.trainer import TrainerSettings

TINY = StudentShape(widths=(16, 24), encoder_blocks=(0, 1), decoder_blocks=(1,), head=16)


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 frames of a stage of 128x160, as large as the film; windows become 96x64."""
    folder = tmp_path_factory.mktemp("tiny")
    video = write_video(folder / "walk.avi", 120)
    options = PrepareOptions((video,), folder / "data", size=96, stage=128, progress=False)
    prepare(options, KnownPose())
    return folder / "data"


@pytest.fixture(scope="session")
def tiny_dataset(tiny_data: Path) -> Dataset:
    return Dataset(tiny_data)


def tiny_options(data: Path, out: Path, steps: int) -> StudentOptions:
    """A short training of a small net, both phases."""
    return StudentOptions(
        data=data,
        out=out,
        budget=Budget(steps=steps),
        seed=3,
        device="cpu",
        threads=1,
        save_every_s=1e9,
        sample_every_s=1e9,
        progress=False,
        shape=TINY,
        trainer=TrainerSettings(rate=4e-3),
        batches=BatchSettings(rows=4),
        phases=(Phase(0.7, adversarial=False, perceptual=False), Phase(0.3, adversarial=True)),
    )


@pytest.fixture(scope="session")
def tiny_run(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 200 steps."""
    out = tmp_path_factory.mktemp("run") / "run"
    Training(tiny_options(tiny_data, out, 200)).run()
    return out


@pytest.fixture(scope="session")
def copied_student(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Makes copies of that run, which has no nets for parts."""

    def copied() -> Path:
        run = tmp_path_factory.mktemp("student") / "run"
        extra = shutil.ignore_patterns("face", "hands", "sheet*", "report*")
        shutil.copytree(tiny_run, run, ignore=extra)
        return run

    return copied


def tiny_face(run: Path, steps: int) -> FaceOptions:
    """A short training of a part's net."""
    return FaceOptions(
        run=run,
        budget=Budget(steps=steps),
        seed=3,
        device="cpu",
        threads=1,
        save_every_s=1e9,
        sample_every_s=1e9,
        progress=False,
        rows=4,
    )


def weights(folder: Path) -> dict[str, Any]:
    """What the checkpoint in a run's folder holds."""
    content = load_checkpoint(folder)
    assert content is not None
    return content


def run_until(training: Training | FaceTraining, step: int) -> None:
    """Interrupt the training, as Ctrl-C would, after `step` steps in all."""
    train = training.trainer.train

    def interrupted(*arguments: Any) -> dict[str, float]:
        if training.trainer.step == step:
            raise KeyboardInterrupt
        return train(*arguments)

    training.trainer.train = interrupted  # type: ignore[method-assign,assignment]
    with pytest.raises(KeyboardInterrupt):
        training.run()


def on_the_board(run: Path) -> tuple[set[str], set[str]]:
    """Names of the scalars and of the pictures that TensorBoard shows of a run's folder."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    tags = events.Tags()
    return set(tags["scalars"]), set(tags["images"])
