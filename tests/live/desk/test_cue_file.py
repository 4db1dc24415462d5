"""Cue files as people write them: errors with line and remedy, all at once; comments are kept."""

from __future__ import annotations

import os
import stat
from argparse import ArgumentParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from live.desk.cue_file import CueFile
from live.desk.cue_lines import Lines
from live.desk.cue_read import parsed
from live.desk.cues import Cue, CueErrors, CueSettings, Sheet, add_cue_arguments, cue_settings
from live.desk.desk import Desk
from live.errors import DeskError

GOOD = """\
# Our show. Mind the second act.
[presets.dawn]
background = "colour"       # as the set designer wants it
"background.colour" = "#101020"
"figure.opacity" = 0

[presets."the end"]
master = 0.0

[[cues]]
name = "Enter"
preset = "dawn"
fade_s = 3
set = { "figure.opacity" = 1.0 }
do = ["reset"]
on = "bar"
follow_s = 5

[[cues]]
name = "Exit"
preset = "the end"
"""


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_good_file(desk: Desk) -> None:
    assert parsed(GOOD, "show.toml", desk) == Sheet(
        (
            Cue(1, "Enter", "dawn", {"figure.opacity": 1.0}, 3.0, ("reset",), "bar", 5.0),
            Cue(2, "Exit", "the end"),
        ),
        {
            "dawn": {
                "background": "colour", "background.colour": "#101020", "figure.opacity": 0.0,
            },
            "the end": {"master": 0.0},
        },
    )  # fmt: skip
    assert parsed("", "empty.toml", desk) == Sheet()


