"""A stage's life: stopped and gone on with, killed, refused, warned about."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from live.errors import SetupError
from tests.training.conftest import on_the_board
from tests.training.teacher.small import ALONE, small_options
from training.checkpoint import NAME, load_checkpoint
from training.dataset import FACTS
from training.schedule import Budget
from training.teacher.clips import Clips
from training.teacher.nets import TeacherShape
from training.teacher.options import TeacherOptions
from training.teacher.run import load_painters
from training.teacher.session import Session


def trained(options: TeacherOptions, until: int | None = None) -> list[dict[str, float]]:
    """Run the global stage, interrupted after step `until`; the losses of every step."""
    session = Session(options, "global", ALONE)
    train, losses = session.trainer.train, list[dict[str, float]]()

    def noted(clips: Clips, progress: float) -> dict[str, float]:
        if session.trainer.step == until:
            raise KeyboardInterrupt
        losses.append(train(clips, progress))
        return losses[-1]

    session.trainer.train = noted  # type: ignore[method-assign]
    if until is None:
        session.run()
    else:
        with pytest.raises(KeyboardInterrupt):
            session.run()
    return losses


def test_a_resumed_run_goes_on_as_the_uninterrupted_one(tiny_data: Path, tmp_path: Path) -> None:
    whole = trained(small_options(tiny_data, tmp_path / "whole", 9))
    parts = small_options(tiny_data, tmp_path / "parts", 9)
    losses = trained(parts, 3) + trained(parts, 7) + trained(parts)
    assert losses == whole
    a, b = (load_checkpoint(tmp_path / run / "global") for run in ("whole", "parts"))
    assert a is not None and b is not None and a["step"] == b["step"] == 9
    for part in ("net", "critic"):
        assert all(torch.equal(a[part][key], b[part][key]) for key in a[part])
    assert torch.equal(*(x["adam"]["state"][0]["exp_avg_sq"] for x in (a, b)))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_until_the_step_is_whole(
    tiny_data: Path, tmp_path: Path, number: signal.Signals
) -> None:
    options = small_options(tiny_data, tmp_path, 5)
    session = Session(options, "global", ALONE)
    apply = session.trainer._apply

    def interrupted(*given: torch.Tensor) -> None:
        signal.raise_signal(number)
        apply(*given)

    session.trainer._apply = interrupted  # type: ignore[method-assign,assignment]
    with pytest.raises(KeyboardInterrupt):
        session.run()
    content = load_checkpoint(tmp_path / "global")
    assert content is not None and content["step"] == 1
    for adam in ("adam", "critic_adam"):
        assert {float(state["step"]) for state in content[adam]["state"].values()} == {1.0}


def test_a_finished_stage_is_not_trained_again(tiny_data: Path, tmp_path: Path) -> None:
    options = small_options(tiny_data, tmp_path, 2)
    trained(options)
    assert trained(options) == []
    assert len(trained(replace(options, budget=Budget(steps=3)))) == 1
    grids = sorted(path.name for path in (tmp_path / "global" / "samples").iterdir())
    assert grids == ["000002.png", "000003.png"]


KILLED = """
import sys, torch
from pathlib import Path
from tests.training.conftest import on_the_board
from tests.training.teacher.small import ALONE, small_options
from training.teacher.session import Session
torch.set_num_threads(1)
options = small_options(Path(sys.argv[1]), Path(sys.argv[2]), 1000, save_every_s=0.0)
session = Session(options, "global", ALONE)
train = session.trainer.train
def told(*given):
    losses = train(*given)
    print(session.trainer.step, flush=True)
    return losses
