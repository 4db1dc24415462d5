"""Takes: begun and ended at the desk, named, signed at the end, and one subject to a file."""

from __future__ import annotations

import argparse
import datetime
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from live.desk.desk import Desk
from live.errors import SetupError
from live.stream.provenance_remux import about
from live.stream.provenance_signing import SigningSettings
from live.stream.provenance_statement import Statement, statement_in
from live.stream.recorder import RecorderSettings
from live.stream.takes import LateSigner, Takes, TakesSettings, add_takes_arguments, takes_settings
from live.stream.takes_statement import of_both
from tests.live.stream.pattern import read_number
from tests.live.stream.signing import STATEMENT
from tests.live.stream.tapped import HandHub
from tests.live.stream.test_hub import Stage
from tests.live.stream.test_recorder import ROOT, read, until

OTHER = replace(STATEMENT, subject="The other", bundle_sha256="cd" * 32, consent_date="2026-05-07")


class Watched:
    """Signs nothing, and notes what it was asked for."""

    def __init__(self) -> None:
        self.paths: list[Path] = []

    def sign(self, path: Path, progress: Callable[[float], None]) -> None:
        self.paths.append(path)


class Clock:
    """A minute later each time."""

    def __init__(self) -> None:
        self.minute = 0

    def __call__(self) -> datetime.datetime:
        self.minute += 1
        return datetime.datetime(2026, 6, 1, 20, self.minute, 5)


@pytest.fixture
def hub() -> HandHub:
    return HandHub()


@pytest.fixture
def signer() -> Watched:
    return Watched()


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def takes(tmp_path: Path, desk: Desk, signer: Watched) -> Iterator[Takes]:
    made = Takes(
        TakesSettings(tmp_path / "deep" / "takes"), desk, None, STATEMENT, signer, Clock(),
        clock=lambda: desk.version / 10,  # 0.1 s for each change
    )  # fmt: skip
    yield made
    made.close()


def numbers(path: Path) -> list[int]:
    return [read_number(one) for one in read(path)[0]]


def test_the_switch_makes_a_file_each_time_and_all_are_signed_at_the_end(
    takes: Takes, hub: HandHub, desk: Desk, signer: Watched
) -> None:
    takes.start(hub)
    hub.show(5)
    assert (desk.value("record"), desk.value("recording"), takes.says) == (False, "", "off")
    desk.set("record", True, by="console")
    desk.set("record", True, by="osc")  # two at once: one take
    hub.show(10)
    until(lambda: desk.value("recording") == "2026-06-01 20-01-05.mp4")
    assert takes.says == "recording"
    desk.set("record", False, by="osc")
    until(lambda: desk.value("recording") == "")
    hub.show(5)
    desk.set("record", True, by="console")
    hub.show(10)
    assert signer.paths == [], "not while the show runs"
    takes.close()
    takes.settle()
    first, second = takes.recorder.files
    assert [one.name for one in (first, second)] == [
        "2026-06-01 20-01-05.mp4", "2026-06-01 20-02-05.mp4",
    ]  # fmt: skip
    assert numbers(first) == list(range(5, 15))
    assert numbers(second) == list(range(20, 30))
    assert signer.paths == [first, second]


def test_a_take_that_is_ended_at_once_leaves_nothing_half(
    takes: Takes, hub: HandHub, desk: Desk
) -> None:
    takes.start(hub)
    for _ in range(20):
        desk.set("record", True, by="midi")
        hub.show(1)
        desk.set("record", False, by="midi")
    desk.set("record", True, by="midi")
    desk.set("record", False, by="midi")  # before any picture
    until(lambda: desk.value("recording") == "")
    takes.close()
    assert 1 <= len(takes.recorder.files) <= 20
    assert sum(len(numbers(path)) for path in takes.recorder.files) == 20
    assert desk.value("record") is False


def test_record_from_the_beginning_then_again_beside_it(
    tmp_path: Path, hub: HandHub, desk: Desk
) -> None:
    path = tmp_path / "show.mp4"
    takes = Takes(TakesSettings(tmp_path / "unused"), desk, RecorderSettings(path), STATEMENT)
    takes.start(hub)
    assert desk.value("record") is True
    hub.show(10)
    desk.set("record", False, by="console")
    desk.set("record", True, by="console")
    hub.show(10)
    takes.close()
    assert takes.recorder.files == (path, tmp_path / "show-2.mp4")
    assert [len(numbers(one)) for one in takes.recorder.files] == [10, 10]
    assert not (tmp_path / "unused").exists()


