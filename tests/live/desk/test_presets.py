"""Presets: what is set, saved and recalled by name, in a file that people edit."""

from __future__ import annotations

from pathlib import Path

import pytest

from live.errors import DeskError
from tests.live.desk.cue_desk import CueDesk


@pytest.fixture
def show(tmp_path: Path) -> CueDesk:
    return CueDesk(tmp_path / "presets.toml")


def test_saved_recalled_and_deleted(show: CueDesk) -> None:
    heard: list[tuple[str, ...]] = []
    show.book.listen(lambda: heard.append(show.presets.names()))
    show.desk.set_many({"background": "green", "figure.scale": 1.23456789, "panic": True}, "osc")
    show.do("preset.save", "green room")
    assert heard == [("green room",)]
    show.desk.set_many(
        {"background": "plate", "figure.scale": 1, "panic": False, "tempo": 90}, "osc"
    )
    show.do("preset.recall", "green room", 4.0)
    assert show.value("background") == "green"
    show.later(2)
    assert show.value("figure.scale") == pytest.approx(1.1173)
    show.later(2)
    assert show.value("figure.scale") == 1.2346, "as people write numbers"
    assert (show.value("panic"), show.value("tempo")) == (False, 90)
    again = CueDesk(show.path)
    again.do("preset.recall", "green room")
    assert again.value("figure.scale") == 1.2346
    again.do("preset.delete", "green room")
    assert CueDesk(show.path).presets.names() == ()
    assert show.presets.names() == ("green room",), "until it is read again"


def test_a_preset_saved_in_a_fade_is_where_it_leads(show: CueDesk) -> None:
    show.desk.set("figure.opacity", 0.0, by="console", fade_s=10)
    show.later(1)
    show.do("preset.save", "gone")
    show.do("preset.recall", "gone")
    assert show.value("figure.opacity") == 0.0


@pytest.mark.parametrize("name", ["", "  ", " a", "a\nb", "x" * 61, 7, None, "a\x00"], ids=repr)
def test_names_are_checked(show: CueDesk, name: object) -> None:
    with pytest.raises(DeskError):
        show.do("preset.save", name)
    assert not show.path.exists()


def test_names_that_look_like_toml_are_only_names(show: CueDesk) -> None:
    for name in ("a.b", '"q"', "[x]", "ü", "a = 1 #", "\\", "'"):
        show.do("preset.save", name)
        assert CueDesk(show.path).presets.names()[-1] == name
    assert len(show.presets.names()) == 7


def test_what_there_is_not(show: CueDesk) -> None:
    with pytest.raises(DeskError, match="there is no preset 'x'; there is none"):
        show.do("preset.recall", "x")
    show.do("preset.save", "dawn")
    for order in ("preset.recall", "preset.delete"):
        for name in ("dwan", 3, ["dawn"]):
            with pytest.raises(DeskError, match="no preset"):
                show.do(order, name)
    with pytest.raises(DeskError, match="did you mean 'dawn'"):
        show.do("preset.recall", "dwan")
    for fade in (-1, 601, "slow", True, float("nan")):
        with pytest.raises(DeskError, match="give "):
            show.do("preset.recall", "dawn", fade)


def test_a_preset_that_a_cue_needs_stays(tmp_path: Path) -> None:
    show = CueDesk(tmp_path / "show.toml", '[presets.a]\n[[cues]]\nname = "Enter"\npreset = "a"\n')
    with pytest.raises(DeskError, match="used by cue 1 Enter"):
        show.do("preset.delete", "a")
    show.desk.set("mirror", True, by="osc")
    show.do("preset.save", "a")
    show.desk.set("mirror", False, by="osc")
    show.do("go")
    assert show.value("mirror") is True, "the cue has the new one"


def test_what_is_no_more_is_said_and_the_rest_is_set(
    show: CueDesk, caplog: pytest.LogCaptureFixture
) -> None:
    show.desk.offer("background.picture", ["sea.jpg", "wood.jpg"])
    show.desk.set_many({"background.picture": "sea.jpg", "mirror": True}, by="osc")
    show.do("preset.save", "sea")
    show.desk.set_many({"background.picture": "wood.jpg", "mirror": False}, by="osc")
    show.desk.offer("background.picture", ["wood.jpg"])
    show.do("preset.recall", "sea")
    assert (show.value("mirror"), show.value("background.picture")) == (True, "wood.jpg")
    assert "preset sea: background.picture is 'sea.jpg'; there is wood.jpg" in caplog.text


def test_a_subject_that_is_shown_is_not_loaded_again(show: CueDesk) -> None:
    loaded: list[object] = []
    show.desk.offer("subject", ["A", "B"])
    show.desk.on_set("subject", loaded.append)
    show.desk.set("subject", "A", by="console")
    show.do("preset.save", "a")
    show.do("preset.recall", "a")
    assert loaded == ["A"]
