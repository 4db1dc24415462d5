from __future__ import annotations

import threading

import pytest
import torch

from live.errors import EXIT_BAD_INPUT, SetupError
from training.sitting import EXIT_STOPPED, sit

TINY = 1e-39  # a float32 that is denormal


def halved() -> float:
    return float(torch.tensor(TINY) * 0.5)


@pytest.mark.skipif(not torch.set_flush_denormal(False), reason="this CPU cannot flush them")
def test_denormal_numbers_count_as_zero_while_work_is_done_and_not_afterwards() -> None:
    found: list[float] = []

    def work() -> None:
        found.append(halved())
        other = threading.Thread(target=lambda: found.append(halved()))
        other.start()
        other.join()

    assert halved() > 0
    assert sit(work) == 0
    assert found == [0.0, 0.0]
    assert halved() > 0


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (SetupError("no such thing"), EXIT_BAD_INPUT, "no such thing"),
        (KeyboardInterrupt(), EXIT_STOPPED, "the same command goes on"),
    ],
)
def test_what_ends_work_is_told_in_one_sentence(
    error: BaseException, code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def work() -> None:
        raise error

    assert sit(work) == code
    told = capsys.readouterr().err
    assert words in told and told.count("\n") == 1
    assert halved() > 0, "also after an error"
