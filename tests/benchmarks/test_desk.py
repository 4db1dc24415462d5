"""The desk's benchmark, in short."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import desk


def test_every_order_is_seen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "desk.json"
    assert desk.main(["--orders", "20", "--fps", "100", "--out", str(out)]) == 0
    told = capsys.readouterr().out.splitlines()
    figures = json.loads(told[-1])
    assert figures == json.loads(out.read_text("utf-8")) and figures["orders"] == 20
    rows = [one for one in figures.values() if isinstance(one, dict)]
    assert len(rows) == len(told) - 1 == 8
    assert all(0 < row["p50_us"] <= row["p95_us"] for row in rows)
