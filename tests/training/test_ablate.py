from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from live.errors import EXIT_BAD_INPUT, SetupError
from training.ablate import ablate, main
from training.ablate_options import AblateOptions
from training.ablate_table import COLUMNS, Ablation, Line
from training.ablate_variants import STUDENTS, TEACHERS, student_options
from training.ablate_work import _why_no_vgg, budget_of, train_variant, why_not
from training.schedule import Budget
from training.sheet import Row


def options(data: Path, out: Path, **more: Any) -> AblateOptions:
    given: dict[str, Any] = {"steps": 1, "frames": 3, "height": 96, "pose": False} | more
    return AblateOptions(data, out, **given)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_part_in_one_table_and_a_stop_loses_nothing(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = options(tiny_data, tmp_path / "a", pair=(tiny_data, tiny_data))

    def stopped(options: Any, variant: Any, data: Any) -> None:
        if variant.folder == "student-2":
            raise KeyboardInterrupt
        train_variant(options, variant, data)

    with monkeypatch.context() as patch:
        patch.setattr("training.ablate.train_variant", stopped)
        with pytest.raises(KeyboardInterrupt):
            ablate(asked, lambda words: None)
    done = (tmp_path / "a" / "student-fbf" / "rows.json").stat().st_mtime_ns
    found = ablate(asked, lambda words: None)
    assert (tmp_path / "a" / "student-fbf" / "rows.json").stat().st_mtime_ns == done
    assert {line.part for line in found.lines} == {
        "", "temporal smoothing", "feedback length", "perceptual backbone", "pixel loss",
        "adversary", "face", "normalization",
    }  # fmt: skip
    assert all(line.steps == 1 for line in found.lines)
    held = json.loads((tmp_path / "a" / "ablation.json").read_text())
    assert held == found.to_json()
    by_variant = {row["variant"]: row for row in held["rows"] if row["region"] == "person"}
    fbf, whole = by_variant["student: off: frame by frame"], by_variant["student, the whole"]
    assert fbf["difference"]["psnr_db"] == pytest.approx(
        fbf["psnr_db"] - whole["psnr_db"], abs=1e-5
    )
    assert "student, the whole: 1 steps are too few to tell what helps" in "".join(found.notes)
    assert any("vgg19" in sentence.lower() for sentence in found.notes) or (
        "teacher: VGG19, as in the paper" in by_variant
    )
    assert "| face | teacher: on | teacher, the whole but the face |" in found.to_markdown()


def test_vgg_is_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def missing(name: str) -> None:
        asked.append(name)
        raise SetupError("VGG19 is not here")

    monkeypatch.setattr("training.ablate_work.open_backbone", missing)
    (vgg,) = [variant for variant in TEACHERS if variant.needs_vgg]
    _why_no_vgg.cache_clear()
    try:
        assert why_not(vgg) == why_not(vgg) == "VGG19 is not here" and asked == ["vgg19"]
        assert why_not(TEACHERS[0]) == ""
    finally:
        _why_no_vgg.cache_clear()


def test_minutes_are_shared_and_the_whole_sets_the_steps(tiny_data: Path, tmp_path: Path) -> None:
    asked = options(tiny_data, tmp_path, steps=None, minutes=22.0)
    possible = [variant for variant in asked.variants() if not why_not(variant)]
    # One more: the whole teacher has a face net, too.
    assert budget_of(asked, STUDENTS[0]) == Budget(minutes=22.0 / (len(possible) + 1))
    assert len({v.folder for v in asked.variants()}) == len(asked.variants()) == 12


def test_variants_differ_in_what_they_say(tiny_data: Path, tmp_path: Path) -> None:
    whole = student_options(tiny_data, tmp_path, Budget(steps=1), 0, small=True)
    seen = [variant.student(whole).settings() for variant in STUDENTS]
    assert all(a != b for n, a in enumerate(seen) for b in seen[:n])
    by_folder = {variant.folder: variant.student(whole) for variant in STUDENTS}
    assert by_folder["student-8"].batches.length == 8
    assert by_folder["student-pixels"].trainer.weights.perceptual == 0
    assert by_folder["student-squared"].trainer.weights.square > 0
    assert not any(phase.adversarial for phase in by_folder["student-critic"].phases)
    assert by_folder["student-8"] == replace(whole, batches=replace(whole.batches, length=8))


def test_another_ablation_in_the_same_folder_is_refused(
    tiny_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "plan.json").write_text(json.dumps(options(tiny_data, tmp_path, steps=7).plan()))
    arguments = [str(tiny_data), "--out", str(tmp_path), "--steps", "8", "--frames", "3"]
    assert main([*arguments, "--height", "96", "--no-pose"]) == EXIT_BAD_INPUT
    assert "an ablation with other steps; name a new --out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--steps", "1"], "dataset.json is missing"),
        (["--minutes", "0"], "above 0"),
        (["--steps", "1", "--minutes", "1"], "either"),
        (["--steps", "1", "--frames", "1"], "--frames is 1"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    arguments: list[str], word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path), "--out", str(tmp_path / "out"), *arguments]) == EXIT_BAD_INPUT
    assert word in capsys.readouterr().err


def test_differences_are_ours_less_the_wholes() -> None:
    whole = Row("student", "person", 0.8, 21.0, 1.0, None, None, 2.0, 1.0)
    row = replace(whole, psnr_db=20.5, pose_error=1.0)
    line = Line("part", "how", "whole", 9, row, whole)
    by_key = {column.key: line.difference(column) for column in COLUMNS}
    assert by_key["psnr_db"] == pytest.approx(-0.5) and by_key["pose_error"] is None
    text = Ablation({}, [line], ["a note"]).to_markdown()
    assert "20.50 (−0.50)" in text and "- a note" in text
