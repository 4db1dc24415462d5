"""The performer's measures: there, yet to be taken, and not to be read."""

from __future__ import annotations

from pathlib import Path

from live.doctor.finding import Verdict
from live.doctor.performer import look_at_performer
from live.options import DEMO
from tests.live.doctor.plans import PERFORMER, looked, plan_of


def test_measures(subject: Path, tmp_path: Path) -> None:
    for arguments, says in (
        ([], "learns while it runs"),
        (["--performer", DEMO / "performer.json"], "measured, in"),
        (["--calibrate", "8", "--performer", tmp_path / "new.json"], "first 8 s"),
        (["--calibrate", PERFORMER], "before the show"),
    ):
        found = looked(look_at_performer, plan_of(subject, *arguments))
        assert found.verdict is Verdict.RIGHT and says in found.what


def test_measures_that_cannot_be_had(subject: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("{}")
    for arguments in (
        ["--performer", tmp_path / "none.json"],
        ["--performer", tmp_path / "bad.json"],
        ["--calibrate", tmp_path / "none.mp4"],
    ):
        found = looked(look_at_performer, plan_of(subject, *arguments))
        assert found.verdict is Verdict.WRONG and found.remedy
