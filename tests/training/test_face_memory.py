"""What a step of a part's net needs, and what is said where it is not there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from live.errors import EXIT_BAD_INPUT, SetupError
from tests.training.conftest import TINY, tiny_face
from training.face import FaceTraining, main
from training.face_memory import advice, step_bytes
from training.face_net import FaceShape

SQUARE, CROP = FaceShape(32), (64, 64)


def test_fewer_crops_fit_into_less() -> None:
    two, four, eight = (step_bytes(TINY, SQUARE, rows, CROP) for rows in (2, 4, 8))
    assert two < four < eight and 1.8 < (eight - four) / (four - two) < 2.2
    assert "--batch 4 should fit" in advice(TINY, SQUARE, 8, CROP, four)
    assert "not even --batch 1" in advice(TINY, SQUARE, 8, CROP, 1000)


def test_larger_squares_and_crops_need_more() -> None:
    small = step_bytes(TINY, SQUARE, 4, CROP)
    assert step_bytes(TINY, FaceShape(128), 4, CROP) > 1.5 * small
    assert step_bytes(TINY, SQUARE, 4, (512, 512)) > small


def test_out_of_memory_says_how_many_crops_would_fit(
    copied_student: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    training = FaceTraining(tiny_face(copied_student(), 1))

    def full(*_: object) -> dict[str, float]:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(training.trainer, "train", full)
    with pytest.raises(SetupError, match=r"out of memory with 4 crops of 64x64: --batch 3 should"):
        training.run()


def test_a_batch_of_nothing_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), "--batch", "0"]) == EXIT_BAD_INPUT
    assert "--batch is 0" in capsys.readouterr().err
