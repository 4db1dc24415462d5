from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from playwright.async_api import Browser

from export.parity import ParityOptions, main, run_parity
from export.parity_engines import BOUNDS, Bound
from export.parity_measure import Exhibit, compare
from export.parity_report import panels
from export.torch_engine import TorchEngine
from live.errors import EXIT_BAD_INPUT, SetupError
from tests.export.student_subject import SIZE, lively_student, write_student_subject
from training.dataset import Dataset
from training.run import load_trained

EMPTY = np.zeros((1, 4, *SIZE), np.float32)


def labels(count: int, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8) for _ in range(count)]


class Off(TorchEngine):
    """A fake engine: the reference, but wrong by `step` more with every run."""

    step: float = 0.0
    wrong: float = 0.0

    def run(self, feeds: Mapping[str, Any]) -> dict[str, Any]:
        found = super().run(feeds)
        state = found["next_state"] + np.float32(self.wrong)
        self.wrong += self.step
        # What it feeds back stays right: the error that grows is `step`, and nothing else.
        rgba = np.clip(np.round(state * 255), 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)
        return {"rgba": rgba, "next_state": found["next_state"] + np.float32(self.wrong)}


def off(step: float, wrong: float) -> Off:
    engine = Off(lively_student(), SIZE)
    engine.step, engine.wrong = step, wrong
    return engine


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parity") / "bundle"
    return write_student_subject(folder, lively_student())


def test_the_reference_equals_itself() -> None:
    truth = TorchEngine(lively_student(), SIZE)
    gap = compare(truth, {"same": truth}, labels(3), labels(4))["same"]
    assert gap.max_abs == gap.mean_abs == gap.drift_db == 0
    assert gap.psnr_db == gap.codebook_psnr_db == gap.dance_psnr_db > 100
    assert len(gap.series_db) == 4 and len(gap.exhibits) == 2
    np.testing.assert_array_equal(gap.exhibits[0].expected, gap.exhibits[0].found)


def test_an_error_is_measured_as_large_as_it_is() -> None:
    truth = TorchEngine(lively_student(), SIZE)
    gap = compare(truth, {"off": off(0.0, 0.02)}, labels(3), labels(2))["off"]
    expected = truth.run({"label": labels(3)[0][None], "state": EMPTY})["next_state"]
    assert gap.max_abs >= 0.02 and gap.mean_abs == pytest.approx(0.02, rel=0.5)
    assert 20 * math.log10(255 / (0.02 * 255 + 1)) < gap.codebook_psnr_db < 40
    assert gap.psnr_db == min(gap.codebook_psnr_db, gap.dance_psnr_db)
    assert expected.std() > 0.05  # the net is no constant, or all of this would hold for nothing


def test_a_growing_error_is_a_drift() -> None:
    truth = TorchEngine(lively_student(), SIZE)
    growing, steady = off(0.002, 0.004), off(0.0, 0.02)
    gaps = compare(truth, {"growing": growing, "steady": steady}, [], labels(40))
    assert gaps["growing"].drift_db > 3
    assert abs(gaps["steady"].drift_db) < 1
    assert math.isnan(gaps["growing"].codebook_psnr_db)  # no single poses were given
    assert gaps["growing"].psnr_db == gaps["growing"].dance_psnr_db


def test_nan_is_the_largest_error_and_holds_no_bound() -> None:
    truth = TorchEngine(lively_student(), SIZE)
    with np.errstate(invalid="ignore"):
        gap = compare(truth, {"nan": off(0.0, math.nan)}, [], labels(2))["nan"]
    assert gap.max_abs == math.inf
    assert not BOUNDS["fp32"].holds(gap.max_abs, gap.psnr_db)
    assert not Bound(psnr_db=1).holds(0, math.nan) and not Bound(max_abs=1).holds(math.nan, 99)
    assert Bound(max_abs=1).holds(1, 0) and Bound(psnr_db=32).holds(9, 32)


def test_the_difference_is_amplified_without_clipping() -> None:
    label = labels(1)[0]
    one = np.zeros((*SIZE, 4), np.uint8)
    other = one.copy()
    other[5, 7, 2], other[20, 30, 3] = 9, 4
    picture, gain = panels(Exhibit("frame 0", label, one, other, 50.0))
    assert gain == 16 and picture.shape == (SIZE[0], 4 * SIZE[1] + 3 * 6, 3)
    shown = picture[:, -SIZE[1] :]
    assert (shown[5, 7] == 144).all() and (shown[20, 30] == 64).all()
    assert np.count_nonzero(shown.any(2)) == 2


