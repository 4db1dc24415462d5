"""Rows that were measured now, put among those of earlier runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.ceiling import Ceiling
from benchmarks.engines_report import Result, Row, merged, read_earlier, to_json, write_results
from live.errors import SetupError

COMMITTED = Path(__file__).parents[2] / "benchmarks" / "results" / "engines-cpu.json"


def run(date: str, *rows: Row) -> dict[str, Any]:
    """What a run prints, as it comes out of a file."""
    result = Result((Ceiling(1, 1.0, 2.0, 3.0, 4.0),), rows, {"date": date})
    return dict(json.loads(json.dumps(to_json(result))))


def row(net: str, engine: str, median_ms: float | None, threads: int = 1) -> Row:
    return Row(net, (2, 4), engine, "fp32", threads, median_ms, why_not=None)


FIRST = run("monday", row("student", "a", 1.0), row("student", "b", 2.0), row("pose", "a", 3.0))


def found(results: dict[str, Any]) -> list[tuple[str, str, float, str]]:
    return [
        (r["net"], r["engine"], r["median_ms"], results["runs"][r["run"]]["machine"]["date"])
        for r in results["rows"]
    ]


def test_only_what_was_measured_again_is_replaced() -> None:
    now = run("friday", row("teacher", "a", 9.0), row("student", "b", 7.0))
    both = merged(FIRST, now)
    assert found(both) == [
        ("student", "a", 1.0, "monday"), ("student", "b", 7.0, "friday"),
        ("pose", "a", 3.0, "monday"), ("teacher", "a", 9.0, "friday"),
    ]  # fmt: skip
    assert both["machine"] == {"date": "monday"} and both["ceiling_gflops"] == 1.0
    third = merged(both, run("sunday", row("pose", "a", 4.0), row("pose", "a", 5.0, threads=2)))
    assert [r[2:] for r in found(third)] == [
        (1.0, "monday"), (7.0, "friday"), (4.0, "sunday"), (5.0, "sunday"), (9.0, "friday"),
    ]  # fmt: skip


def test_a_run_without_rows_is_forgotten() -> None:
    again = run("friday", *(row(r["net"], r["engine"], 8.0) for r in FIRST["rows"]))
    both = merged(FIRST, again)
    assert [one["machine"]["date"] for one in both["runs"]] == ["friday"]
    assert both["machine"] == {"date": "friday"} and {r["run"] for r in both["rows"]} == {0}
    assert merged(None, again) == again


def test_a_row_that_stood_for_everybody_gives_way() -> None:
    nobody = run("monday", row("student", "a", 1.0), row("teacher", "-", None, threads=0))
    both = merged(nobody, run("friday", row("teacher", "a", 9.0)))
    assert [r[:2] for r in found(both)] == [("student", "a"), ("teacher", "a")]


def test_the_committed_results_can_be_added_to(tmp_path: Path) -> None:
    earlier = read_earlier(COMMITTED)
    assert earlier is not None
    both = merged(earlier, run("friday", row("teacher, local", "a", 9.0)))
    write_results(tmp_path / "both.json", both)
    again = read_earlier(tmp_path / "both.json")
    assert again == both and len(both["rows"]) == len(earlier["rows"]) + 1


def test_what_is_not_there_or_none_of_ours(tmp_path: Path) -> None:
    assert read_earlier(tmp_path / "new.json") is None
    for content in ("", "[]", '{"rows": [{}]}', '{"rows": [], "machine": {}}'):
        (tmp_path / "other.json").write_text(content)
        with pytest.raises(SetupError, match=r"other\.json: it holds no results"):
            read_earlier(tmp_path / "other.json")
    with pytest.raises(SetupError, match="there is no folder"):
        read_earlier(tmp_path / "nowhere" / "new.json")