session.trainer.train = told
session.run()
"""


def test_killed_it_loses_at_most_what_came_after_the_last_save(
    tiny_data: Path, tmp_path: Path
) -> None:
    """A checkpoint after every step, and SIGKILL in the midst of it."""
    command = [sys.executable, "-c", KILLED, str(tiny_data), str(tmp_path / "run")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]) as run:
        assert run.stdout is not None
        done = [int(run.stdout.readline()) for _ in range(4)][-1]
        time.sleep(0.01)
        os.kill(run.pid, signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
        rest = run.stdout.read().split()
    done = int(rest[-1]) if rest else done
    content = load_checkpoint(tmp_path / "run" / "global")
    assert content is not None and done - 1 <= content["step"] <= done
    options = small_options(tiny_data, tmp_path / "run", content["step"] + 2)
    went_on = trained(options)
    fresh = trained(small_options(tiny_data, tmp_path / "fresh", 1000), content["step"] + 2)
    # The kill was during the constant half of both runs' schedules but for the last steps.
    assert went_on[0]["perceptual"] == pytest.approx(fresh[-2]["perceptual"], rel=1e-5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"batch": 4}, "batch 2, and 4 is asked for"),
        ({"sizes": ((64, 64),)}, "size"),
        ({"temporal": False}, "temporal True, and False"),
        ({"seed": 4}, "seed 3, and 4"),
    ],
)
def test_another_configuration_is_refused(
    tiny_data: Path, tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    options = small_options(tiny_data, tmp_path, 1)
    trained(options)
    with pytest.raises(SetupError, match=words):
        Session(replace(options, **change), "global", ALONE)


def test_a_dataset_that_changed_is_refused(tiny_data: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for path in tiny_data.iterdir():
        (data / path.name).symlink_to(path)
    options = small_options(data, tmp_path / "run", 1)
    trained(options)
    facts = json.loads((data / FACTS).read_text())
    (data / FACTS).unlink()
    (data / FACTS).write_text(json.dumps({**facts, "seconds": 1}))
    with pytest.raises(SetupError, match="another state of the dataset"):
        Session(options, "global", ALONE)
    with pytest.raises(SetupError, match="another state of the dataset"):
        Session(options, "face", ALONE)


def test_a_checkpoint_of_another_configuration_is_refused(tiny_data: Path, tmp_path: Path) -> None:
    """The folder's record is right, and the weights beside it are another net's."""
    mine = small_options(tiny_data, tmp_path / "mine", 1)
    trained(mine)
    wide = TeacherShape(width=16, downsamplings=2, blocks=2, local_width=8, local_blocks=1)
    trained(small_options(tiny_data, tmp_path / "other", 1, shape=wide))
    other = (tmp_path / "other" / "global" / NAME).read_bytes()
    (tmp_path / "mine" / "global" / NAME).write_bytes(other)
    for open_it in (
        lambda: Session(mine, "global", ALONE),
        lambda: Session(mine, "local", ALONE),
        lambda: load_painters(tmp_path / "mine"),
    ):
        with pytest.raises(SetupError, match=r"is of another configuration .*own checkpoint back"):
            open_it()
    assert (tmp_path / "mine" / "global" / NAME).read_bytes() == other  # nothing is overwritten


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
@pytest.mark.parametrize("name", ["log.jsonl", "samples/000002.png.partial"])
def test_a_full_disk_ends_in_a_sentence_and_the_run_goes_on_from_there(
    tiny_data: Path, tmp_path: Path, name: str
) -> None:
    options = small_options(tiny_data, tmp_path, 2)
    trained(options, 1)
    path = tmp_path / "global" / name
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to("/dev/full")
    with pytest.raises(SetupError, match=r"cannot be written .No space left.*make room"):
        trained(options)
    path.unlink(missing_ok=True)
    assert len(trained(replace(options, budget=Budget(steps=3)))) == 1  # step 2 was saved


def test_a_later_stage_needs_the_earlier_one(tiny_data: Path, tmp_path: Path) -> None:
    options = small_options(tiny_data, tmp_path, 1)
    with pytest.raises(SetupError, match="run --stages global first"):
        Session(options, "local", ALONE)
    with pytest.raises(SetupError, match="no trained teacher"):
        Session(options, "face", ALONE)
    (tmp_path / "global").mkdir(exist_ok=True)
    (tmp_path / "global" / "stage.json").write_text("[]")
    with pytest.raises(SetupError, match="cannot be used"):
        Session(options, "global", ALONE)


def test_a_run_that_breaks_names_its_last_good_checkpoint(tiny_data: Path, tmp_path: Path) -> None:
    options = small_options(tiny_data, tmp_path, 4)
    trained(options, 2)
    session = Session(options, "global", ALONE)
    with torch.no_grad():
        next(session.trainer.critic.parameters()).fill_(float("inf"))
    with pytest.raises(SetupError, match=rf"not finite.*{NAME}, of step 2; try a smaller --rate"):
        session.run()
    assert trained(options)  # the checkpoint is as it was


def test_out_of_memory_says_what_would_fit(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(small_options(tiny_data, tmp_path, 1), "global", ALONE)

    def full(*_: Any) -> dict[str, float]:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(session.trainer, "train", full)
    with pytest.raises(SetupError, match=r"out of memory in the global stage: .* should fit"):
        session.run()


def test_a_label_that_is_ignored_is_noticed(
    tiny_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    session = Session(small_options(tiny_data, tmp_path, 1, rate=1e-9), "global", ALONE)
    net = session.trainer.stage.net
    with torch.no_grad():
        net.get_parameter("head.1.weight").zero_()  # deaf
    with caplog.at_level(logging.WARNING):
        session.run()
    assert "hardly depends on its label" in caplog.text
    assert "warning" in (tmp_path / "global" / "log.jsonl").read_text()


def test_tensorboard_gets_scalars_and_pictures(tiny_data: Path, tmp_path: Path) -> None:
    options = small_options(tiny_data, tmp_path, 1, tensorboard=True)
    Session(options, "global", ALONE).run()
    scalars, pictures = on_the_board(tmp_path / "global")
    assert {"total", "critic", "psnr_db", "label_effect", "waited_share"} <= scalars
    assert pictures == {"samples"}
