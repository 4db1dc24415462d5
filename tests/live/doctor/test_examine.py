"""The examination goes on, whatever a check does; and its lines can be read."""

from __future__ import annotations

import itertools
import logging
import threading
from pathlib import Path

import pytest

from live.doctor.check import Check, Plan
from live.doctor.examine import Checked, examine
from live.doctor.finding import Finding, Verdict, careful, from_error, halves, right, worst, wrong
from live.doctor.patience import within
from live.doctor.words import ending, line_of
from live.errors import SourceError
from tests.live.doctor.plans import plan_of


@pytest.fixture
def plan(subject: Path) -> Plan:
    return plan_of(subject)


def always(finding: Finding | None) -> Check:
    return Check("always", lambda plan: finding)


def failing(error: BaseException) -> Check:
    def fail(plan: Plan) -> Finding:
        raise error

    return Check("failing", fail)


def test_every_finding_is_said_at_once_and_in_order(plan: Plan) -> None:
    said: list[Checked] = []
    found = examine(plan, [always(right("a")), always(None), always(wrong("b", "c"))], said.append)
    assert [one.finding.what for one in found] == ["a", "b"] and said == found


def test_an_error_of_ours_is_wrong_with_its_remedy(plan: Plan) -> None:
    (found,) = examine(plan, [failing(SourceError("camera 0 (x; y) is busy; close it; now"))])
    assert found.finding == wrong("camera 0 (x; y) is busy", "close it; now")


def test_any_other_error_is_the_doctors_own(plan: Plan) -> None:
    found = examine(plan, [failing(KeyError("x")), failing(SystemError("y")), always(right("z"))])
    assert [one.finding.verdict.value for one in found] == ["careful", "careful", "right"]
    assert "KeyError" in found[0].finding.what and "report it" in found[0].finding.remedy


def test_what_hangs_is_left_behind(plan: Plan) -> None:
    end = threading.Event()

    def hang(plan: Plan) -> Finding | None:
        end.wait()
        return None

    found = examine(plan, [Check("hanging", hang, 0.05), always(right("after"))])
    end.set()
    assert [one.finding.verdict.value for one in found] == ["careful", "right"]
    assert "no answer within" in found[0].finding.what


def test_the_time_for_all_is_shared(plan: Plan) -> None:
    """Who comes after it has been used still gets a second."""
    end = threading.Event()
    ticks = itertools.count(0.0, 100.0)

    def hang(plan: Plan) -> Finding | None:
        end.wait()
        return None

    hanging = Check("hanging", hang, 500.0)
    found = examine(plan, [hanging], clock=lambda: next(ticks), budget_s=10.0)
    end.set()
    assert "within 1 s" in found[0].finding.what


def test_nothing_is_logged_meanwhile(plan: Plan, caplog: pytest.LogCaptureFixture) -> None:
    def chatter(plan: Plan) -> Finding | None:
        logging.getLogger("live").error("noise")
        return None

    examine(plan, [Check("chatter", chatter)])
    logging.getLogger("live").error("after")
    assert [record.getMessage() for record in caplog.records] == ["after"]


def test_within_gives_raises_and_leaves() -> None:
    assert within(5.0, lambda: 3, 4) == 3
    with pytest.raises(ZeroDivisionError):
        within(5.0, lambda: 1 // 0, 4)
    end = threading.Event()
    assert within(0.01, lambda: int(end.wait()), 4) == 4
    end.set()


def test_the_worst_counts() -> None:
    assert worst([]) is Verdict.RIGHT
    assert worst([right("a"), careful("b", "c")]) is Verdict.CAREFUL
    assert worst([wrong("a", "b"), careful("b", "c")]) is Verdict.WRONG


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("it is busy; close it", ("it is busy", "close it")),
        ("it is busy (a; b)", ("it is busy (a; b)", "")),
        ("it is (busy; b; close it", ("it is (busy; b; close it", "")),
        ("", ("", "")),
    ],
)
def test_a_sentence_has_two_halves(sentence: str, expected: tuple[str, str]) -> None:
    assert halves(sentence) == expected
    assert from_error(SourceError(sentence)).what == expected[0]


def test_a_line_has_its_columns_and_fits() -> None:
    finding = careful("pictures come late " * 8, "close other programs " * 6, ["one of them"])
    lines = line_of(Checked("machine", finding, 0.1), width=80).splitlines()
    assert lines[0].startswith("  careful  machine       pictures come late")
    assert all(len(line) <= 80 for line in lines)
    assert all(line.startswith(" " * 25) for line in lines[1:])
    assert sum(line.lstrip().startswith("-> close") for line in lines) == 1
    assert sum(line.lstrip().startswith("- one of them") for line in lines) == 1


def test_only_a_terminal_gets_colours() -> None:
    checked = Checked("machine", wrong("a", "b"), 0.1)
    assert "\x1b" not in line_of(checked)
    assert line_of(checked, colour=True).startswith("  \x1b[1;31mwrong    \x1b[0mmachine")


@pytest.mark.parametrize(
    ("findings", "says"),
    [
        ([right("a")], "1 right, in 2 s. The show can begin."),
        ([right("a"), careful("b", "c")], "1 right, 1 to be careful about, in 4 s. The show can"),
        ([wrong("a", "b")], "0 right, 1 wrong, in 2 s. Mend what is marked wrong"),
    ],
)
def test_the_end_counts(findings: list[Finding], says: str) -> None:
    assert says in ending([Checked("x", finding, 2.0) for finding in findings])
