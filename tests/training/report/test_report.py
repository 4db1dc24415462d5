"""The report: what it says, and that a browser shows it without an error."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import Browser

from training.contest import Contest
from training.evaluate import main
from training.found_poses import PoseErrors
from training.measured import Measured
from training.metrics import FrameScores
from training.report.curves import curves_html, read_curves
from training.report.headline import BAD, GOOD, headline
from training.report.noticed import noticed_html, read_noticed
from training.report.worst import worst_frames
from training.sheet import Row


@pytest.fixture(scope="module")
def report(tiny_run: Path, tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a tiny student, with a pair."""
    out = tmp_path_factory.mktemp("report")
    pair = ["--pair", str(tiny_data), str(tiny_data)]
    shape = ["--frames", "12", "--height", "96", "--no-pose", "--out", str(out)]
    assert main([str(tiny_run), *pair, *shape]) == 0
    return out


async def test_a_browser_shows_it_without_an_error_or_a_request(
    report: Path, browser: Browser, pictures: Path
) -> None:
    page = await browser.new_page(viewport={"width": 1280, "height": 900})
    troubles: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: troubles.append(message.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    address = (report / "report.html").as_uri()
    await page.goto(address)
    headings = await page.locator("h2").all_inner_texts()
    assert headings[:6] == [
        "The held-out tail",
        "Faces",
        "Hands",
        "The table",
        "The worst frames",
        "Training",
    ]
    assert headings[6].startswith("Paired truth")
    broken = "[...document.images].filter(i => !i.complete || !i.naturalWidth).length"
    assert await page.evaluate(broken) == 0
    assert await page.evaluate("document.images.length") > 40
    assert await page.locator("svg polyline").count() >= 4
    for width in (1280, 480):
        await page.set_viewport_size({"width": width, "height": 900})
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert troubles == []
    assert [url for url in asked if not url.startswith("data:")] == [address]
    await page.screenshot(path=pictures / "report.png")
    await page.close()


def test_the_file_holds_everything_itself(report: Path) -> None:
    text = (report / "report.html").read_text()
    assert not re.search(r"""(src|href)\s*=\s*["'](?!data:)|url\(|@import|<script""", text)


def test_the_json_holds_what_the_page_shows(report: Path) -> None:
    found = json.loads((report / "report.json").read_text())
    sheet = json.loads((report / "sheet.json").read_text())
    assert {key: found[key] for key in sheet} == sheet
    assert found["headline"] and found["curves"]
    frames = [worst["frame"] for worst in found["worst"]]
    # Of twelve frames, five apart from one another.
    assert 2 <= len(frames) <= 3 and min(frames) >= 108
    assert {worst["metric"] for worst in found["worst"]} <= {
        "SSIM", "PSNR", "perceptual distance", "flicker", "warp error",
    }  # fmt: skip


def measured(missed: list[int]) -> Measured:
    """Forty frames, all alike but for a few figures; only the figures matter."""
    rng = np.random.default_rng(0)
    usual = {name: 10 + rng.normal(0, 0.1, 40) for name in FrameScores.__slots__}
    usual["psnr_db"][7] = 5.0
    usual["flicker"][20] = 13.0
    usual["flicker"][21] = 12.9  # a neighbour of the same moment
    usual["warp_error"][0] = np.nan
    contest = Contest.__new__(Contest)
    poses = PoseErrors(np.full(40, 1.0), np.isin(np.arange(40), missed), np.ones(40, bool))
    frames = {("student", "person"): FrameScores(**usual)}
    return Measured(contest, {}, frames, {"student": poses}, "")


def test_the_worst_frames_are_named_with_what_is_worst_about_them() -> None:
    worst = worst_frames(measured([33]), "student", 3)
    assert [(found.frame, found.metric) for found in worst] == [
        (33, "nobody found"), (7, "PSNR"), (20, "flicker"),
    ]  # fmt: skip
    assert worst[1].words == "PSNR 5.0 dB, usually 10.0 dB"
    frames = sorted(found.frame for found in worst_frames(measured([]), "student"))
    assert len(frames) >= 5
    assert int(np.diff(frames).min()) >= 5


def row(name: str, psnr_db: float, perceptual: float, missed: float | None = None) -> Row:
    return Row(name, "person", 0.9, psnr_db, perceptual, 1.0 if missed == 0 else None, missed, 1, 1)


def test_the_headline_says_who_is_ahead() -> None:
    rows = [
        row("student", 24.0, 0.5, 0.0),
        row("nearest neighbour", 20.0, 0.9),
        row("previous frame", 25.0, 0.6),
    ]
    first, eye, limbs = headline(rows, "student", [])
    assert first.words.startswith("student beats the nearest training frame by 4.0 dB")
    assert (first.paint, eye.paint, limbs.paint) == (GOOD, GOOD, GOOD)
    assert "is found in every picture" in limbs.words
    rows[0] = row("student", 19.0, 0.5, 1.0)
    first, _, limbs = headline(rows, "student", [])
    assert "has 1.0 dB less" in first.words and "has not learned" in first.words
    assert (first.paint, limbs.paint) == (BAD, BAD)


def test_curves_survive_a_line_that_was_cut_off(tmp_path: Path) -> None:
    lines = [json.dumps({"step": n, "total": 1 / n, "critic": "nan", "one": n}) for n in (1, 2, 3)]
    (tmp_path / "log.jsonl").write_text("\n".join([*lines, '{"step": 4, "tot']))
    total, one = read_curves(tmp_path)
    assert (total.name, one.name) == ("total", "one")
    assert list(total.steps) == [1, 2, 3]
    assert list(total.values) == [1, 1 / 2, 1 / 3]
    assert curves_html([total]).count("<polyline") == 1
    assert "kept no log" in curves_html(read_curves(tmp_path / "nowhere"))


def test_what_the_trainer_noticed_is_said_once_with_its_stage(tmp_path: Path) -> None:
    (tmp_path / "global").mkdir()
    said = [
        {
            "step": 200,
            "warning": "the discriminator has won: its loss is 9% of a draw; <film more>",
        },
        {
            "step": 400,
            "warning": "the discriminator has won: its loss is 7% of a draw; <film more>",
        },
        {"step": 401, "total": 1.0},
        {"step": 500, "warning": "alpha is dead: 0.03 on the person"},
    ]
    (tmp_path / "global" / "log.jsonl").write_text("\n".join(map(json.dumps, said)))
    won, dead = read_noticed(tmp_path)
    assert (won.stage, won.step, won.times, dead.step) == ("global", 400, 2, 500)
    shown = noticed_html([won, dead])
    assert "global, step 400: the discriminator has won: its loss is 7%" in shown
    assert "&lt;film more&gt; (said 2 times)." in shown
    assert noticed_html(read_noticed(tmp_path / "nowhere")) == ""


def test_a_long_log_is_thinned_and_keeps_its_end(tmp_path: Path) -> None:
    (tmp_path / "face").mkdir()
    lines = [json.dumps({"step": n, "critic": 1.0}) for n in range(1000)]
    (tmp_path / "face" / "log.jsonl").write_text("\n".join(lines))
    (curve,) = read_curves(tmp_path)
    assert curve.name == "face: critic" and len(curve.steps) <= 241 and curve.steps[-1] == 999
