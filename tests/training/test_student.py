from __future__ import annotations

import json
import logging
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import pytest
import torch

from live.errors import EXIT_BAD_INPUT, SetupError
from tests.training.conftest import on_the_board, run_until, tiny_options, weights
from training.batches import Batch, BatchSettings
from training.checkpoint import NAME
from training.device import choose_device
from training.nets import StudentShape
from training.run import load_trained
from training.schedule import Budget
from training.student import Training, main, parse
from training.tiers import shape_of
from training.trainer import TrainerSettings


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
            run_until(training, stop)
    a, b = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    assert a["step"] == b["step"] == 30
    for part in ("net", "average", "critic"):
        assert a[part].keys() == b[part].keys()
        assert all(torch.equal(a[part][key], b[part][key]) for key in a[part])
    assert torch.equal(a["state"], b["state"]) and torch.equal(a["rng"], b["rng"])
    assert torch.equal(*(x["adam"]["state"][0]["exp_avg"] for x in (a, b)))
    assert torch.equal(*(x["muon"]["state"][0]["momentum"] for x in (a, b)))


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


def test_a_dead_alpha_is_noticed(
    tiny_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options = tiny_options(tiny_data, tmp_path / "run", 3)
    training = Training(replace(options, trainer=TrainerSettings(rate=0.0, muon_rate=0.0)))
    with torch.no_grad():
        for net in (training.trainer.net, training.trainer.average):
            assert net.head.bias is not None
            net.head.bias[-16:] = -9.0  # of alpha
    with caplog.at_level(logging.WARNING, "training.student"):
        training.run()
    assert "alpha is dead: 0.0" in caplog.text
    entries = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    (glance,) = [entry for entry in entries if "alpha_person" in entry]
    assert glance["alpha_person"] < 0.01 and glance["alpha_empty"] < 0.01
    assert any("alpha is dead" in entry.get("warning", "") for entry in entries)


def test_a_trained_alpha_is_alive(tiny_run: Path) -> None:
    entries = [json.loads(line) for line in (tiny_run / "log.jsonl").read_text().splitlines()]
    (glance, *_) = [entry for entry in entries if "alpha_person" in entry]
    assert glance["alpha_person"] > 0.7 and glance["alpha_empty"] < 0.3


def test_tensorboard_gets_what_the_teachers_does(tiny_data: Path, tmp_path: Path) -> None:
    Training(replace(tiny_options(tiny_data, tmp_path, 1), tensorboard=True)).run()
    scalars, pictures = on_the_board(tmp_path)
    assert {"total", "pixel", "psnr_db", "label_effect", "waited_share"} <= scalars
    assert pictures == {"samples"}


def test_a_run_that_breaks_names_its_last_good_checkpoint(tiny_data: Path, tmp_path: Path) -> None:
    options = tiny_options(tiny_data, tmp_path, 6)
    run_until(Training(options), 2)
    before = weights(tmp_path)
    training = Training(options)
    train = training.trainer.train

    def poisoned(batch: Batch, *rest: Any) -> dict[str, float]:
        batch.truth[0, 0, 3, 3] = float("nan")
        return train(batch, *rest)

    training.trainer.train = poisoned  # type: ignore[method-assign,assignment]
    with pytest.raises(SetupError, match=rf"at step 2 .*not finite.*{NAME}, of step 2"):
        training.run()
    assert all(torch.isfinite(value).all() for value in training.trainer.net.state_dict().values())
    after = weights(tmp_path)
    assert all(torch.equal(before["net"][key], after["net"][key]) for key in before["net"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_until_the_step_is_whole(
    tiny_data: Path, tmp_path: Path, number: signal.Signals
) -> None:
    training = Training(tiny_options(tiny_data, tmp_path, 5))
    apply = training.trainer._apply

    def interrupted(*given: Any) -> None:
        signal.raise_signal(number)
        apply(*given)

    training.trainer._apply = interrupted  # type: ignore[method-assign,assignment]
    with pytest.raises(KeyboardInterrupt):
        training.run()
    saved = weights(tmp_path)
    assert saved["step"] == saved["phase_step"] == 1 and saved["samples"] == 4


def test_a_checkpoint_of_another_configuration_is_refused(
    tiny_data: Path, tiny_run: Path, tmp_path: Path
) -> None:
    options = tiny_options(tiny_data, tmp_path, 1)
    other = StudentShape(widths=(8, 16), encoder_blocks=(0, 1), decoder_blocks=(1,), head=8)
    Training(replace(options, shape=other)).run()
    (tmp_path / NAME).write_bytes((tiny_run / NAME).read_bytes())
    with pytest.raises(SetupError, match=r"is of another configuration .*own checkpoint back"):
        Training(replace(options, shape=other))
    with pytest.raises(SetupError, match="is of another configuration"):
        load_trained(tmp_path)


def test_out_of_memory_says_how_many_crops_would_fit(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = Training(tiny_options(tiny_data, tmp_path, 1))

    def full(*_: Any) -> dict[str, float]:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(training.trainer, "train", full)
    words = r"out of memory with 4 crops of 64x96: --batch 3 should fit"
    with pytest.raises(SetupError, match=words):
        training.run()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
def test_a_full_disk_ends_in_a_sentence(tiny_data: Path, tmp_path: Path) -> None:
    options = tiny_options(tiny_data, tmp_path, 4)
    run_until(Training(options), 2)
    log = tmp_path / "log.jsonl"
    log.unlink()
    log.symlink_to("/dev/full")
    with pytest.raises(SetupError, match=r"log.jsonl cannot be written .No space left.*make room"):
        Training(options).run()
    log.unlink()
    assert weights(tmp_path)["step"] == 4  # saved before the log was written


def test_size_crops_and_unrolling_are_on_the_command_line(tmp_path: Path) -> None:
    given = parse([str(tmp_path), "--out", "r", "--tier", "512", "--batch", "3", "--unroll", "8"])
    assert given.shape == shape_of("512")
    assert (given.batches.rows, given.batches.length) == (3, 8)
    usual = parse([str(tmp_path), "--out", "r"])
    assert usual.shape == StudentShape() and usual.batches == BatchSettings()


def test_other_options_in_the_same_folder_are_refused(tiny_data: Path, tiny_run: Path) -> None:
    with pytest.raises(SetupError, match="other data or options"):
        Training(replace(tiny_options(tiny_data, tiny_run, 200), seed=4))


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["nowhere"], "dataset.json is missing"),
        (["nowhere", "--minutes", "0"], "above 0"),
        (["nowhere", "--minutes", "1", "--steps", "1"], "either"),
        (["nowhere", "--tier", "huge"], "known: cpu, 512, gpu"),
        (["nowhere", "--batch", "0"], "--batch is 0"),
        (["nowhere", "--unroll", "65"], "--unroll is 65"),
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
