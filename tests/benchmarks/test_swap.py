"""The benchmark of a change of subject: which intervals count, and what it prints."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.swap import Part, Stamped, copy_demo, figures, playing, table
from live.options import DEMO, parse
from live.stream.hub import Hub
from live.subject import load_subject


def test_a_gap_that_reaches_into_a_stretch_belongs_to_it() -> None:
    stamped = Stamped(Hub())
    stamped.at_s = [0.0, 1.0, 2.0, 5.0, 6.0]
    assert stamped.intervals_s(2.5, 4.0) == [3.0]
    assert stamped.intervals_s(0.5, 1.5) == [1.0, 1.0]
    assert stamped.intervals_s(7.0, 8.0) == []


def test_it_prints_a_table_and_plain_numbers() -> None:
    parts = [Part("before", [0.03, 0.04]), Part("loading", [])]
    assert "40.0" in table(parts, [1.5]) and "loaded in 1.5 s" in table(parts, [1.5])
    told = json.loads(json.dumps(figures(parts, [1.5])))
    assert [row["longest_ms"] for row in told["rows"]] == [40.0, 0.0]
    assert told["rows"][0]["interval_ms"]["p50"] == pytest.approx(35.0)


def test_the_other_subject_is_the_demos_under_another_name(tmp_path: Path) -> None:
    copy_demo(tmp_path / "other", "The other")
    one, other = load_subject(DEMO / "subject"), load_subject(tmp_path / "other")
    assert other.manifest.name == "The other" and other.sha256 != one.sha256
    assert other.generator == one.generator and np.array_equal(other.plate, one.plate)


@pytest.mark.slow
def test_the_whole_show_changes_its_subject_and_back_and_goes_on(tmp_path: Path) -> None:
    """run_live's own stages and desk: the real tracker, generator and encoder."""
    copy_demo(tmp_path / "other", "The other")
    options = replace(parse(["--demo", "--no-open"]), subjects=tmp_path)
    with playing(options) as (stages, stamped):
        first = stages.desk.value("subject")
        assert stages.cast.names == (first, "The other")
        for name in ("The other", str(first)):
            stages.desk.set("subject.fade", 0.2, by="test")
            stages.desk.set("subject", name, by="test")
            assert stages.cast.wait(120)
            before = len(stamped.at_s)
            while len(stamped.at_s) < before + 20:
                assert not stages.show.wait(0.05)
            assert stages.painter.character.name == name == stages.desk.value("subject")
            assert stages.painter.rung == "generated"
        assert stages.show.restarts() == {}
