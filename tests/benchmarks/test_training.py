"""The training benchmark, at its smallest: what others read of it is there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.training import TrainingOptions, main, measure, to_table
from benchmarks.training_footage import ready_dataset
from training.dataset import Dataset


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ready_dataset(tmp_path_factory.mktemp("footage"))


def test_both_steps_are_measured(data: Path) -> None:
    options = TrainingOptions((64, 64), width=4, blocks=1, steps=2, warm_up=1, device="cpu",
                              threads=1)  # fmt: skip
    found = measure(options, Dataset(data))
    assert [row["name"] for row in found["rows"]] == ["ours", "plain"]
    assert all(row["steps_per_s"] > 0 for row in found["rows"])
    shares = found["time_shares"]
    assert set(shares) == {"wait", "data", "forward", "backward", "optimizer"}
    assert 0.5 < sum(shares.values()) <= 1.001
    assert json.loads(json.dumps(found))["peak_memory_mb"] > 0
    assert "ours / plain" in to_table(found)


def test_bad_input_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--size", "100x64"]) == 2
    assert "would do" in capsys.readouterr().err
