"""The report opens in a browser without an error, in dark and in light, and loads nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.training.tiny_footage import KnownPose, picture_at, write_video
from tests.training.troubled_footage import shifted, write_film
from training.coach.coach import GAPS, NOT, Report
from training.prepare import PrepareOptions, check, main


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a film whose camera was bumped; its name would break a careless page."""
    folder = tmp_path_factory.mktemp("report")
    pictures = (shifted(picture_at(n), 6 * (100 <= n < 140)) for n in range(240))
    video = write_film(folder / "a<b>&'\".avi", pictures)
    check(PrepareOptions((video,), folder / "out", 96, 128, progress=False), KnownPose())
    return folder / "out"


@pytest.mark.parametrize("scheme", ["dark", "light"])
async def test_it_opens_without_an_error(
    browser: Browser, troubled: Path, pictures: Path, scheme: str
) -> None:
    page = await browser.new_page(color_scheme="dark" if scheme == "dark" else "light")
    wrong: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    await page.goto((troubled / "report.html").as_uri())
    assert (await page.locator(".verdict").inner_text()).lower() in (NOT, GAPS)
    assert "a<b>&'\".avi" in await page.locator("h1").inner_text()
    assert await page.locator(".pose").count() == 22
    sizes = await page.evaluate("[...document.images].map(image => image.naturalWidth)")
    assert len(sizes) > 5 and all(sizes)
    contrast = await page.evaluate(CONTRAST)
    assert min(contrast) >= 4.5, contrast
    assert wrong == [] and all(url.startswith(("file:", "data:")) for url in asked)
    await page.screenshot(path=pictures / f"coach-{scheme}.png", full_page=True)
    await page.close()


CONTRAST = """() => {
  const light = colour => {
    const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paper = light(getComputedStyle(document.body).backgroundColor);
  return ['h1', '.verdict', '.headline', 'small', 'figcaption', 'summary', 'li'].map(name => {
    const ink = light(getComputedStyle(document.querySelector(name)).color);
    return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
  });
}"""
"""Contrast of text to paper, by WCAG 2.1's formula; 4.5 is asked for."""


def test_the_json_holds_what_the_page_says(troubled: Path) -> None:
    report = Report.read(troubled)
    assert json.loads((troubled / "report.json").read_text())["verdict"] == report.verdict
    assert report.advice and any("camera moved" in note for note in report.notes)
    assert "Film next:" in report.text() and set(report.summary()) == {
        "verdict", "seconds_usable", "coverage", "next",
    }  # fmt: skip


def test_the_command_ends_with_one_line_of_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.eyes.open_estimator", lambda *_: KnownPose())
    video = write_video(tmp_path / "film.avi", 60)
    out = tmp_path / "out"
    assert main([str(video), "--check-only", "--out", str(out), "--stage", "128"]) == 0
    lines = capsys.readouterr().out.strip().splitlines()
    assert lines[0].startswith("Footage: NOT ENOUGH")
    assert json.loads(lines[-1])["verdict"] == NOT
    assert (out / "report.html").is_file() and not (out / "shards").exists()
