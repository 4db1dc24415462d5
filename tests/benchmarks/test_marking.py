"""The marks' benchmark, small: its rows, its clean pictures, its last line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.marking import main
from benchmarks.marking_attacks import TREATMENTS, crop, half, screenshot
from live.errors import EXIT_BAD_INPUT
from live.frames import Image


def test_the_command_prints_a_table_and_one_json_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "marking.json"
    assert main(["--frames", "60", "--samples", "2", "--clean", "16", "--out", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    found = json.loads(lines[-1])
    assert json.loads(out.read_text()) == found
    assert found["cost"]["psnr_db"] > 42 and found["cost"]["worst_psnr_db"] > 42
    rows = {row["name"]: row for row in found["rows"]}
    assert len(rows) == 4 * len(TREATMENTS)
    for name in ("as it is", "half", "crop", "screenshot, PNG", "screenshot, JPEG"):
        for kind in ("uncoded", "codec", "codec, 24 averaged"):
            row = rows[f"{kind}: {name}"]
            assert row["found"] == 1 and row["read"] == 1, row
        assert rows[f"codec, first picture: {name}"]["found"] == 1
    assert found["clean"]["found"] == 0 and found["clean"]["read"] == 0
    assert found["clean"]["sources"] == 8


def test_treatments_are_of_the_size_they_say() -> None:
    luma: Image = np.zeros((512, 400), np.uint8)
    rng = np.random.default_rng(0)
    assert half(luma, rng).shape == (256, 200)
    assert crop(luma, rng).shape == (358, 280)
    assert screenshot(luma, rng).shape == (900, 1440)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (["--frames", "10"], "--frames is 10"),
        (["--samples", "0"], "--samples is 0"),
        (["--clean", "1"], "--clean is 1"),
    ],
)
def test_bad_input_is_one_sentence(
    wrong: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(wrong) == EXIT_BAD_INPUT
    assert says in capsys.readouterr().err
