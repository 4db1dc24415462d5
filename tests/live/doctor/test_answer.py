"""The questions as they are asked on the command line, and the codes that they end with."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest

from live.doctor.answer import answer
from live.doctor.asked import Inquiry, Question, add_doctor_arguments, inquiry_of
from live.doctor.check import Check
from live.doctor.finding import careful, right, wrong
from live.doctor.packages import ROOT
from live.doctor.table import CHECKS
from live.errors import SetupError
from live.sources import add_source_arguments
from tests.live.doctor.plans import plan_of

DOCTOR = Inquiry(Question.DOCTOR)
FINE = Check("fine", lambda plan: right("all of it"))
SO_SO = Check("so so", lambda plan: careful("slow", "wait"))
BAD = Check("bad", lambda plan: wrong("gone", "bring it back"))


def asked(*arguments: str) -> Inquiry | None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--demo", action="store_true")
    add_source_arguments(parser)
    add_doctor_arguments(parser)
    return inquiry_of(parser.parse_args(arguments))


def test_questions(tmp_path: Path) -> None:
    assert asked("--demo") is None
    assert asked("--doctor") == Inquiry(Question.DOCTOR, source_named=False)
    assert asked("--doctor", "--camera", "0") == DOCTOR
    assert asked("--doctor", "--source", "x.mp4") == asked("--doctor", "--demo") == DOCTOR
    assert asked("--list-cameras") == Inquiry(Question.CAMERAS)
    assert asked("--list-subjects") == Inquiry(Question.SUBJECTS)
    assert asked("--list-subjects", str(tmp_path)) == Inquiry(Question.SUBJECTS, tmp_path)
    file = tmp_path / "x.json"
    assert asked("--doctor", "--demo", "--doctor-json", str(file)) == Inquiry(
        Question.DOCTOR, json=file
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--doctor-json", "x"], "--doctor-json without --doctor"),
        (["--list-subjects", "no/such"], "--list-subjects no/such is no folder"),
    ],
)
def test_questions_that_cannot_be(arguments: list[str], says: str) -> None:
    with pytest.raises(SetupError, match=says):
        asked(*arguments)


def test_one_question_at_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        asked("--doctor", "--list-cameras")
    assert "not allowed with" in capsys.readouterr().err


@pytest.mark.parametrize(("checks", "code"), [([FINE], 0), ([FINE, SO_SO], 0), ([BAD, FINE], 2)])
def test_only_what_is_wrong_fails(
    subject: Path, capsys: pytest.CaptureFixture[str], checks: list[Check], code: int
) -> None:
    assert answer(DOCTOR, plan_of(subject), checks) == code
    said = capsys.readouterr().out
    assert str(subject) in said and all(check.name in said for check in checks)


def test_for_programs(subject: Path, tmp_path: Path) -> None:
    file = tmp_path / "found.json"
    answer(Inquiry(Question.DOCTOR, json=file), plan_of(subject), [FINE, BAD])
    found = json.loads(file.read_text("utf-8"))
    assert found["verdict"] == "wrong"
    assert [one["name"] for one in found["checks"]] == ["fine", "bad"]
    assert found["checks"][1]["remedy"] == "bring it back"
    with pytest.raises(SetupError, match="cannot be written"):
        answer(Inquiry(Question.DOCTOR, json=tmp_path), plan_of(subject), [FINE])


def test_a_whole_examination_of_a_show_that_can_begin(
    subject: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every check for real, but for cameras and MIDI, which no test machine has."""
    file = tmp_path / "found.json"
    plan = plan_of(subject, "--host", "0.0.0.0", "--tls", "auto")
    code = answer(Inquiry(Question.DOCTOR, json=file), plan, CHECKS)
    found = {one["name"]: one for one in json.loads(file.read_text("utf-8"))["checks"]}
    assert [one for one in found.values() if one["verdict"] == "wrong"] == []
    assert code == 0
    assert set(found) >= {
        "python", "packages", "machine", "clock", "camera", "pose weights", "pose", "subject",
        "engine", "encoder", "server", "packets", "audience", "certificate", "disk",
    }  # fmt: skip
    assert "The show can begin" in capsys.readouterr().out


def test_lists(subject: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(Inquiry(Question.CAMERAS), plan_of(subject)) == 0
    assert "camera" in capsys.readouterr().out
    assert answer(Inquiry(Question.SUBJECTS), plan_of(subject)) == 0
    said = capsys.readouterr().out
    assert f"tiny  --subject {subject}" in said and "The understudy" in said


def test_the_process_ends_though_a_check_hangs(subject: Path) -> None:
    """With its own code: what hangs in native code would abort it while Python ends."""
    program = (
        "import sys, threading, run_live\n"
        "from pathlib import Path\n"
        "from live.doctor.answer import answer\n"
        "from live.doctor.check import Check\n"
        "from live.doctor.asked import Inquiry, Question\n"
        "from tests.live.doctor.plans import plan_of\n"
        "hang = Check('hanging', lambda plan: threading.Event().wait(), 0.1)\n"
        "plan = plan_of(Path(sys.argv[1]))\n"
        "run_live.leave(answer(Inquiry(Question.DOCTOR), plan, [hang]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(subject)],
        cwd=ROOT, text=True, capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "careful  hanging" in done.stdout and "doctor: hanging" in done.stderr
