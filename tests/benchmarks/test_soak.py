"""The soak's own judgement: its schedule, its slope, its gaps; and a short one from end to end."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import soak
from benchmarks.soak_faults import FAULTS, Planned, schedule
from benchmarks.soak_report import Borne, by_fault, held, slope_per_h, table
from benchmarks.soak_viewers import NOTED_S, Gap, NotingTally


def test_the_same_seed_gives_the_same_faults_and_all_have_their_turn() -> None:
    planned = schedule(3600, 60, seed=5, settle_s=20)
    assert planned == schedule(3600, 60, seed=5, settle_s=20)
    assert planned != schedule(3600, 60, seed=6, settle_s=20)
    first = planned[: len(FAULTS)]
    assert {one.fault for one in first} == set(FAULTS)


@pytest.mark.parametrize("every_s", [2.0, 10.0, 60.0])
def test_faults_do_not_overlap_and_leave_the_end_alone(every_s: float) -> None:
    planned = schedule(600, every_s, seed=1, settle_s=20)
    ends = [one.at_s + one.fault.lasts_s for one in planned]
    assert all(end < later.at_s for end, later in zip(ends, planned[1:], strict=False))
    assert ends[-1] <= 580
    assert schedule(30, 60, seed=1, settle_s=20) == []


def test_the_slope_is_per_hour_and_not_fooled_by_outliers() -> None:
    rng = np.random.default_rng(1)
    points = [(float(s), 500 + 10 * s / 3600 + rng.normal(0, 0.01)) for s in range(600)]
    for at in range(0, 600, 6):
        points[at] = (points[at][0], 900.0)
    assert slope_per_h(points) == pytest.approx(10, abs=1)
    assert slope_per_h([(1.0, 5.0)]) == slope_per_h([]) == 0.0


def test_the_worst_of_each_kind_is_what_counts() -> None:
    rows = by_fault(
        [
            Borne("a", 1, 0.2, 0.5, None),
            Borne("a", 9, 0.7, 0.1, None),
            Borne("b", 5, 0.0, None, 1.0),
        ]
    )
    assert [(row["fault"], row["times"]) for row in rows] == [("a", 2), ("b", 1)]
    assert (rows[0]["longest_gap_s"], rows[0]["recovered_s"]) == (0.7, 0.5)
    assert rows[1]["recovered_s"] is None, "who never recovered is not passed over"
    assert "dances again" in table(rows)


def test_a_viewer_notes_gaps_and_the_one_that_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = [100.0]
    monkeypatch.setattr("benchmarks.soak_viewers.time.monotonic", lambda: now_s[0])
    tally = NotingTally(7)

    def picture(number: int) -> None:
        tally.hear(bytes([0x80, 0xE0]) + number.to_bytes(2, "big") + bytes(4) + bytes([0, 0, 0, 7]))

    for number, at_s in enumerate([100.0, 100.03, 100.06, 101.0, 101.03]):
        now_s[0] = at_s
        picture(number)
    assert tally.all_gaps() == [Gap(100.06, 101.0)]
    now_s[0] += 5
    assert tally.all_gaps()[-1].lasted_s == pytest.approx(5)
    assert NOTED_S < 1


def test_gaps_belong_to_the_fault_that_they_follow() -> None:
    fault = soak.Happened(FAULTS[0], 10.0, 13.0, None, 14.0)
    assert soak._of(Gap(12.0, 12.5), fault)
    assert soak._of(Gap(9.9, 10.4), fault)
    assert soak._of(Gap(20.0, 20.5), fault)
    assert not soak._of(Gap(8.0, 9.0), fault)
    assert not soak._of(Gap(22.0, 23.0), fault)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_what_the_process_holds() -> None:
    before = held(1.0)
    with open(__file__, encoding="utf-8"):
        during = held(2.0)
    assert before is not None and during is not None
    assert during.handles == before.handles + 1
    assert 10 < before.rss_mb < 100_000 and before.threads >= 1


@pytest.mark.parametrize("arguments", [["--minutes", "0"], ["--every", "1"], ["--viewers", "0"]])
def test_what_cannot_be_measured_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert soak.main(arguments) == 2
    assert arguments[0] in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts handles in /proc")
def test_a_short_soak_survives_and_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(soak, "WARM_UP_S", 1.0)
    monkeypatch.setattr(soak, "SETTLE_S", 2.0)
    names = ("camera unplugged", "estimator hangs", "picture stage dies", "malformed offers")
    chosen = [Planned(fault, 0.0) for fault in FAULTS if fault.name in names]
    monkeypatch.setattr(soak, "schedule", lambda *_: chosen)
    out = tmp_path / "soak.json"
    assert soak.main(["--minutes", "0.2", "--faults", "--viewers", "2", "--out", str(out)]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    found = json.loads(last)
    assert json.loads(out.read_text()) == found
    assert {"minutes", "faults", "longest_gap_s", "rss_slope_mb_per_h", "leaked_handles",
            "leaked_threads"} <= set(found)  # fmt: skip
    assert found["faults"] == 4
    assert {row["fault"] for row in found["rows"]} == set(names)
    assert all(row["recovered_s"] is not None for row in found["rows"])
    assert found["estimators_renewed"] >= 2 and found["restarts"]["picture"] >= 1
    assert min(found["viewers"]["pictures"]) > 50