def said_in(path: Path) -> Statement:
    found = statement_in(about(path).tags)
    assert found is not None
    return found


def test_each_file_names_every_subject_that_it_shows(
    takes: Takes, hub: HandHub, desk: Desk
) -> None:
    takes.start(hub)
    desk.set("record", True, by="console")
    hub.show(10)
    takes.shows(OTHER)
    hub.show(10)
    desk.set("record", False, by="console")
    desk.set("record", True, by="console")  # while they still fade
    hub.show(5)
    for _ in range(30):
        desk.set("mirror", True, by="console")
    desk.set("record", False, by="console")
    desk.set("record", True, by="console")
    hub.show(5)
    takes.close()
    files = takes.recorder.files
    assert files[1].stem == files[0].stem + "-2"
    assert [numbers(one) for one in files] == [
        list(range(10)), list(range(10, 20)), list(range(20, 25)), list(range(25, 30)),
    ]  # fmt: skip
    told = [said_in(one).subject for one in files]
    both_said = "The other and The understudy"
    assert told == ["The understudy", both_said, both_said, "The other"]
    both = said_in(files[1])
    assert both.bundle_sha256 == "cd" * 32 + " " + "ab" * 32
    assert both.consent_basis == "written agreement"
    assert both.consent_date == "The other: 2026-05-07; The understudy: 2026-05-01"


def test_no_picture_of_the_new_one_is_in_the_file_of_the_old(
    takes: Takes, hub: HandHub, desk: Desk
) -> None:
    takes.start(hub)
    desk.set("record", True, by="console")
    hub.show(10)
    takes.shows(OTHER)
    hub._key_frame = False  # the encoder lets wait for the key frame
    hub.show(4)
    hub.ask_key_frame()
    hub.show(6)
    takes.close()
    assert [numbers(one) for one in takes.recorder.files] == [list(range(10)), list(range(14, 20))]


def test_a_real_hub_is_recorded_with_hardly_a_gap_at_the_swap(takes: Takes, desk: Desk) -> None:
    stage = Stage()
    takes.start(stage.hub)
    desk.set("record", True, by="console")
    size = (128, 192)
    stage.show(30, size)
    takes.shows(OTHER)
    stage.show(30, size)
    desk.set("record", False, by="console")
    stage.show(5, size)
    desk.set("record", True, by="console")
    stage.show(5, size)
    takes.close()
    stage.hub.close()
    seen = [numbers(one) for one in takes.recorder.files]
    assert [(one[0], one[-1]) for one in seen] == [(0, 29), (30, 59), (65, 69)]


def test_the_same_subject_again_is_named_once() -> None:
    assert of_both(STATEMENT, STATEMENT) == STATEMENT


FULL = """
import resource, sys
from pathlib import Path
from live.desk.desk import Desk
from live.stream.takes import Takes, TakesSettings
from tests.live.stream.tapped import HandHub
from tests.live.stream.test_recorder import until
limit = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, limit[1]))
desk, hub = Desk(), HandHub()
takes = Takes(TakesSettings(Path(sys.argv[1])), desk)
takes.start(hub)
desk.set("record", True, by="console")
while desk.value("record"):
    hub.show(5)
assert "File too large" in takes.says, takes.says
hub.show(30)  # the show goes on
until(lambda: desk.value("recording") == "")
resource.setrlimit(resource.RLIMIT_FSIZE, limit)  # somebody frees some space
desk.set("record", True, by="console")
hub.show(10)
assert takes.says == "recording"
takes.close()
print(len(takes.recorder.files))
"""


