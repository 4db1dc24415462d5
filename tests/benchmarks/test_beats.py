"""The benchmark of cues on the beat runs, and tells what it says it tells."""

from __future__ import annotations

import json

import pytest

from benchmarks.beats import main


def test_it_tells_how_far_off_cues_go(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--cues", "3"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])["beats_ms"]
    assert [one["name"] for one in told] == ["alone", "beside native code", "beside Python"]
    assert all(0 <= one["p50"] <= one["p95"] for one in told)
