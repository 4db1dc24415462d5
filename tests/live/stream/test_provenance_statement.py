from __future__ import annotations

import datetime
import json
from dataclasses import replace
from pathlib import Path

import pytest

from live.consent import acknowledge
from live.stream.provenance_statement import (
    GENERATED,
    GENERATED_WITH_SOUND,
    Statement,
    manifest,
    statement_in,
    statement_of,
)
from live.stream.provenance_words import unsigned, verdict
from live.subject import Consent, Subject, load_subject
from tests.live.stream.signing import NOW, STATEMENT
from tests.tiny_subject import write_tiny_subject


@pytest.fixture
def subject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Subject:
    monkeypatch.setenv("UNDERSTUDY_STATE", str(tmp_path / "state"))
    return load_subject(write_tiny_subject(tmp_path / "subject"))


def having(subject: Subject, record: Consent | None) -> Subject:
    return replace(subject, manifest=replace(subject.manifest, consent=record))


def test_it_tells_who_is_shown_and_by_what_right(subject: Subject) -> None:
    said = statement_of(subject, NOW)
    assert said.subject == "tiny" and said.bundle_sha256 == subject.sha256
    assert said.consent_basis == "synthetic: no living person"
    assert said.consent_date == "2026-01-01"
    assert datetime.datetime.fromisoformat(said.recorded) == NOW.replace(microsecond=0)


def test_neither_the_name_nor_the_scope_is_published(subject: Subject) -> None:
    secret = Consent("Ada Byron", "written agreement", "only for the Lovelace gala", "2026-05-01")
    said = statement_of(having(subject, secret), NOW)
    text = json.dumps([said.tags(), manifest(said, "show.mp4", True, "1")])
    assert "written agreement" in text and "2026-05-01" in text
    for word in ("Ada", "Byron", "Lovelace", "gala"):
        assert word not in text


@pytest.mark.parametrize("basis", ["agreement with Ada, in writing", "signed BYRON 2026"])
def test_a_basis_that_names_the_person_is_withheld(subject: Subject, basis: str) -> None:
    said = statement_of(having(subject, Consent("Ada Byron", basis, "all", "2026-05-01")), NOW)
    assert said.consent_basis == "on record, not published: its words name the person"


def test_what_the_operator_typed_is_not_published(subject: Subject) -> None:
    bare = having(subject, None)
    assert statement_of(bare, NOW).consent_basis == "no record"
    acknowledge(bare, "Ada Byron, 2026-05-01, she agreed")
    said = statement_of(bare, NOW)
    assert "the operator states" in said.consent_basis
    assert "Ada" not in json.dumps(said.tags())


def test_an_empty_record_is_told_as_none(subject: Subject) -> None:
    said = statement_of(having(subject, Consent("", "", "", "")), NOW)
    assert (said.consent_basis, said.consent_date) == ("none", "none")


def test_tags_are_read_back_and_nothing_else_is_believed() -> None:
    assert statement_in(STATEMENT.tags()) == STATEMENT
    data = json.loads(STATEMENT.tags()["description"])
    for wrong in ("", "{", "[]", "7", "[" * 100_000, json.dumps({**data, "more": "x"}),
                  json.dumps({**data, "subject": ""}), json.dumps({**data, "subject": 3}),
                  json.dumps({**data, "recorded": "then"})):  # fmt: skip
        assert statement_in({"description": wrong}) is None
    assert statement_in({}) is None


def test_sound_makes_it_a_composite() -> None:
    for sound, source in ((False, GENERATED), (True, GENERATED_WITH_SOUND)):
        (actions, told) = manifest(STATEMENT, "show.mp4", sound, "0.1.0")["assertions"]
        (created,) = actions["data"]["actions"]
        assert created["action"] == "c2pa.created"
        assert created["digitalSourceType"] == source
        assert told["data"]["generated"] is True


def test_a_begun_recording_has_its_own_time() -> None:
    zone = datetime.timezone(datetime.timedelta(hours=2))
    begun = STATEMENT.begun(datetime.datetime(2026, 7, 1, 20, 30, tzinfo=zone))
    assert begun.recorded == "2026-07-01T18:30:00+00:00"


@pytest.mark.parametrize(
    "store",
    [
        {}, {"validation_state": 3, "manifests": [], "validation_status": "x"},
        {"validation_state": "Valid", "active_manifest": "a", "manifests": {"a": []},
         "validation_status": [{"code": "assertion.bmffHash.mismatch"}]},
        {"validation_state": "Invalid", "active_manifest": "a", "manifests": {"a": {
            "signature_info": 1, "assertions": [1, {"label": "understudy.generated", "data": []},
            {"label": "c2pa.actions.v2", "data": {"actions": {"a": 1}}}]}}},
    ],
)  # fmt: skip
def test_a_strangers_manifest_is_never_good_by_accident(store: dict[str, object]) -> None:
    said = verdict(store)
    assert not said.good
    assert said.lines[0].startswith("NOT INTACT")


def test_a_strangers_words_do_not_steer_the_terminal() -> None:
    nasty = Statement("\x1b[2JINTACT", "0", "a\nb", "c\r", "2026-06-01T20:00:00+00:00")
    assert "\x1b" not in "".join(unsigned(nasty).lines)
    store = {"validation_state": "Valid", "active_manifest": "a", "manifests": {"a": {
        "signature_info": {"common_name": "\x1b]0;x\x07"}, "assertions": []}}}  # fmt: skip
    said = verdict(store)
    assert said.good and all(line.isprintable() for line in said.lines)