def test_no_line_is_searched_for_without_an_error(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search takes a time that grows with the file, and a file holds thousands of values."""

    def searched(*asked: object) -> None:
        raise AssertionError(f"searched for {asked}")

    for name in ("of_cue", "of_preset", "of_key"):
        monkeypatch.setattr(Lines, name, searched)
    assert len(parsed(GOOD, "show.toml", desk).cues) == 2


def test_other_spellings_are_understood(desk: Desk) -> None:
    text = """
        presets.dawn = { figure.scale = 2, 'mirror' = true }
        cues = [ { name = "Enter", set = { figure.x = 1 } } ]
    """
    sheet = parsed(text, "x.toml", desk)
    assert sheet.presets == {"dawn": {"figure.scale": 2.0, "mirror": True}}
    assert sheet.cues[0].values == {"figure.x": 1.0}


WRONG = """\
[presets.dawn]
backgruond = "colour"
"figure.opacity" = 1.5
panic = true
record = true
reset = 1
fps = 30

[preset.dusk]

[[cues]]
preset = "dwan"
fade_s = -1
set = { mirror = "yes", background = "gren" }
do = ["reset", "preset.save x"]
on = "bars"
fade = 3

[[cues]]
name = " Exit "
follow_s = "5"
set = 7
"""

TOLD = [
    "show.toml, line 9: the file has no 'preset'; did you mean 'presets'?",
    "show.toml, line 2: preset 'dawn': there is no parameter 'backgruond'; did you mean "
    "'background'?",
    "show.toml, line 3: preset 'dawn': figure.opacity is 1.5; give from 0 to 1",
    "show.toml, line 4: preset 'dawn': panic is for the operator's hand alone; take it out",
    "show.toml, line 6: preset 'dawn': reset is done, not set; a cue does it with do = [\"reset\"]",
    "show.toml, line 7: preset 'dawn': fps is read, not set",
    "show.toml, line 5: preset 'dawn': record is set by cues, not by presets; take it out",
    "show.toml, line 11: cue 1: the cue has no name; give it one in quotes",
    "show.toml, line 17: cue 1 has no 'fade'; did you mean 'fade_s'?",
    "show.toml, line 12: cue 1: there is no preset 'dwan'; did you mean 'dawn'?",
    "show.toml, line 16: cue 1: on is 'bars'; give now, beat, bar",
    "show.toml, line 15: cue 1: do is ['reset', 'preset.save x']; a cue can do ['reset', "
    "'person.any', 'normalize.calibrate', 'normalize.forget']",
    "show.toml, line 14: cue 1: mirror is 'yes'; give true or false, or 1 or 0",
    "show.toml, line 14: cue 1: background is 'gren'; there is plate, colour, green, picture",
    "show.toml, line 13: cue 1: fade_s is -1; give 0 to 600 seconds",
    "show.toml, line 20: cue 2: the name ' Exit ' is of no use; give up to 60 characters on one "
    "line, with no space at its ends",
    "show.toml, line 22: cue 2: what it sets is written { \"figure.opacity\" = 1.0 }",
    "show.toml, line 21: cue 2: follow_s is '5'; give 0 to 3600 seconds",
]  # fmt: skip


def test_all_that_is_wrong_is_told_at_once_with_line_and_remedy(desk: Desk) -> None:
    with pytest.raises(CueErrors) as caught:
        parsed(WRONG, "show.toml", desk)
    assert list(caught.value.sentences) == TOLD


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[presets.a]\nmirror = \n", "line 2"),
        ("[presets.a]\nmirror = yes\n", "line 2"),
        ("[presets.a]\nmirror = true\n[presets.a]\n", "line 3"),
        ("[presets.a]\nbackground = 'colour'\nbackground.colour = '#000000'\n", "dots"),
        ("presets = 3", "presets are written"),
        ("[presets]\na = 1", "preset 'a' is written"),
        ("cues = 3", "cues are written"),
        ("[[cues]]\nname = 3", "line 2: cue 1: the cue has no name"),
        ("[[cues]]\nname = 'a'\npreset = []", "no preset"),
        ("[[cues]]\nname = 'a'\ndo = [[]]", "line 3"),
        ("[[cues]]\nname = 'a'\non = {}", "line 3"),
        ("[[cues]]\nname = 'a'\nfade_s = nan", "fade_s is nan"),
        ("[[cues]]\nname = 'a'\nfade_s = true", "fade_s is True"),
        ("[[cues]]\nname = 'a'\nset = { mirror = 2026-01-01 }", "mirror is date"),
        ('[[cues]]\nname = "a\\nb"', "on one line"),
        ("a = " + "[" * 5000, "TOML"),
        ("[[cues]]\nname = 'a'\n" * 1000, "999 are the most"),
    ],
    ids=range(17),
)
def test_other_errors(desk: Desk, text: str, told: str) -> None:
    with pytest.raises(CueErrors) as caught:
        parsed(text, "show.toml", desk)
    assert told in str(caught.value)
    assert "show.toml" in str(caught.value)


def test_choices_that_are_not_yet_offered_are_taken(desk: Desk) -> None:
    text = "[presets.a]\nsubject = 'Dancer'"
    assert parsed(text, "x", desk).presets["a"] == {"subject": "Dancer"}
    desk.offer("subject", ["The understudy"])
    with pytest.raises(CueErrors, match="there is The understudy"):
        parsed(text, "x", desk)


PIECES = [
    *GOOD.splitlines(), *WRONG.splitlines(), "a.b = 1", "[cues]", '"""', "= {", "[[presets]]",
]  # fmt: skip


@settings(deadline=None)
@given(st.text(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=12).map("\n".join))
def test_no_text_at_all_is_more_than_an_error(text: str) -> None:
    told: tuple[str, ...] = ()
    try:
        parsed(text, "show.toml", Desk())
    except CueErrors as errors:
        told = errors.sentences
    assert all(one.startswith("show.toml") for one in told)


def file_at(path: Path, text: str | None = None) -> CueFile:
    if text is not None:
        path.write_text(text, encoding="utf-8")
    return CueFile(CueSettings(path, asked=text is not None))


def test_a_saved_preset_leaves_every_comment(tmp_path: Path, desk: Desk) -> None:
    file = file_at(tmp_path / "show.toml", GOOD)
    file.put("dusk", {"mirror": True, "figure.x": 0.25})
    file.put("dawn", {"background": "colour", "figure.opacity": 0.5, "smoothing": 0.9})
    text = file.path.read_text(encoding="utf-8")
    for line in GOOD.splitlines():
        if "#101020" not in line and 'opacity" = 0' not in line:
            assert line in text
    assert file.read(desk).presets == {
        "dawn": {"background": "colour", "figure.opacity": 0.5, "smoothing": 0.9},
        "the end": {"master": 0.0},
        "dusk": {"mirror": True, "figure.x": 0.25},
    }
    assert len(file.read(desk).cues) == 2
    file.drop("dusk")
    assert "dusk" not in file.read(desk).presets
    assert [one.name for one in tmp_path.iterdir()] == ["show.toml"]


