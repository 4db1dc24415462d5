"""What a killed show knew: kept whole, used by the same show soon after, else not."""

from __future__ import annotations

import json
import logging
import stat
import sys
import threading
import time
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.body import BodyStats
from live.desk.cues import CuePlace
from live.errors import SetupError
from live.state import (
    FRESH_S,
    ShowState,
    StateKeeper,
    StateSettings,
    add_state_arguments,
    load_state,
    save_state,
    state_settings,
)

BODY = BodyStats(0.88, 0.7, 0.72, 0.5, 0.35, 1.0)
KNOWN = ShowState(
    BODY, {"panic": True, "figure.scale": 1.5, "background": "green"},
    CuePlace(3, "Enter", {"figure.scale": 1.0}),
)  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path) -> StateSettings:
    return StateSettings(tmp_path / "deep" / "show.json", "camera 0 -> dancer")


def test_what_is_kept_comes_back(settings: StateSettings) -> None:
    assert load_state(settings) == ShowState()
    for state in (KNOWN, ShowState(), ShowState(values={"mirror": True})):
        save_state(state, settings)
        assert load_state(settings) == state
    assert [path.name for path in settings.path.parent.iterdir()] == ["show.json"]
    if sys.platform != "win32":
        assert stat.S_IMODE(settings.path.stat().st_mode) == 0o600, "it is nobody else's business"


@pytest.mark.parametrize(
    ("later_s", "kept"), [(0, True), (FRESH_S, True), (FRESH_S + 1, False), (-3600, False)]
)
def test_it_is_for_the_same_evening(settings: StateSettings, later_s: float, kept: bool) -> None:
    save_state(KNOWN, settings, clock=lambda: 1e9)
    assert (load_state(settings, clock=lambda: 1e9 + later_s) == KNOWN) == kept


def test_it_is_for_the_same_show(settings: StateSettings) -> None:
    save_state(KNOWN, settings)
    assert load_state(StateSettings(settings.path, "camera 1 -> dancer")) == ShowState()


@pytest.mark.parametrize(
    "change",
    [
        {"version": 1}, {"version": 3}, {"format": "x"}, {"saved_s": "now"},
        {"saved_s": float("nan")}, {"saved_s": 10**400},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_broken_is_said_and_not_used(
    settings: StateSettings, change: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    save_state(KNOWN, settings)
    rewrite(settings, change)
    assert load_state(settings) == ShowState()
    assert "of no use" in caplog.text


def rewrite(settings: StateSettings, change: dict[str, object]) -> None:
    settings.path.write_text(json.dumps(json.loads(settings.path.read_text()) | change))


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({"performer": []}, replace(KNOWN, performer=None)),
        ({"performer": {"toe_near": 1}}, replace(KNOWN, performer=None)),
        (
            {"performer": dict.fromkeys(BodyStats.__dataclass_fields__, float("nan"))},
            replace(KNOWN, performer=None),
        ),
        ({"values": 7}, replace(KNOWN, values={})),
        ({"cue": {"number": "3", "name": "Enter", "before": {}}}, replace(KNOWN, cue=None)),
        ({"cue": {"number": True, "name": "Enter", "before": {}}}, replace(KNOWN, cue=None)),
        ({"cue": {"number": 3, "name": "Enter"}}, replace(KNOWN, cue=None)),
        ({"cue": ["Enter"]}, replace(KNOWN, cue=None)),
    ],
    ids=str,
)
def test_a_broken_part_takes_no_other_with_it(
    settings: StateSettings,
    change: dict[str, object],
    left: ShowState,
    caplog: pytest.LogCaptureFixture,
) -> None:
    save_state(KNOWN, settings)
    rewrite(settings, change)
    assert load_state(settings) == left
    assert "of no use" in caplog.text


def test_values_of_a_wrong_type_are_left_out_and_said(
    settings: StateSettings, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = {"a": None, "b": [1], "c": {"d": 1}, "e": float("inf"), "f": 10**300, "g": "x" * 2000}
    save_state(KNOWN, settings)
    rewrite(settings, {"values": {**wrong, "mirror": True}})
    assert load_state(settings) == replace(KNOWN, values={"mirror": True})
    assert "left out: a, b, c, e, f, g" in caplog.text


@given(st.binary(max_size=300))
def test_no_file_at_all_stops_the_show(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any-state.json"
    path.write_bytes(data)
    assert load_state(StateSettings(path)) == ShowState()


def test_a_huge_file_is_not_read(settings: StateSettings, caplog: pytest.LogCaptureFixture) -> None:
    settings.path.parent.mkdir()
    settings.path.write_bytes(b"[" * 1_000_000)
    assert load_state(settings) == ShowState()
    assert "1000000 bytes" in caplog.text


def test_a_place_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match="--state FILE"):
        save_state(KNOWN, StateSettings(tmp_path / "file" / "show.json"))


def test_the_keeper_keeps_forgets_and_outlives_failures(
    settings: StateSettings, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[ShowState] = [KNOWN]

    def look() -> ShowState:
        if not told:
            raise RuntimeError("the show is not there yet")
        return told[0]

    keeper = StateKeeper(settings, look, every_s=0.01, pause_s=0.01)
    keeper.start()
    until(lambda: load_state(settings) == KNOWN)
    told.clear()
    until(lambda: "not there yet" in caplog.text)
    told.append(ShowState(values={"mirror": True}))
    until(lambda: load_state(settings) == told[0])
    keeper.close()
    keeper.close()
    assert caplog.text.count("not there yet") == 1
    assert load_state(settings) == told[0], "killed or closed, it stays"
    keeper.forget()
    assert not settings.path.exists()
    StateKeeper(settings, look).close()


def test_what_is_stirred_is_written_at_once_and_then_not_for_each_step(
    settings: StateSettings,
) -> None:
    told, looks = [KNOWN], 0

    def look() -> ShowState:
        nonlocal looks
        looks += 1
        return told[0]

    keeper = StateKeeper(settings, look, every_s=600, pause_s=0.5)
    keeper.start()
    until(lambda: load_state(settings) == KNOWN)
    for number in range(1000):
        told[0] = ShowState(values={"figure.x": number / 1000})
        keeper.stir()
    until(lambda: load_state(settings) == told[0])
    keeper.close()
    assert looks < 100


def until(what: object) -> None:
    deadline_s = time.monotonic() + 20
    while not what():  # type: ignore[operator]
        assert time.monotonic() < deadline_s
        threading.Event().wait(0.01)


def test_each_port_has_a_place_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    parser = ArgumentParser()
    parser.add_argument("--port", type=int, default=8080)
    add_state_arguments(parser)
    with caplog.at_level(logging.INFO):
        mine = state_settings(parser.parse_args([]), "x")
        other = state_settings(parser.parse_args(["--port", "8081"]), "x")
        named = state_settings(parser.parse_args(["--state", "here.json"]), "x")
    assert mine.path.name == "show-8080.json" and mine.path != other.path
    assert named.path == Path("here.json")
