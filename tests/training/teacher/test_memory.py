"""What a step's memory is thought to be, and what is said to fit."""

from __future__ import annotations

from pathlib import Path

from tests.training.teacher.small import small_options
from training.memory_use import is_out_of_memory
from training.teacher.memory import advice, step_bytes


def test_memory_grows_with_pictures_and_advice_shrinks_them(tmp_path: Path) -> None:
    options = small_options(tmp_path, tmp_path, 1, sizes=((128, 256),), batch=4)
    one, two, four = (step_bytes(options, "global", rows) for rows in (1, 2, 4))
    assert one < two < four and 1.6 < (four - two) / (two - one) < 2.4
    assert advice(options, "global", 1, two) == "--batch 2 should fit"
    words = advice(options, "global", 1, one // 2)
    assert "--batch 1 and " in words and "256x128" not in words
    assert "no size would fit" in advice(options, "global", 1, 1000)
    assert is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"))
    assert is_out_of_memory(RuntimeError("CUDA error: out of memory"))
    assert is_out_of_memory(RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"))
    assert not is_out_of_memory(RuntimeError("shapes do not match"))
