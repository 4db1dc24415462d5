"""What is noticed, and when it is said; and what a step's memory is thought to be."""

from __future__ import annotations

from pathlib import Path

from tests.training.teacher.small import small_options
from training.teacher.memory import advice, is_out_of_memory, step_bytes
from training.teacher.watchdog import PATIENCE, Watchdog


def test_a_discriminator_that_has_won_is_named_once_in_a_while() -> None:
    dog = Watchdog(scales=2)
    said = [dog.step(step, {"critic": 0.01}) for step in range(3 * PATIENCE + 1)]
    assert [step for step, words in enumerate(said) if words] == [PATIENCE, 2 * PATIENCE, 600]
    assert "the discriminator has won" in str(said[PATIENCE])


def test_a_draw_is_no_victory() -> None:
    dog = Watchdog(scales=2)
    assert not any(dog.step(step, {"critic": 0.5}) for step in range(1000))
    # One good moment is none, either.
    assert not any(dog.step(step, {"critic": 0.0}) for step in range(1000, 1020))


def test_an_ignored_label_is_named_after_the_beginning() -> None:
    dog = Watchdog(scales=2)
    assert dog.look(10, 0.01, 0.0) is None
    assert "hardly depends on its label (3% " in str(dog.look(20, 0.5, 0.03))
    assert dog.look(30, 0.5, 0.03) is None
    assert dog.look(500, 0.6, 0.9) is None


def test_memory_grows_with_pictures_and_advice_shrinks_them(tmp_path: Path) -> None:
    options = small_options(tmp_path, tmp_path, 1, sizes=((128, 256),), batch=4)
    one, two, four = (step_bytes(options, "global", rows) for rows in (1, 2, 4))
    assert one < two < four and 1.6 < (four - two) / (two - one) < 2.4
    assert advice(options, "global", 1, two) == "--batch 2 should fit"
    words = advice(options, "global", 1, one // 2)
    assert "--batch 1 and " in words and "256x128" not in words
    assert "no size would fit" in advice(options, "global", 1, 1000)
    assert is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"))
    assert not is_out_of_memory(RuntimeError("shapes do not match"))
