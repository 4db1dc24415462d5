from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import pytest
import torch

from live.errors import EXIT_BAD_INPUT, SetupError
from tests.training.conftest import tiny_options
from training.checkpoint import load_checkpoint
from training.run import load_trained
from training.schedule import Budget
from training.student import Training, choose_device, main
from training.trainer import TrainerSettings


def weights(run: Path) -> dict[str, Any]:
    content = load_checkpoint(run)
    assert content is not None
    return content


def test_a_run_learns_and_leaves_what_it_promises(tiny_run: Path) -> None:
    entries = [json.loads(line) for line in (tiny_run / "log.jsonl").read_text().splitlines()]
    assert entries[-1]["step"] == 200 and entries[-1]["psnr_db"] > 10
    pictures = list((tiny_run / "samples").glob("*.png"))
    grid = cv2.imread(str(pictures[-1]))
    assert grid is not None and grid.shape == (6 * 96, 3 * 64, 3)
    trained = load_trained(tiny_run)
    assert trained.facts["steps"] == 200 and trained.facts["samples"] == 800


def test_a_resumed_run_equals_one_that_never_stopped(tiny_data: Path, tmp_path: Path) -> None:
    """Stopped twice, once in each phase: weights, averages, optimizers and state are equal."""
    whole = tiny_options(tiny_data, tmp_path / "whole", 30)
    Training(whole).run()
    for stop in (9, 24, None):
        parts = replace(whole, out=tmp_path / "parts")
        training = Training(parts)
        if stop is None:
            training.run()
        else:
            _run_until(training, stop)
    a, b = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    assert a["step"] == b["step"] == 30
    for part in ("net", "average", "critic"):
        assert a[part].keys() == b[part].keys()
        assert all(torch.equal(a[part][key], b[part][key]) for key in a[part])
    assert torch.equal(a["state"], b["state"]) and torch.equal(a["rng"], b["rng"])
    assert torch.equal(*(x["adam"]["state"][0]["exp_avg"] for x in (a, b)))
    assert torch.equal(*(x["muon"]["state"][0]["momentum"] for x in (a, b)))


def _run_until(training: Training, step: int) -> None:
    """Interrupt the training, as Ctrl-C would, after `step` steps in all."""
    train = training.trainer.train

    def interrupted(*arguments: Any) -> dict[str, float]:
        if training.trainer.step == step:
            raise KeyboardInterrupt
        return train(*arguments)

    training.trainer.train = interrupted  # type: ignore[method-assign,assignment]
    with pytest.raises(KeyboardInterrupt):
        training.run()


def test_minutes_count_over_all_sittings(tiny_data: Path, tmp_path: Path) -> None:
    """On a clock that runs a second at every look, a minute is soon over."""
    now = [0.0]

    def clock() -> float:
        now[0] += 1.0
        return now[0]

    options = replace(tiny_options(tiny_data, tmp_path / "run", 1), budget=Budget(minutes=1))
    Training(options, clock).run()
    steps = weights(tmp_path / "run")["step"]
    assert 5 < steps < 60
    Training(options, clock).run()
    assert weights(tmp_path / "run")["step"] == steps


def test_an_output_that_ignores_its_label_is_noticed(
    tiny_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options = tiny_options(tiny_data, tmp_path / "run", 3)
    training = Training(replace(options, trainer=TrainerSettings(rate=0.0, muon_rate=0.0)))
    with torch.no_grad():
        for net in (training.trainer.net, training.trainer.average):
            net.stem.weight.zero_()  # deaf
    with caplog.at_level(logging.WARNING, "training.student"):
        training.run()
    assert "hardly depends on its label" in caplog.text


def test_a_good_run_is_not_scolded(
    tiny_data: Path, tiny_run: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "training.student"):
        Training(tiny_options(tiny_data, tiny_run, 200)).run()
    assert "hardly depends" not in caplog.text


def test_other_options_in_the_same_folder_are_refused(tiny_data: Path, tiny_run: Path) -> None:
    with pytest.raises(SetupError, match="other data or options"):
        Training(replace(tiny_options(tiny_data, tiny_run, 200), seed=4))


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["nowhere"], "dataset.json is missing"),
        (["nowhere", "--minutes", "0"], "above 0"),
        (["nowhere", "--minutes", "1", "--steps", "1"], "either"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    arguments: list[str], word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--out", str(tmp_path / "run")]) == EXIT_BAD_INPUT
    assert word in capsys.readouterr().err


def test_a_device_that_is_not_there() -> None:
    with pytest.raises(SetupError, match="known: auto, cpu, cuda"):
        choose_device("tpu")
    if not torch.cuda.is_available():
        with pytest.raises(SetupError, match="sees no GPU"):
            choose_device("cuda")
    assert choose_device("cpu") == torch.device("cpu")


def test_a_run_without_checkpoint_or_record_is_named(tmp_path: Path, tiny_run: Path) -> None:
    with pytest.raises(SetupError, match=r"run\.json is missing"):
        load_trained(tmp_path)
    (tmp_path / "run.json").write_bytes((tiny_run / "run.json").read_bytes())
    with pytest.raises(SetupError, match="no checkpoint"):
        load_trained(tmp_path)
    (tmp_path / "run.json").write_text("[]")
    with pytest.raises(SetupError, match="cannot be used"):
        load_trained(tmp_path)
