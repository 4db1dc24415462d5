"""What the student's step needs, held against what autograd really keeps."""

from __future__ import annotations

import pytest
import torch

from tests.training.conftest import TINY
from training.memory_use import kept_bytes
from training.nets import Student
from training.student_memory import advice, foresight, step_bytes


def test_what_meta_tensors_tell_is_what_real_ones_keep() -> None:
    def forward(device: str) -> int:
        with torch.device(device):
            net = Student(TINY)
            label, state = torch.zeros(2, 3, 64, 64), torch.zeros(2, 4, 64, 64)
        return kept_bytes(lambda: net(label, state))

    assert forward("meta") == pytest.approx(forward("cpu"), rel=0.02)


def test_fewer_crops_fit_into_less() -> None:
    crop = (96, 64)
    two, four, eight = (step_bytes(TINY, rows, crop) for rows in (2, 4, 8))
    assert two < four < eight and 1.8 < (eight - four) / (four - two) < 2.2
    assert advice(TINY, 8, crop, four) == "--batch 4 should fit, in a new --out"
    assert "not even --batch 1" in advice(TINY, 8, crop, 1000)


def test_what_will_not_fit_is_said_before_the_critic_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crop, cpu = (96, 64), torch.device("cpu")
    needed = step_bytes(TINY, 8, crop)
    monkeypatch.setattr("training.student_memory.available_bytes", lambda device: needed)
    assert foresight(TINY, 8, crop, cpu) is None
    monkeypatch.setattr("training.student_memory.available_bytes", lambda device: needed // 2)
    warning = foresight(TINY, 8, crop, cpu)
    assert warning is not None and "a step of 8 crops needs about" in warning
    assert "should fit" in warning
