"""Subjects: whole, broken, without consent, unmarked; one, and a folder of them."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from live import consent
from live.doctor.finding import Verdict
from live.doctor.list_subjects import bundles_in, list_subjects, quality_says
from live.doctor.subject import look_at_others, look_at_subject
from live.options import DEMO
from live.subject import load_subject, write_subject
from tests.live.doctor.plans import looked, plan_of
from tests.tiny_subject import tiny_files, tiny_manifest, write_tiny_subject


def unconsented(folder: Path) -> Path:
    size, stage = (64, 64), (128, 128)
    manifest = dataclasses.replace(tiny_manifest(size, stage), name="Ida", consent=None)
    write_subject(folder, manifest, tiny_files(size, stage))
    return folder


def broken(folder: Path) -> Path:
    path = write_tiny_subject(folder) / "generator.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    return folder


def test_one_that_is_whole(subject: Path) -> None:
    found = looked(look_at_subject, plan_of(subject))
    assert found.verdict is Verdict.RIGHT
    assert "tiny, 128x128" in found.what and "marked as generated" in found.what


def test_one_that_is_broken(tmp_path: Path) -> None:
    found = looked(look_at_subject, plan_of(broken(tmp_path / "broken")))
    assert found.verdict is Verdict.WRONG
    assert "generator.onnx of" in found.what and "export the subject again" in found.remedy


def test_one_that_is_not_there(tmp_path: Path) -> None:
    found = looked(look_at_subject, plan_of(tmp_path / "nobody"))
    assert found.verdict is Verdict.WRONG and "does not exist" in found.what


def test_nobody_has_answered_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_STATE", str(tmp_path / "state"))
    folder = unconsented(tmp_path / "ida")
    found = looked(look_at_subject, plan_of(folder))
    assert found.verdict is Verdict.WRONG and "--i-have-consent" in found.remedy
    stated = plan_of(folder, "--i-have-consent", "Ida, 2026-01-01, she said yes")
    assert looked(look_at_subject, stated).verdict is Verdict.RIGHT
    mumbled = plan_of(folder, "--i-have-consent", "yes")
    assert looked(look_at_subject, mumbled).verdict is Verdict.WRONG
    assert not consent.acknowledged(load_subject(folder)), "looking answers for nobody"
    consent.acknowledge(load_subject(folder), "Ida, 2026-01-01, she said yes")
    assert looked(look_at_subject, plan_of(folder)).verdict is Verdict.RIGHT


@pytest.mark.parametrize("option", ["--no-visible-mark", "--no-watermark"])
def test_marks_that_are_off(subject: Path, option: str) -> None:
    found = looked(look_at_subject, plan_of(subject, option))
    assert found.verdict is Verdict.CAREFUL and option in found.what


def test_a_folder_of_them(tmp_path: Path, subject: Path) -> None:
    folder = tmp_path / "all"
    folder.mkdir()
    assert look_at_others(plan_of(subject)) is None
    empty = looked(look_at_others, plan_of(subject, "--subjects", folder))
    assert empty.verdict is Verdict.CAREFUL and "holds no subject" in empty.what
    write_tiny_subject(folder / "one")
    fine = looked(look_at_others, plan_of(subject, "--subjects", folder))
    assert fine.verdict is Verdict.RIGHT and "1 in" in fine.what
    broken(folder / "two")
    found = looked(look_at_others, plan_of(subject, "--subjects", folder))
    assert found.verdict is Verdict.CAREFUL and "1 broken" in found.what
    assert "generator.onnx" in found.details[0]


def test_those_that_nobody_has_answered_for(
    tmp_path: Path, subject: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNDERSTUDY_STATE", str(tmp_path / "state"))
    folder = tmp_path / "all"
    folder.mkdir()
    write_tiny_subject(folder / "one")
    ida = unconsented(folder / "two")
    plan = plan_of(subject, "--subjects", folder)
    begins = looked(look_at_others, plan_of(ida, "--subjects", folder))
    assert begins.verdict is Verdict.RIGHT, "it has a line of its own"
    found = looked(look_at_others, plan)
    assert found.verdict is Verdict.CAREFUL and found.what.endswith("; without consent: Ida")
    assert found.remedy == "answer for them at the console before the show"
    broken(folder / "three")
    found = looked(look_at_others, plan)
    assert found.what.endswith("; 1 broken; without consent: Ida")
    assert "export those again" in found.remedy and "answer for them" in found.remedy
    shutil.rmtree(folder / "three")
    consent.acknowledge(load_subject(ida), "Ida, 2026-01-01, she said yes")
    assert looked(look_at_others, plan).verdict is Verdict.RIGHT


def test_the_list(tmp_path: Path) -> None:
    write_tiny_subject(tmp_path / "runs" / "anna" / "subject")
    unconsented(tmp_path / "ida")
    broken(tmp_path / "old")
    (tmp_path / "notes").mkdir()
    shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "ida")
    said = list_subjects(tmp_path, [])
    assert f"tiny  --subject {tmp_path / 'runs' / 'anna' / 'subject'}" in said
    assert f"Ida  --subject {tmp_path / 'packed.zip'}" in said
    assert f"BROKEN  {tmp_path / 'old'}\n    generator.onnx of" in said
    assert "stage 128x128, generator 64x64" in said
    assert "no consent record, and nobody has answered for it" in said
    assert "notes" not in said


def test_the_list_of_one_and_of_none(tmp_path: Path, subject: Path) -> None:
    assert list(bundles_in(subject)) == [subject]
    assert "There is no subject in" in list_subjects(tmp_path / "nowhere", [])
    said = list_subjects(None, [DEMO / "subject", DEMO / "subject"])
    row = next(r for r in load_subject(DEMO / "subject").manifest.quality["rows"]
               if r["region"] == "person")  # fmt: skip
    quality = f"PSNR {row['psnr_db']:.1f} dB, SSIM {row['ssim']:.2f}"
    assert said.count("--subject ") == 1 and quality in said


@pytest.mark.parametrize(
    "quality",
    [{}, {"rows": None}, {"rows": 3}, {"rows": [3, {"name": "student"}]},
     {"rows": [{"name": "student", "region": "person", "psnr_db": "high", "ssim": None}]}],
)  # fmt: skip
def test_a_bundle_may_say_anything_of_its_quality(quality: dict[str, object]) -> None:
    assert quality_says(quality).startswith("quality: not measured")
