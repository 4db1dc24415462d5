"""A real person on real footage: prepared with the real pose estimator, trained for a minute."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from training.batches import BatchSettings
from training.dataset import Dataset
from training.nets import StudentShape
from training.prepare import PrepareOptions, prepare
from training.replay import replay
from training.run import load_trained
from training.schedule import Budget, Phase
from training.student import StudentOptions, Training

SMALL = StudentShape(widths=(32, 48, 64), encoder_blocks=(0, 1, 1), decoder_blocks=(1, 1), head=32)
STEPS = 150


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_real_person_is_learned(one_person_clip: Path, tmp_path: Path) -> None:
    """The loss falls, and frames that were held out are better than the plate."""
    data_folder, run = tmp_path / "data", tmp_path / "run"
    options = PrepareOptions((one_person_clip,), data_folder, size=128, stage=256, progress=False)
    facts = prepare(options)
    assert facts["seen_share"] > 0.9
    Training(
        StudentOptions(
            data=data_folder,
            out=run,
            budget=Budget(steps=STEPS),
            progress=False,
            shape=SMALL,
            batches=BatchSettings(rows=6),
            phases=(Phase(1.0, False),),
        )
    ).run()
    losses = _losses(run)
    assert losses[STEPS] < 0.6 * losses[1]
    data = Dataset(data_folder)
    tail = data.held_out
    poses = (data.points[tail], data.scores[tail])
    pictures = list(replay(load_trained(run), poses, data.times_s[tail], data))
    truths = [data.frame(int(number)) for number in tail]
    own, plate = (_error(pictures, truths), _error([data.plate] * len(tail), truths))
    assert own < 0.6 * plate


def _losses(run: Path) -> dict[int, float]:
    entries = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return {entry["step"]: entry["total"] for entry in entries if "total" in entry}


def _error(pictures: list[np.ndarray], truths: list[np.ndarray]) -> float:
    """Mean squared error over all frames."""
    gaps = [np.square(p.astype(float) - t).mean() for p, t in zip(pictures, truths, strict=True)]
    return float(np.mean(gaps))
