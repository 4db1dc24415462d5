"""The file that says what MIDI controls do: read strictly, written with care."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.desk.desk import Desk
from live.desk.midi_backend import Kind
from live.desk.midi_learn import HEADER, forget, learn
from live.desk.midi_map import Binding, MidiMap, load_map
from live.desk.midi_orders import centred, uncentred
from live.errors import DeskError

find = Desk().parameter

FULL = """\
pickup = false
programs = false
[[control]] # the big one
parameter = "figure.scale"
cc = 7
channel = 16
low = 0.5
high = 2
[[control]]
parameter = "mirror"
note = 36
mode = "hold"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "midi.toml"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")


def test_what_is_written_is_read(path: Path) -> None:
    assert load_map(path, find) == MidiMap()
    write(path, FULL)
    scale = Binding("figure.scale", Kind.CC, 7, 16, low=0.5, high=2.0)
    mirror = Binding("mirror", Kind.NOTE, 36, mode="hold")
    assert load_map(path, find) == MidiMap((scale, mirror), pickup=False, programs=False)


def test_learning_makes_the_file_and_says_what_it_is(path: Path) -> None:
    found = learn(path, find, Binding("master", Kind.CC, 7, 1))
    text = path.read_text("utf-8")
    assert text.startswith(HEADER) and load_map(path, find) == found
    learn(path, find, Binding("mirror", Kind.NOTE, 1, 1))
    learn(path, find, Binding("smoothing", Kind.CC, 7, 1))
    found = load_map(path, find)
    assert [one.parameter for one in found.bindings] == ["mirror", "smoothing"]
    assert [one.name for one in path.parent.iterdir()] == ["midi.toml"]
    forget(path, find, "mirror")
    assert forget(path, find, "smoothing") == MidiMap()
    assert learn(path, find, Binding("master", Kind.CC, 7)).bindings


def test_learning_keeps_what_people_wrote(path: Path) -> None:
    write(path, FULL)
    learn(path, find, Binding("master", Kind.CC, 8, 1))
    forget(path, find, "mirror")
    text = path.read_text("utf-8")
    assert "# the big one" in text and "high = 2\n" in text and "mirror" not in text
    assert text.index("figure.scale") < text.index("master")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[control]\n", "is no TOML"),
        ("a = 1\na = 2\n", "is no TOML"),
        ("colour = 1\n", "unknown key 'colour'"),
        ("pickup = 1\n", "give true or false"),
        ("control = 3\n", r"write \[\[control\]\]"),
        ("control = [3]\n", r"is no \[\[control\]\]"),
        ("[[control]]\ncc = 1\n", "line 1 of .* has no parameter"),
        ("\n\n[[control]]\nparameter = 'mirror'\n", "line 3 of .* names 0 controls"),
        ("[[control]]\nparameter = 'mirror'\ncc = 1\nnote = 2\n", "names 2 controls"),
        ("[[control]]\nparameter = 'mirrow'\ncc = 1\n", "line 1 .*no parameter 'mirrow'"),
        ("[[control]]\nparameter = 'mirror'\ncc = 128\n", "cc is 128; give 0 to 127"),
        ("[[control]]\nparameter = 'mirror'\ncc = true\n", "cc is True"),
        ("[[control]]\nparameter = 'mirror'\ncc = 1.5\n", "cc is 1.5"),
        ("[[control]]\nparameter = 'mirror'\ncc = 1\nchannel = 0\n", "give 1 to 16"),
        ("[[control]]\nparameter = 'mirror'\ncc = 1\nmode = 'fast'\n", "give one of absolute"),
        ("[[control]]\nparameter = 'mirror'\ncc = 1\nspeed = 2\n", "unknown key 'speed'"),
        ("[[control]]\nparameter = 'mirror'\ncc = 1\nmode = 'relative'\n", "relative is for"),
        ("[[control]]\nparameter = 'master'\ncc = 1\nmode = 'hold'\n", "hold is for switches"),
        ("[[control]]\nparameter = 'master'\ncc = 33\nmode = '14bit'\n", "cc 0 to 31"),
        ("[[control]]\nparameter = 'master'\ncc = 1\nlow = -1\n", "low: master is -1"),
        ("[[control]]\nparameter = 'mirror'\ncc = 1\nlow = 0\n", "low is for numbers"),
        ("[[control]]\nparameter = 'master'\nnote = 1\n", "needs a value"),
        ("[[control]]\nparameter = 'master'\nnote = 1\nvalue = 7\n", "master is 7"),
        ("[[control]]\nparameter = 'master'\nnote = 1\nvalue = [1]\n", "give a number or a text"),
        ("[[control]]\nparameter = 'background.colour'\ncc = 1\n", "a fader is no colour"),
        ("[[control]]\nparameter = 'background'\nnote = 1\nvalue = 'lava'\n", "there is plate"),
        ("[[control]]\nparameter = 'fps'\ncc = 1\n", "is read, not set"),
        ("x = " + "[" * 5000, "is no TOML"),
    ],
    ids=range(28),
)
def test_errors_tell_the_line_and_the_remedy(path: Path, text: str, says: str) -> None:
    write(path, text)
    with pytest.raises(DeskError, match=says):
        load_map(path, find)
    with pytest.raises(DeskError):
        learn(path, find, Binding("master", Kind.CC, 8, 1))
    assert path.read_text("utf-8") == text, "nothing is overwritten"


def test_files_that_cannot_be_read_or_written(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(DeskError, match="it is not text"):
        load_map(path, find)
    path.write_text("#" * 300_000)
    with pytest.raises(DeskError, match="too large"):
        load_map(path, find)
    with pytest.raises(DeskError, match="cannot be read"):
        load_map(tmp_path, find)
    (tmp_path / "file").touch()
    with pytest.raises(DeskError, match=r"cannot be (read|written)"):
        learn(tmp_path / "file" / "midi.toml", find, Binding("master", Kind.CC, 8, 1))


@given(st.sampled_from([127, 16_383]), st.data())
def test_every_position_is_one_share_and_back(highest: int, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, highest))
    share = centred(position, highest)
    assert 0 <= share <= 1 and uncentred(share, highest) == position
    assert centred((highest + 1) // 2, highest) == 0.5
    assert (centred(0, highest), centred(highest, highest)) == (0.0, 1.0)
