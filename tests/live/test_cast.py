"""Another subject is loaded beside the show: shown when ready, or refused with a reason."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from live import consent
from live.body import BodyStats
from live.cast import Cast, open_bundle
from live.cast_list import known
from live.character import Character
from live.character_open import CharacterSettings
from live.errors import DeskError, SubjectError
from live.subject import load_subject, write_subject
from tests.tiny_subject import tiny_files, tiny_manifest, write_tiny_subject

PATIENCE_S = 60.0
SETTINGS = CharacterSettings("cpu")


class Stage:
    """Takes who comes."""

    performer: BodyStats | None = None

    def __init__(self) -> None:
        self.came: list[tuple[str, float]] = []

    @property
    def shown(self) -> list[str]:
        return [name for name, _ in self.came]

    def get_ready(self, character: Character) -> None:
        pass

    def swap(self, character: Character, fade_s: float) -> None:
        self.came.append((str(character.subject.origin.name), fade_s))
        character.close()


class Told:
    def __init__(self, cast: Cast) -> None:
        self.failed: list[tuple[str, str]] = []
        cast.on_failed = lambda stays, why: self.failed.append((stays, why))


@pytest.fixture
def bundles(tmp_path: Path) -> dict[str, Path]:
    return {name: write_tiny_subject(tmp_path / name) for name in ("one", "two", "three")}


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def cast(bundles: dict[str, Path], stage: Stage) -> Iterator[Cast]:
    cast = Cast(bundles, "one", stage, SETTINGS)
    yield cast
    cast.close()


def test_who_is_asked_for_comes_when_ready(cast: Cast, stage: Stage) -> None:
    told = Told(cast)
    cast.fade_s = lambda: 2.5
    cast.change("two")
    assert cast.wait(PATIENCE_S)
    assert stage.came == [("two", 2.5)] and stage.shown == ["two"] and told.failed == []
    assert cast.running == "two" and cast.loading == ""
    assert cast.names == ("one", "two", "three")


def test_an_unknown_name_is_refused_at_once(cast: Cast) -> None:
    with pytest.raises(DeskError, match="no subject 'four'; there is one, two, three"):
        cast.change("four")
    assert cast.loading == ""


def test_a_broken_bundle_leaves_who_is_there(
    cast: Cast, stage: Stage, bundles: dict[str, Path]
) -> None:
    told = Told(cast)
    (bundles["two"] / "generator.onnx").write_bytes(b"broken")
    cast.change("two")
    assert cast.wait(PATIENCE_S)
    assert stage.came == [] and cast.running == "one"
    assert [stays for stays, _ in told.failed] == ["one"]
    assert "generator.onnx" in told.failed[0][1]
    cast.change("three")
    assert cast.wait(PATIENCE_S) and cast.running == "three"


def test_a_bundle_that_vanished_or_a_bug_leaves_who_is_there(
    bundles: dict[str, Path], stage: Stage
) -> None:
    def buggy(path: Path, settings: CharacterSettings, performer: BodyStats | None) -> Character:
        raise KeyError("a bug")

    for open_ in (None, buggy):
        shutil.rmtree(bundles["two"], ignore_errors=True)
        cast = Cast(bundles, "one", stage, SETTINGS, open_)
        told = Told(cast)
        cast.change("two")
        assert cast.wait(PATIENCE_S)
        assert cast.running == "one" and len(told.failed) == 1
        cast.close()
    assert stage.came == []


def test_without_consent_nobody_comes_until_somebody_answers(
    tmp_path: Path, stage: Stage, bundles: dict[str, Path]
) -> None:
    folder, size, room = tmp_path / "nobody asked", (64, 64), (128, 128)
    write_subject(
        folder, replace(tiny_manifest(size, room), consent=None, name="unasked"),
        tiny_files(size, room),
    )  # fmt: skip
    cast = Cast({**bundles, "unasked": folder}, "one", stage, SETTINGS)
    told = Told(cast)
    cast.change("unasked")
    assert cast.wait(PATIENCE_S)
    assert cast.running == "one" and stage.came == []
    assert "no consent record" in told.failed[0][1]
    assert "console" in told.failed[0][1] and consent.OPTION in told.failed[0][1]
    with pytest.raises(SubjectError, match="consent"):
        open_bundle(folder, SETTINGS)
    consent.acknowledge(load_subject(folder), "Nobody, 2026-01-01, a test")
    cast.change("unasked")
    assert cast.wait(PATIENCE_S) and cast.running == "unasked"
    cast.close()


class Slow:
    """Opens a bundle when it is told to."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.opened: list[Character] = []
        self.go = threading.Event()
        self.begins = threading.Event()

    def __call__(
        self, path: Path, settings: CharacterSettings, performer: BodyStats | None
    ) -> Character:
        self.begun.append(path.name)
        self.begins.set()
        assert self.go.wait(PATIENCE_S)
        character = open_bundle(path, settings, performer)
        self.opened.append(character)
        return character


