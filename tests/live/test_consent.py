from __future__ import annotations

import datetime
import io
import json
import logging
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from live.consent import (
    acknowledge,
    acknowledged,
    acknowledgement,
    at_terminal,
    require,
    says,
    statement,
)
from live.errors import SetupError
from live.folders import state_folder
from live.options import DEMO
from live.subject import Subject, load_subject, write_subject
from tests.tiny_subject import tiny_files, tiny_manifest, write_tiny_subject

ROOT = Path(__file__).parents[2]
STATED = "Ada Byron, 2026-05-01, agreed in writing to this tour"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty state folder."""
    monkeypatch.setenv("UNDERSTUDY_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def without_record(folder: Path, name: str = "somebody") -> Subject:
    manifest = replace(tiny_manifest((64, 64), (128, 128)), consent=None, name=name)
    write_subject(folder, manifest, tiny_files((64, 64), (128, 128)))
    return load_subject(folder)


@pytest.fixture
def nobody_said(tmp_path: Path) -> Subject:
    """A subject without a consent record."""
    return without_record(tmp_path / "subject")


def kept(state: Path) -> Path:
    (file,) = (state / "consent").iterdir()
    return file


def test_a_record_is_said_and_is_enough(tmp_path: Path, state: Path) -> None:
    subject = load_subject(write_tiny_subject(tmp_path / "subject"))
    require(subject)
    assert acknowledged(subject)
    words = says(subject)
    for part in ("synthetic: no living person", "2026-01-01", "tests", "nobody"):
        assert part in words
    assert not state.exists(), "nothing is kept where nothing was asked"


def test_the_demo_has_a_record() -> None:
    require(load_subject(DEMO / "subject"))


def test_yes_at_the_terminal_is_kept_and_asked_once(
    nobody_said: Subject, state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[str] = []

    def yes(question: str) -> str:
        asked.append(question)
        return " Yes "

    assert not acknowledged(nobody_said)
    assert "nobody has answered" in says(nobody_said)
    with caplog.at_level(logging.WARNING):
        require(nobody_said, ask=yes)
        require(nobody_said, ask=yes)
        require(nobody_said)
    assert len(asked) == 1
    assert "somebody" in asked[0] and "type yes" in asked[0]
    assert acknowledged(nobody_said)
    (logged,) = [one.getMessage() for one in caplog.records]
    assert "answered for" in logged and str(nobody_said.origin) in logged
    data = json.loads(kept(state).read_text("utf-8"))
    assert data["bundle_sha256"] == nobody_said.sha256
    assert data["words"].startswith("yes")
    today = datetime.datetime.now(datetime.UTC)
    assert abs(datetime.datetime.fromisoformat(data["date"]) - today) < datetime.timedelta(hours=1)
    if os.name == "posix":
        assert stat.S_IMODE(kept(state).stat().st_mode) == 0o600


@pytest.mark.parametrize("answer", ["", "y", "no", "yes please", "YES!"])
def test_anything_but_yes_ends_it(nobody_said: Subject, state: Path, answer: str) -> None:
    with pytest.raises(SetupError, match="no consent record"):
        require(nobody_said, ask=lambda question: answer)
    assert not acknowledged(nobody_said)
    assert not state.exists()


def test_without_a_terminal_nothing_is_asked_and_the_remedy_is_named(nobody_said: Subject) -> None:
    with pytest.raises(SetupError, match=r'--i-have-consent "NAME, YYYY-MM-DD, STATEMENT"'):
        require(nobody_said)


def test_a_statement_on_the_command_line_is_kept(nobody_said: Subject, state: Path) -> None:
    require(nobody_said, STATED)
    require(nobody_said)
    assert json.loads(kept(state).read_text("utf-8"))["words"] == STATED
    assert STATED in says(nobody_said)


def test_it_holds_for_this_bundle_and_no_other(nobody_said: Subject, tmp_path: Path) -> None:
    require(nobody_said, STATED)
    assert not acknowledged(without_record(tmp_path / "other", "somebody else"))


def test_a_statement_beside_a_record_is_checked_and_not_kept(tmp_path: Path, state: Path) -> None:
    subject = load_subject(write_tiny_subject(tmp_path / "subject"))
    require(subject, STATED)
    assert not state.exists()
    with pytest.raises(SetupError, match="YYYY-MM-DD"):
        require(subject, "nonsense")


@pytest.mark.parametrize(
    "stated",
    ["", "Ada", "Ada, 2026-05-01", "Ada, soon, she agreed", ", 2026-05-01, agreed",
     "Ada, 2026-05-01, ", "Ada, 2026-13-01, agreed", "Ada, 2999-01-01, agreed"],
)  # fmt: skip
def test_a_statement_that_says_too_little(stated: str, nobody_said: Subject) -> None:
    with pytest.raises(SetupError, match="--i-have-consent"):
        require(nobody_said, stated)
    assert not acknowledged(nobody_said)


def test_a_statement_may_have_commas_and_any_letters() -> None:
    assert statement("Zoë Müller ,2026-05-01, yes, I agree, 好") == (
        "Zoë Müller, 2026-05-01, yes, I agree, 好"
    )


def forge_bundle(path: Path) -> None:
    data = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**data, "bundle_sha256": "0" * 64}), "utf-8")


def forge_field(name: str, value: object) -> Callable[[Path], None]:
    def forge(path: Path) -> None:
        data = json.loads(path.read_text("utf-8"))
        path.write_text(json.dumps({**data, name: value}), "utf-8")

    return forge


def link_elsewhere(path: Path) -> None:
    path.rename(path.with_suffix(".moved"))
    path.symlink_to(path.with_suffix(".moved"))


POSIX = pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")


@pytest.mark.parametrize(
    "break_it",
    [
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: path.write_bytes(b"\xff\xfe{"), id="no text"),
        pytest.param(lambda path: path.write_bytes(b"[" * 50_000), id="nested"),
        pytest.param(lambda path: path.write_bytes(b" " * 100_000), id="too big"),
        pytest.param(lambda path: path.write_text("[1, 2]"), id="a list"),
        pytest.param(lambda path: path.write_text("{}"), id="no fields"),
        pytest.param(forge_bundle, id="another bundle's"),
        pytest.param(forge_field("more", "x"), id="a field more"),
        pytest.param(forge_field("words", ""), id="no words"),
        pytest.param(forge_field("words", 7), id="words are a number"),
        pytest.param(forge_field("date", "2999-01-01T00:00:00+00:00"), id="from the future"),
        pytest.param(forge_field("date", "2026-01-01"), id="no time zone"),
        pytest.param(forge_field("date", "yesterday"), id="no date"),
        pytest.param(lambda path: path.chmod(0o666), id="others can write it", marks=POSIX),
        pytest.param(link_elsewhere, id="a link", marks=POSIX),
        pytest.param(lambda path: (path.unlink(), path.mkdir()), id="a folder"),
    ],
)
def test_a_broken_or_forged_file_counts_as_absent(
    break_it: Callable[[Path], object], nobody_said: Subject, state: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    acknowledge(nobody_said, "yes")
    assert acknowledged(nobody_said)
    caplog.clear()
    break_it(kept(state))
    assert acknowledgement(nobody_said) is None
    assert "asked for again" in caplog.text
    with pytest.raises(SetupError, match="no consent record"):
        require(nobody_said)


def test_it_can_be_said_again_after_that(nobody_said: Subject, state: Path) -> None:
    acknowledge(nobody_said, "yes")
    kept(state).write_text("broken")
    require(nobody_said, STATED)
    found = acknowledgement(nobody_said)
    assert found is not None and found.words == STATED


def test_words_are_needed_and_bounded(nobody_said: Subject) -> None:
    for words in ("", " \n ", "x" * 2001):
        with pytest.raises(SetupError, match="characters"):
            acknowledge(nobody_said, words)


def test_a_place_that_cannot_be_written(
    nobody_said: Subject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv("UNDERSTUDY_STATE", str(tmp_path / "a file"))
    with pytest.raises(SetupError, match="UNDERSTUDY_STATE"):
        acknowledge(nobody_said, "yes")


def test_the_folder_is_the_users_own_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UNDERSTUDY_STATE")
    assert "understudy" in state_folder().parts


@pytest.mark.parametrize("stdin", [None, io.StringIO("yes\n")])
def test_no_terminal_is_noticed(monkeypatch: pytest.MonkeyPatch, stdin: object) -> None:
    monkeypatch.setattr(sys, "stdin", stdin)
    assert at_terminal() is None


ASKS = """
import sys
from pathlib import Path
from live.consent import at_terminal, require
from live.errors import SetupError
from live.subject import load_subject
try:
    require(load_subject(Path(sys.argv[1])), ask=at_terminal())
except SetupError as error:
    print("refused:", error)
else:
    print("shown")
"""


def test_a_show_without_a_terminal_never_hangs(nobody_said: Subject) -> None:
    command = [sys.executable, "-c", ASKS, str(nobody_said.origin)]
    for stdin in (subprocess.DEVNULL, subprocess.PIPE):
        done = subprocess.run(
            command, cwd=ROOT, stdin=None if stdin == subprocess.PIPE else stdin,
            input="yes\n" if stdin == subprocess.PIPE else None,
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        assert done.stdout.startswith("refused:"), "what is piped in is no person's word"


@pytest.mark.skipif(os.name != "posix", reason="a terminal is made with pty")
@pytest.mark.parametrize(("typed", "then"), [(b"yes\n", "shown"), (b"\x04", "refused:")])
def test_a_real_terminal_is_asked(nobody_said: Subject, typed: bytes, then: str) -> None:
    ours, theirs = os.openpty()
    try:
        os.write(ours, typed)
        done = subprocess.run(
            [sys.executable, "-c", ASKS, str(nobody_said.origin)],
            cwd=ROOT, stdin=theirs, capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
    finally:
        os.close(ours)
        os.close(theirs)
    assert "type yes" in done.stdout
    assert then in done.stdout
