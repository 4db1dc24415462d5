from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from live.errors import SetupError
from training.checkpoint import EARLIER, NAME, load_checkpoint, save_checkpoint

WRITER = """
import sys, torch
from pathlib import Path
from training.checkpoint import save_checkpoint
torch.set_num_threads(1)
run = Path(sys.argv[1])
for number in range(10**6):
    numbers = torch.full((500_000,), float(number))
    save_checkpoint(run, {"step": number, "numbers": numbers})
    if number == 0:
        print("begun", flush=True)
"""


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path) is None
    save_checkpoint(tmp_path, {"step": 7, "numbers": torch.arange(4), "nested": {"a": [1.5]}})
    content = load_checkpoint(tmp_path)
    assert content is not None and content["step"] == 7 and content["nested"] == {"a": [1.5]}
    assert torch.equal(content["numbers"], torch.arange(4))


def test_kill_at_any_moment_leaves_a_whole_checkpoint(tmp_path: Path) -> None:
    """Five writers that do nothing but save, killed after different times."""
    for delay_s in (0.0, 0.013, 0.031, 0.058, 0.11):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)],
            stdout=subprocess.PIPE, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        with writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"begun\n"
            time.sleep(delay_s)
            os.kill(writer.pid, signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
        content = load_checkpoint(tmp_path)
        assert content is not None
        assert (content["numbers"] == content["step"]).all()


def test_a_damaged_or_newer_checkpoint_is_one_sentence(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, {"step": 1, "numbers": torch.zeros(10_000)})
    whole = (tmp_path / NAME).read_bytes()
    for damaged in (b"", b"not a checkpoint", whole[: len(whole) // 2]):
        (tmp_path / NAME).write_bytes(damaged)
        with pytest.raises(SetupError, match="damaged"):
            load_checkpoint(tmp_path)
    save_checkpoint(tmp_path, {"format": 99})
    with pytest.raises(SetupError, match="format 99"):
        load_checkpoint(tmp_path)


def test_a_checkpoint_with_code_in_it_is_refused(tmp_path: Path) -> None:
    torch.save({"format": 1, "step": Path("anything")}, tmp_path / NAME)
    with pytest.raises(SetupError, match="damaged"):
        load_checkpoint(tmp_path)


def test_layouts_numbers_and_shared_memory_come_back(tmp_path: Path) -> None:
    """Sums in another layout's order differ in their last bits: a resumed run's must not."""
    last = torch.rand(2, 3, 4, 5).to(memory_format=torch.channels_last)
    shared = torch.rand(4, 4)
    content = {"last": last, "whole": shared, "part": shared[1], "adam": {0: {"step": shared[0]}}}
    save_checkpoint(tmp_path, content)
    found = load_checkpoint(tmp_path)
    assert found is not None and torch.equal(found["last"], last)
    assert found["last"].stride() == last.stride()
    assert torch.equal(found["part"], shared[1]) and torch.equal(
        found["adam"][0]["step"], shared[0]
    )
    only = load_checkpoint(tmp_path, ("whole",))
    assert only is not None and list(only) == ["whole"] and torch.equal(only["whole"], shared)


def test_a_checkpoint_of_an_earlier_version_goes_on(tmp_path: Path) -> None:
    torch.save({"format": 1, "step": 3, "numbers": torch.arange(2)}, tmp_path / EARLIER)
    content = load_checkpoint(tmp_path)
    assert content is not None and content["step"] == 3
    save_checkpoint(tmp_path, {"step": 4})
    found = load_checkpoint(tmp_path)
    assert found is not None and found["step"] == 4 and not (tmp_path / EARLIER).exists()


def test_a_full_disk_leaves_the_checkpoint_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_checkpoint(tmp_path, {"step": 1})

    def full(_: object, path: Path, *__: object) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(SetupError, match=r"No space left on device.*make room"):
        save_checkpoint(tmp_path, {"step": 2})
    content = load_checkpoint(tmp_path)
    assert content is not None and content["step"] == 1
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