def test_the_last_one_asked_for_counts(bundles: dict[str, Path], stage: Stage) -> None:
    slow = Slow()
    cast = Cast(bundles, "one", stage, SETTINGS, slow)
    told = Told(cast)
    cast.change("two")
    assert slow.begins.wait(PATIENCE_S) and cast.loading == "two"
    cast.change("three")
    assert cast.loading == "three"
    slow.go.set()
    assert cast.wait(PATIENCE_S)
    assert slow.begun == ["two", "three"] and stage.shown == ["three"] and told.failed == []
    with pytest.raises(RuntimeError, match="closed"):
        slow.opened[0].generator._engine.run({})
    cast.close()


def test_who_is_there_is_asked_for_again_and_the_way_is_given_up(
    bundles: dict[str, Path], stage: Stage
) -> None:
    slow = Slow()
    cast = Cast(bundles, "one", stage, SETTINGS, slow)
    cast.change("two")
    assert slow.begins.wait(PATIENCE_S)
    cast.change("one")
    assert cast.loading == ""
    slow.go.set()
    assert cast.wait(PATIENCE_S)
    assert stage.came == [] and cast.running == "one"
    cast.close()


def test_after_the_end_nobody_comes(bundles: dict[str, Path], stage: Stage) -> None:
    slow = Slow()
    cast = Cast(bundles, "one", stage, SETTINGS, slow)
    cast.change("two")
    assert slow.begins.wait(PATIENCE_S)
    slow.go.set()
    cast.close()
    cast.close()
    cast.change("three")
    assert cast.wait(PATIENCE_S)
    assert cast.running in ("one", "two") and slow.begun == ["two"]


def test_the_performers_measures_are_known_to_who_comes(
    bundles: dict[str, Path], stage: Stage
) -> None:
    given: list[BodyStats | None] = []

    def noted(path: Path, settings: CharacterSettings, performer: BodyStats | None) -> Character:
        given.append(performer)
        return open_bundle(path, settings, performer)

    stage.performer = BodyStats(0.8, 0.7, 0.6, 0.5, 0.3, 1.5)
    cast = Cast(bundles, "one", stage, SETTINGS, noted)
    cast.change("two")
    assert cast.wait(PATIENCE_S)
    assert given == [stage.performer]
    cast.close()


def named(folder: Path, name: str, stage: tuple[int, int] = (128, 128)) -> Path:
    files = tiny_files((64, 64), stage)
    write_subject(folder, replace(tiny_manifest((64, 64), stage), name=name), files)
    return folder


def test_the_list_has_every_bundle_once_by_a_name_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "subjects"
    folder.mkdir()
    first = named(tmp_path / "start", "Anna")
    named(folder / "a", "Anna", (130, 130))  # another one of the same name
    named(folder / "b", "Anna")  # a copy of the first
    named(tmp_path / "zipped", "Bo")
    shutil.make_archive(str(folder / "bo"), "zip", tmp_path / "zipped")
    (folder / "broken").mkdir()
    (folder / "broken" / "subject.json").write_text(json.dumps({"format": 99}))
    (folder / "no.zip").write_bytes(b"no archive")
    (folder / "notes").mkdir()
    assert known(folder, [first]) == {
        "Anna": first, "Anna (2)": folder / "a", "Bo": folder / "bo.zip",
    }  # fmt: skip
    assert known(None, [first]) == {"Anna": first}
    assert known(tmp_path / "gone") == {}
