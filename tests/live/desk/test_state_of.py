"""What the desk knew comes back after a crash: a real process, really killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from live.body import BodyStats
from live.desk.cues import CuePlace
from live.desk.parameters import Value
from live.desk.state_of import keep_in_step, restore, state_of
from live.errors import SetupError
from live.state import ShowState, StateKeeper, StateSettings, load_state
from tests.live.desk.cue_desk import CueDesk
from tests.live.test_state import until

ROOT = Path(__file__).parents[3]
BODY = BodyStats(0.88, 0.7, 0.72, 0.5, 0.35, 1.0)
CUES = """\
[[cues]]
name = "Enter"
set = { "figure.scale" = 2 }
[[cues]]
name = "Exit"
"""

KILLED = """
import sys, time
from pathlib import Path
from live.desk.parameters import Value
from live.desk.state_of import keep_in_step, state_of
from live.state import StateKeeper, StateSettings
from tests.live.desk.cue_desk import CueDesk
from tests.live.desk.test_state_of import BODY
show = CueDesk(Path(sys.argv[1]))
show.desk.offer("subject", ["A", "B"])
show.desk.offer("background.picture", ["sea.jpg"])
settings = StateSettings(Path(sys.argv[2]))
keeper = StateKeeper(settings, lambda: state_of(show.desk, show.stack, BODY))
keep_in_step(show.desk, keeper)
keeper.start()
show.desk.set_many({"subject": "B", "background.picture": "sea.jpg", "mirror": True}, by="osc")
show.desk.set("master", 0.2, by="osc", fade_s=600)
show.desk.set_many({"tempo": 90, "on": "bar", "freeze": True, "record": True}, by="osc")
show.stack.jump(1)
show.later(5)
show.desk.set("panic", True, by="console")
print("set", flush=True)
time.sleep(600)
"""


def test_a_killed_show_is_set_as_it_was(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "show.toml").write_text(CUES)
    settings = StateSettings(tmp_path / "state.json")
    command = [sys.executable, "-c", KILLED, str(tmp_path / "show.toml"), str(settings.path)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == b"set"
        until(lambda: settings.path.exists() and load_state(settings).values.get("panic"))
    finally:
        process.kill()
        process.communicate()
    show = CueDesk(tmp_path / "show.toml")
    show.desk.offer("subject", ["A", "B"])
    show.desk.offer("background.picture", ["wood.jpg"])  # somebody took the other one away
    kept = load_state(settings)
    assert kept.performer == BODY
    restore(kept, show.desk, show.stack)
    found = {
        name: show.value(name)
        for name in ("subject", "mirror", "master", "tempo", "on", "record", "panic", "freeze")
    }
    assert found == {
        "subject": "B", "mirror": True, "master": 0.2, "tempo": 90.0, "on": "bar", "record": True,
        "panic": True, "freeze": False,
    }  # fmt: skip
    assert "left out: background.picture is 'sea.jpg'; there is wood.jpg" in caplog.text
    assert (show.at(), show.value("figure.scale")) == (("1 Enter", "2 Exit"), 2.0)
    show.desk.set("on", "now", by="console")
    show.do("back")
    assert show.value("figure.scale") == 1.0


def test_panic_comes_first(tmp_path: Path) -> None:
    show = CueDesk(tmp_path / "none.toml")
    values: dict[str, Value] = {
        "background": "green",
        "figure.scale": 2.0,
        "panic": True,
        "mirror": True,
    }
    restore(ShowState(None, values), show.desk, show.stack)
    first = next(one for one in show.changes if one.by == "restart")
    assert dict(first.values) == {"panic": True}
    assert (show.value("background"), show.value("mirror")) == ("green", True)


def test_what_is_no_more_is_left_out_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    show = CueDesk(tmp_path / "none.toml")

    def full(value: object) -> None:
        raise SetupError("the disk is full; free some space")

    show.desk.on_set("record", full)
    values: dict[str, Value] = {
        "was.once": 1.0, "mirror": "yes", "figure.scale": 99.0, "panic": 7, "reset": True,
        "fps": 3.0, "record": True, "smoothing": 0.25,
    }  # fmt: skip
    restore(ShowState(None, values, CuePlace(3, "Enter", {})), show.desk, show.stack)
    assert show.value("smoothing") == 0.25
    for name in ("was.once", "mirror", "figure.scale", "panic", "reset", "fps"):
        assert f"left out: {name} is" in caplog.text or f"parameter {name!r}" in caplog.text
    assert "record is not as it was before the restart: the disk is full" in caplog.text
    assert (show.value("panic"), show.value("record"), show.at()) == (False, False, ("", ""))


def test_only_what_is_kept_stirs_the_keeper(tmp_path: Path) -> None:
    show = CueDesk(tmp_path / "none.toml")
    stirred: list[int] = []

    class Counting(StateKeeper):
        def stir(self) -> None:
            stirred.append(1)

    keeper = Counting(StateSettings(tmp_path / "s.json"), ShowState)
    leave = keep_in_step(show.desk, keeper)
    for number in range(10):
        show.desk.report({"fps": float(number)})
    assert stirred == []
    show.desk.set("mirror", True, by="osc")
    show.desk.report({"cue": "1 Enter"})
    assert len(stirred) == 2
    leave()
    show.desk.set("mirror", False, by="osc")
    assert len(stirred) == 2


def test_a_new_show_has_nothing_to_restore(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    show = CueDesk(tmp_path / "none.toml")
    restore(ShowState(BODY), show.desk, show.stack)
    assert show.changes == [] and caplog.text == ""
    assert state_of(show.desk, show.stack, None).values["panic"] is False
