from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from export.to_onnx import ExportOptions, export
from live.errors import SetupError
from live.subject import load_subject
from tests.training.conftest import tiny_options
from tests.training.tiny_footage import KnownPose, write_video
from training.consent import NONE, dataset_consent, parse_consent
from training.prepare import PrepareOptions, prepare
from training.student import Training

WORDS = "Ann Example, 2026-01-31, may be shown at the spring show, nowhere else"
RECORD = {"subject": "Ann", "basis": "written agreement", "scope": "stage", "date": "2026-01-31"}


def test_words_become_a_record() -> None:
    consent = parse_consent(WORDS)
    assert consent.subject == "Ann Example" and consent.date == "2026-01-31"
    assert consent.scope == "may be shown at the spring show, nowhere else"


def test_files_hold_words_or_the_record(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(WORDS.replace(", nowhere", ",\nnowhere"))
    (tmp_path / "a.json").write_text(json.dumps(RECORD))
    assert parse_consent(str(tmp_path / "a.txt")) == parse_consent(WORDS)
    assert asdict(parse_consent(str(tmp_path / "a.json"))) == RECORD


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ("Ann", "no date"),
        ("Ann, 31.1.2026, yes", "'31.1.2026' is no date"),
        ("Ann, 2026-01-31,", "empty"),
        (", 2026-01-31, yes", "empty"),
        ("Ann, 2999-01-31, yes", "yet to come"),
        ("gone.json", "no such file"),
        ("x" * 5000, "no date"),
    ],
)
def test_what_is_no_consent_is_refused(given: str, word: str) -> None:
    with pytest.raises(SetupError, match=word):
        parse_consent(given)


@pytest.mark.parametrize("text", ['{"subject": "Ann"}', "{", '{"subject": 1}'])
def test_a_broken_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(SetupError, match=r"a\.json .*subject, basis, scope, date"):
        parse_consent(str(tmp_path / "a.json"))


def test_it_travels_from_the_footage_to_the_bundle(tmp_path: Path) -> None:
    video = write_video(tmp_path / "film.avi", 100)
    options = PrepareOptions(
        (video,), tmp_path / "data", size=96, stage=128, progress=False,
        consent=parse_consent(WORDS),
    )  # fmt: skip
    facts = prepare(options, KnownPose())
    assert facts["consent"]["subject"] == "Ann Example" and "consent.json" in facts["files"]
    Training(tiny_options(tmp_path / "data", tmp_path / "run", 2)).run()
    exported = export(ExportOptions(tmp_path / "run", tmp_path / "bundle"))
    consent = load_subject(tmp_path / "bundle").manifest.consent
    assert consent == exported.consent == parse_consent(WORDS)


def test_without_it_dataset_and_report_say_so(tiny_data: Path) -> None:
    assert dataset_consent(tiny_data) is None
    assert json.loads((tiny_data / "dataset.json").read_text())["consent"] == NONE
    assert json.loads((tiny_data / "report.json").read_text())["consent"] == NONE