def test_every_engine_here_is_within_its_bounds(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "parity.html"
    assert main([str(bundle), "--frames", "30", "--report", str(path)]) == 0
    printed = capsys.readouterr().out
    rows = {row["name"]: row for row in json.loads(printed.splitlines()[-1])["rows"]}
    here = {"cpu-fp32", "cpu-fp16-weights", "cpu-fp16", "cpu-int8"}
    assert here < set(rows)
    for name, row in rows.items():
        assert {"net", "engine", "precision", "max_abs", "psnr_db", "drift_db"} <= row.keys()
        # A GPU's engine without a GPU says so; nothing is estimated.
        ran = name in here or row["psnr_db"] is not None
        assert row["verdict"] == ("within" if ran else "not run") and row["net"] == "generator"
        assert ran or (row["why"] and row["why"] in printed)
    # Fewer bits, more error: each is really what it is called.
    assert rows["cpu-fp32"]["max_abs"] < 1e-4 < rows["cpu-fp16"]["max_abs"]
    assert rows["cpu-fp16"]["max_abs"] < rows["cpu-int8"]["max_abs"]
    assert rows["cpu-fp16"]["psnr_db"] > rows["cpu-int8"]["psnr_db"] > 32
    assert "cpu-int8" in printed and str(path) in printed


async def test_the_report_is_one_file_that_asks_nobody(bundle: Path, browser: Browser) -> None:
    path = bundle.parent / "shown.html"
    engines = ("cpu-fp32", "cpu-int8")
    run_parity(ParityOptions(bundle, engines=engines, frames=4, poses=2, report=path,
                             progress=False))  # fmt: skip
    page = await browser.new_page()
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    await page.goto(path.as_uri())
    sizes = await page.evaluate("Array.from(document.images, i => i.naturalWidth)")
    assert len(sizes) == 4 and min(sizes) > 0
    assert await page.locator("tr").count() == 3 and await page.locator("polyline").count() == 2
    assert [url for url in asked if not url.startswith("data:")] == [path.as_uri()]
    assert said == []
    assert re.search(r"https?://", path.read_text("utf-8")) is None
    await page.close()


def test_another_runs_weights_are_beyond_the_bound(
    tiny_run: Path, tiny_dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run folder's checkpoint against a bundle of other weights: exit code 1."""
    bundle = write_student_subject(tmp_path / "bundle", lively_student())
    arguments = [str(bundle), "--run", str(tiny_run), "--frames", "4", "--poses", "2"]
    assert main([*arguments, "--engines", "cpu-fp16-weights"]) == 1
    assert "beyond" in capsys.readouterr().out
    assert (tmp_path / "bundle.parity.html").is_file()
    own = write_student_subject(tmp_path / "own", load_trained(tiny_run).net)
    arguments[0] = str(own)
    assert main([*arguments, "--engines", "cpu-fp32,cpu-fp16-weights"]) == 0
    rows = json.loads(capsys.readouterr().out.splitlines()[-1])["rows"]
    # Against the run's own weights, rounding them to halves is seen.
    assert rows[0]["max_abs"] < 1e-4 and rows[1]["max_abs"] > rows[0]["max_abs"]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["nowhere"], "nowhere"),
        (["nowhere", "--engines", "cpu-fp32,abacus"], "abacus"),
        (["nowhere", "--frames", "1"], "--frames is 1"),
        (["nowhere", "--poses", "-1"], "--poses is -1"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    arguments: list[str], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == EXIT_BAD_INPUT
    assert word in capsys.readouterr().err


def test_an_engine_that_was_named_and_cannot_run_is_an_error(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    offered = onnxruntime.get_available_providers()
    if "CUDAExecutionProvider" in offered:
        pytest.skip("this ONNX Runtime has the provider")
    assert main([str(bundle), "--engines", "cuda-fp16"]) == EXIT_BAD_INPUT
    assert "CUDAExecutionProvider" in capsys.readouterr().err


def test_a_report_that_cannot_be_written_is_said(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="cannot be written"):
        run_parity(ParityOptions(bundle, engines=("cpu-fp32",), frames=2, poses=1,
                                 report=tmp_path / "no" / "r.html", progress=False))  # fmt: skip
