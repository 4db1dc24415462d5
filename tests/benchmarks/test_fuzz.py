"""The fuzzing, in short; and that it would notice."""

from __future__ import annotations

import json
import logging
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import fuzz
from benchmarks.fuzz_target import LetInError, Verdict


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    yield
    logging.disable(logging.NOTSET)


def test_two_thousand_inputs_break_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "fuzz.json"
    code = fuzz.main(["--inputs", "2000", "--seed", "7", "--out", str(out)])
    told = capsys.readouterr().out
    assert code == 0, told
    figures = json.loads(told.splitlines()[-1])
    assert figures["inputs"] == 2000
    assert (figures["crashes"], figures["hangs"], figures["let_in"]) == (0, 0, 0)
    rows = {row["name"]: row for row in figures["rows"]}
    assert set(rows) == {
        "bundle", "net", "offer", "openpose", "http", "osc", "console",
    }  # fmt: skip
    for row in rows.values():
        assert row["taken"] > 0 and row["refused"] > 0, "valid enough to get far, and spoiled"
    assert json.loads(out.read_text())["rows"] == figures["rows"]


class Clumsy:
    """Does everything wrong that there is, in turn."""

    name, share = "clumsy", 1.0

    def make(self, rng: random.Random) -> object:
        return rng.random()

    def feed(self, given: object) -> Verdict:
        assert isinstance(given, float)
        if given < 0.2:
            raise IndexError("what nobody expected")
        if given < 0.4:
            raise LetInError("somebody's mask")
        while 0.4 < given < 0.45:
            time.sleep(0.01)
        return Verdict.TAKEN

    def close(self) -> None:
        """Nothing is held."""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer here")
def test_what_goes_wrong_is_noticed_and_can_be_made_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fuzz, "TARGETS", (Clumsy,))
    monkeypatch.setattr(fuzz, "HANG_S", 0.05)
    assert fuzz.main(["--inputs", "60"]) == 1
    (row,) = json.loads(capsys.readouterr().out.splitlines()[-1])["rows"]
    assert row["crashes"] and row["hangs"] and row["let_in"] and row["taken"]
    assert row["inputs"] == 60
    crash = next(one for one in row["found"] if one["kind"] == "crash")
    assert fuzz.main(["--only", f"clumsy:{crash['number']}"]) == 1
    assert "what nobody expected" in capsys.readouterr().out
