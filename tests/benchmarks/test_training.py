"""The training benchmark, at its smallest: what others read of it is there."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.training import main, measure, to_table
from benchmarks.training_footage import ready_dataset
from benchmarks.training_peak import peak_mb
from benchmarks.training_rivals import TrainingOptions
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
    peaks = [row["peak_memory_mb"] for row in json.loads(json.dumps(found))["rows"]]
    assert found["peak_memory_mb"] == peaks[0]
    if sys.platform == "linux":
        assert all(5 < peak < 2000 for peak in peaks)  # a process of torch's, and the tests', apart
    assert "ours / plain" in to_table(found)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells a process' peak")
def test_a_peak_is_of_that_way_and_those_nets_alone(data: Path) -> None:
    """Whatever this process holds or held: it is no part of it."""
    held = np.ones(600_000_000, np.uint8)
    options = TrainingOptions((64, 64), width=4, blocks=1, device="cpu", threads=1)
    small = peak_mb("plain", options, data)
    large = peak_mb("plain", replace(options, width=16, blocks=9), data)
    assert held.sum() == len(held)
    assert small is not None and large is not None
    weights_mb = 4 * 4 * 11.4  # the larger net's, with gradients and Adam's two moments
    assert small < 500 and small + 0.5 * weights_mb < large


def test_bad_input_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--size", "100x64"]) == 2
    assert "would do" in capsys.readouterr().err
