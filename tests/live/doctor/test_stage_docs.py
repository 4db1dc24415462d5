"""What the pages for people name is there: options, files, keys, and a cue file that is right."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from live.desk.cue_read import parsed
from live.desk.cues import add_cue_arguments
from live.desk.desk import Desk
from live.desk.midi_settings import add_midi_arguments
from live.desk.osc_settings import add_osc_arguments
from live.desk.table import TABLE
from live.doctor.asked import add_doctor_arguments
from live.doctor.table import CHECKS
from live.options import parse

DOCS = Path(__file__).resolve().parents[3] / "docs"
PAGES = ("stage.md", "troubleshooting.md")
OF_OTHERS = {"--sign", "--device", "--part"}  # provenance's, a container's, training.face's


def page(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


@pytest.fixture(scope="module")
def options() -> set[str]:
    """All that `run_live.py` knows, those that are put together elsewhere included."""
    parser = argparse.ArgumentParser()
    for add in (add_cue_arguments, add_midi_arguments, add_osc_arguments, add_doctor_arguments):
        add(parser)
    return set(re.findall(r"--[a-z][a-z-]+", parser.format_help()))


@pytest.mark.parametrize("name", PAGES)
def test_every_option_exists(
    name: str, options: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse(["--help"])
    known = options | set(re.findall(r"--[a-z][a-z-]+", capsys.readouterr().out)) | OF_OTHERS
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", page(name))) - known == set()


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page(name)):
        file, _, section = target.partition("#")
        path = DOCS / (file or name)
        assert path.is_file(), f"{name} links to {target}"
        headings = re.findall(r"^#+ (.*)$", page(path.name), re.MULTILINE) if section else []
        slugs = [re.sub(r"[^\w -]", "", one).strip().lower().replace(" ", "-") for one in headings]
        assert not section or section in slugs, f"{name} links to {target}"


@pytest.mark.parametrize("name", PAGES)
def test_every_check_that_is_named_is_made(name: str) -> None:
    named = re.findall(r"doctor: \*(\w[\w ]*)\*", page(name))
    assert set(named) <= {check.name for check in CHECKS}


def test_the_keys_are_those_of_the_table() -> None:
    keys = page("stage.md").partition("### Keys")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([^`]+)`", keys)) - {"?", "1", "2", "3", "Tab"}
    assert named == {parameter.key for parameter in TABLE if parameter.key}


def test_the_cue_file_is_right() -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", page("stage.md"), re.DOTALL)
    sheet = parsed(text, "show.toml", Desk())
    assert len(sheet.cues) == 5 and set(sheet.presets) == {"dark", "dawn"}