@pytest.mark.parametrize(
    "text",
    [
        "", "# nothing yet\n", "[[cues]]\nname = 'a'\n", "presets.a = { figure.scale = 2 }\n",
        "[presets]\n[presets.a]\nfigure.scale = 2\nfigure.x = 1\n",
        "presets = { b = { mirror = true } }\n",
        "[presets.a]\n\n[[cues]]\nname = 'x'\n[presets.b]\n", "[presets.a]\r\nmirror = true\r\n",
        "[presets.a.figure]\nscale = 2\n",
    ],
    ids=range(9),
)  # fmt: skip
def test_any_layout_can_be_written_into(tmp_path: Path, desk: Desk, text: str) -> None:
    path = tmp_path / "show.toml"
    path.write_bytes(text.encode())
    file = CueFile(CueSettings(path, asked=True))
    before = file.read(desk)
    file.put("a", {"figure.scale": 1.5, "mirror": False})
    file.put("c d.e", {"mirror": True})
    after = file.read(desk)
    assert after.cues == before.cues
    assert after.presets == {
        **before.presets, "a": {"figure.scale": 1.5, "mirror": False}, "c d.e": {"mirror": True},
    }  # fmt: skip
    file.drop("a")
    assert "a" not in file.read(desk).presets
    assert (b"\r\n" in text.encode()) <= (b"\r\n" in path.read_bytes())


def test_a_file_that_was_broken_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    file = file_at(tmp_path / "show.toml", GOOD)
    broken = GOOD + "\n[[cues]\nname = half"
    file.path.write_text(broken)
    with pytest.raises(DeskError, match="mend it first"):
        file.put("dusk", {"mirror": True})
    assert file.path.read_text() == broken


def test_what_cannot_be_read(tmp_path: Path, desk: Desk) -> None:
    assert file_at(tmp_path / "none.toml").read(desk) == Sheet(), "nobody named it"
    for path, told in (
        (tmp_path / "none.toml", "no such file"), (tmp_path, "cannot be read"),
    ):  # fmt: skip
        with pytest.raises(CueErrors, match=told):
            CueFile(CueSettings(path, asked=True)).read(desk)
    path = tmp_path / "latin.toml"
    path.write_bytes("# ok\n# für Zoë\n".encode("latin-1"))
    with pytest.raises(CueErrors, match="line 2: this is no UTF-8"):
        CueFile(CueSettings(path, asked=True)).read(desk)
    path.write_bytes(b"#" * 300_000)
    with pytest.raises(CueErrors, match="300000 bytes"):
        CueFile(CueSettings(path, asked=True)).read(desk)
    path.write_text("[presets.a]\nmirror = true", encoding="utf-8-sig")  # as Notepad does
    assert file_at(path).read(desk).presets == {"a": {"mirror": True}}


@pytest.mark.skipif(os.name != "posix", reason="modes and links")
def test_links_and_modes_are_kept(tmp_path: Path, desk: Desk) -> None:
    real = tmp_path / "real.toml"
    real.write_text(GOOD)
    real.chmod(0o640)
    link = tmp_path / "show.toml"
    link.symlink_to(real)
    file = CueFile(CueSettings(link, asked=True))
    file.put("dusk", {"mirror": True})
    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert "dusk" in file.read(desk).presets


def test_a_place_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    file = CueFile(CueSettings(tmp_path / "file" / "presets.toml"))
    with pytest.raises(DeskError, match="give another"):
        file.put("a", {"mirror": True})


def test_the_first_preset_makes_the_file_and_its_folder(tmp_path: Path, desk: Desk) -> None:
    file = file_at(tmp_path / "deep" / "presets.toml")
    file.put("a", {"mirror": True})
    assert file.read(desk).presets == {"a": {"mirror": True}}


def test_the_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_STATE", str(tmp_path))
    parser = ArgumentParser()
    add_cue_arguments(parser)
    assert cue_settings(parser.parse_args([])) == CueSettings(tmp_path / "presets.toml")
    named = cue_settings(parser.parse_args(["--cues", str(tmp_path / "show.toml")]))
    assert named == CueSettings(tmp_path / "show.toml", asked=True)