def test_a_full_disk_turns_the_switch_off_and_later_it_goes_again(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == 2
    assert done.stderr.count("the show goes on without") == 1, done.stderr


def test_a_folder_that_cannot_be_made_leaves_the_switch_off(
    tmp_path: Path, hub: HandHub, desk: Desk
) -> None:
    (tmp_path / "file").write_text("")
    takes = Takes(TakesSettings(tmp_path / "file" / "takes"), desk)
    takes.start(hub)
    with pytest.raises(SetupError, match="give another folder"):
        desk.set("record", True, by="console")
    assert desk.value("record") is False
    assert takes.says == "off"
    takes.close()


def test_a_disk_that_fails_at_once_leaves_the_switch_off(
    tmp_path: Path, hub: HandHub, desk: Desk
) -> None:
    takes = Takes(TakesSettings(tmp_path), desk)
    takes.start(hub)
    begun = takes.recorder.begin

    def fail(path: Path, statement: object = None) -> None:
        begun(tmp_path / "gone" / "take.mp4")
        hub.show(1)
        until(lambda: takes.recorder.trouble is not None)

    takes.recorder.begin = fail  # type: ignore[method-assign]
    desk.set("record", True, by="console")
    assert desk.value("record") is False
    takes.close()


def test_a_late_signer_says_why_it_cannot(tmp_path: Path, hub: HandHub, desk: Desk) -> None:
    missing = SigningSettings(tmp_path / "none.pem")
    signer = LateSigner(missing)
    takes = Takes(TakesSettings(tmp_path / "takes"), desk, None, STATEMENT, signer)
    takes.start(hub)
    desk.set("record", True, by="console")
    hub.show(3)
    takes.close()
    takes.settle()
    assert "left unsigned" in takes.recorder.unsigned[0]


def test_what_is_closed_before_it_starts(takes: Takes) -> None:
    takes.close()
    takes.settle()


def settings(*arguments: str) -> TakesSettings:
    parser = argparse.ArgumentParser()
    add_takes_arguments(parser)
    return takes_settings(parser.parse_args(arguments))


def test_the_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings("--takes", str(tmp_path / "a" / "b")) == TakesSettings(tmp_path / "a" / "b")
    monkeypatch.setattr("platformdirs.user_videos_dir", lambda: str(tmp_path))
    assert settings() == TakesSettings(tmp_path / "Understudy")
    monkeypatch.setattr("platformdirs.user_videos_dir", lambda: str(tmp_path / "none"))
    assert settings() == TakesSettings(Path.cwd())
    assert not (tmp_path / "Understudy").exists(), "made with the first take"
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match="--takes"):
        settings("--takes", str(tmp_path / "file" / "x"))


THIRD = replace(STATEMENT, subject="The third", bundle_sha256="ef" * 32)


def said(path: Path) -> str:
    found = statement_in(about(path).tags)
    assert found is not None
    return found.subject


def test_all_who_are_still_seen_are_named_when_one_comes_after_another(
    takes: Takes, hub: HandHub, desk: Desk
) -> None:
    desk.set("subject.fade", 5.0, by="console")
    takes.start(hub)
    takes.shows(OTHER)
    takes.shows(THIRD)  # within the fade: the first is still seen
    desk.set("record", True, by="console")
    hub.show(5)
    takes.close()
    names = said(takes.recorder.files[0])
    assert STATEMENT.subject in names and "The other" in names and "The third" in names


def test_who_stands_frozen_is_named_until_the_freeze_ends(
    takes: Takes, hub: HandHub, desk: Desk
) -> None:
    desk.set("subject.fade", 0.0, by="console")
    takes.start(hub)
    desk.set("freeze", True, by="console")
    takes.shows(OTHER)
    for step in range(40):  # long past the fade
        desk.set("smoothing", step / 40, by="console")
    desk.set("record", True, by="console")
    hub.show(5)
    desk.set("record", False, by="console")
    until(lambda: desk.value("recording") == "")
    desk.set("freeze", False, by="console")
    desk.set("record", True, by="console")
    hub.show(5)
    takes.close()
    frozen, free = (said(path) for path in takes.recorder.files)
    assert STATEMENT.subject in frozen and "The other" in frozen
    assert free == "The other"


def test_a_switch_that_says_off_while_a_take_runs_is_put_right(
    takes: Takes, hub: HandHub, desk: Desk
) -> None:
    """Two hands at once: one begins, the other's "off" is noted after it."""
    takes.start(hub)
    desk.set("record", True, by="console")
    desk.follow("record", False)
    assert desk.value("record") is True
    hub.show(3)
