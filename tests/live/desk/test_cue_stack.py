"""Cues: go, back, jump, on the beat, by themselves; a broken file never costs the running ones."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from live.desk.cue_book import CueBook
from live.desk.cue_moves import standing
from live.desk.cue_stack import CueStack
from live.desk.cues import CueErrors, CuePlace, CueSettings
from live.desk.desk import Desk
from live.desk.tempo import Tempo
from live.errors import DeskError, SetupError, SubjectError
from tests.live.desk.cue_desk import CueDesk

PATIENCE_S = 20.0

SHOW = """\
[presets.dawn]
background = "colour"
"background.colour" = "#101020"
"figure.opacity" = 0.0

[[cues]]
name = "House"
preset = "dawn"

[[cues]]
name = "Enter"
fade_s = 4
set = { "figure.opacity" = 1.0, "figure.scale" = 2 }
do = ["reset"]

[[cues]]
name = "Green"
fade_s = 0.5
set = { background = "green", "figure.scale" = 1.5, record = true }

[[cues]]
name = "End"
set = { master = 0 }
"""


@pytest.fixture
def show(tmp_path: Path) -> CueDesk:
    return CueDesk(tmp_path / "show.toml", SHOW)


def test_the_show_goes_from_cue_to_cue(show: CueDesk) -> None:
    assert show.at() == ("", "1 House")
    show.do("go")
    assert show.at() == ("1 House", "2 Enter")
    assert (show.value("background"), show.value("figure.opacity")) == ("colour", 0.0)
    assert "cue House" in [one.by for one in show.changes if "background" in one.values]
    show.do("go")
    show.later(2)
    assert show.value("figure.opacity") == pytest.approx(0.5)
    assert show.value("figure.scale") == pytest.approx(1.5)
    show.later(3)
    assert (show.value("figure.opacity"), show.done) == (1.0, ["reset"])
    show.do("go")
    show.do("go")
    assert show.at() == ("4 End", "")
    with pytest.raises(DeskError, match="4 End was the last cue; go back"):
        show.do("go")


def test_what_hands_set_besides_stays(show: CueDesk) -> None:
    show.do("go")
    show.desk.set_many({"mirror": True, "background.colour": "#ff0000"}, by="osc")
    show.do("go")
    assert (show.value("mirror"), show.value("background.colour")) == (True, "#ff0000")


def test_back_undoes_to_what_the_cues_before_give(show: CueDesk) -> None:
    show.desk.set_many({"figure.scale": 0.5, "mirror": True}, by="console")
    for _ in range(3):
        show.do("go")
    show.desk.set_many({"background": "picture", "figure.x": 1}, by="console")
    show.do("back")
    show.later(1)
    assert show.at() == ("2 Enter", "3 Green")
    assert (show.value("background"), show.value("figure.scale")) == ("colour", 2.0)
    assert (show.value("record"), show.value("figure.x")) == (False, 1.0)
    show.do("back")
    show.later(0.5)
    assert 0.5 < float(show.value("figure.scale")) < 2.0, "a slow cue is undone within a second"
    show.later(0.5)
    assert (show.value("figure.scale"), show.value("figure.opacity")) == (0.5, 0.0)
    show.do("back")
    assert show.at() == ("", "1 House")
    assert (show.value("background"), show.value("figure.opacity")) == ("plate", 1.0)
    assert show.value("mirror") is True
    assert show.done == ["reset"], "going back does nothing anew"
    with pytest.raises(DeskError, match="nothing to go back to"):
        show.do("back")


def test_a_jump_is_as_if_those_before_had_gone_and_none_after(show: CueDesk) -> None:
    show.do("cue.jump", 3.0, by="osc")
    show.later(1)
    assert show.at() == ("3 Green", "4 End")
    assert (show.value("background.colour"), show.value("figure.scale")) == ("#101020", 1.5)
    assert (show.value("record"), show.done) == (True, [])
    show.do("go")
    assert show.value("master") == 0.0
    show.do("cue.jump", 1)
    assert (show.value("master"), show.value("record"), show.value("figure.scale")) == (1, False, 1)
    for wrong in (0, 5, 1.5, "2", True, float("nan"), [1], 10**400):
        with pytest.raises(DeskError, match="give a"):
            show.do("cue.jump", wrong)
    assert show.at() == ("1 House", "2 Enter")


def test_without_cues_it_says_how_to_have_some(tmp_path: Path) -> None:
    show = CueDesk(tmp_path / "presets.toml")
    for order in (("go",), ("cue.jump", 1)):
        with pytest.raises(DeskError, match=r"--cues FILE\.toml"):
            show.do(*order)
    show.do("cues.reload")
    assert show.stack.told() == {
        "file": "presets.toml", "cues": [], "last": None, "next": None, "trouble": [],
        "waiting": None,
    }  # fmt: skip


def test_on_the_beat(show: CueDesk) -> None:
    show.do("tap")
    show.later(0.5)
    show.do("tap")
    show.desk.set_many({"on": "bar", "tempo.lead": 100}, by="console")
    show.later(0.2)
    show.do("go")
    assert show.at() == ("", "1 House")
    assert show.stack.told()["waiting"] == {"number": 1, "on": "bar"}
    with pytest.raises(DeskError, match="1 House waits for its bar already; back calls it off"):
        show.do("go", by="osc")
    show.later(1.199)
    assert show.at()[0] == ""
    show.later(0.002)
    assert show.at() == ("1 House", "2 Enter"), "100 ms before the bar at 1002.0"
    show.desk.set("on", "beat", by="console")
    show.do("back")
    show.do("back")  # not meant: called off
    show.later(5)
    assert show.at() == ("1 House", "2 Enter")
    show.do("cue.jump", 4)
    assert show.at()[0] == "1 House"
    show.later(0.5)
    assert show.at()[0] == "4 End"
    show.do("back")
    show.later(0.5)
    assert show.at()[0] == "3 Green"


FOLLOWS = """\
[[cues]]
name = "One"
follow_s = 2
set = { "figure.x" = 0.1 }
[[cues]]
name = "Two"
follow_s = 0
set = { "figure.x" = 0.2 }
[[cues]]
name = "Three"
on = "beat"
set = { "figure.x" = 0.3 }
follow_s = 7
"""


def test_cues_that_follow_by_themselves(tmp_path: Path) -> None:
    show = CueDesk(tmp_path / "show.toml", FOLLOWS)
    show.do("tap")
    show.later(0.3)
    show.do("go")
    show.later(1.9)
    assert show.at()[0] == "1 One"
    show.later(0.2)
    assert show.at()[0] == "2 Two", "the third waits for its beat"
    show.later(0.2)
    assert show.at() == ("3 Three", "")
    show.later(100)
    assert show.at() == ("3 Three", "")
    show.do("cue.jump", 1)
    show.do("back")
    show.later(10)
    assert show.at()[0] == "", "going back stops what was to follow"
    show.do("go")
    show.do("go")
    assert show.at()[0] == "2 Two"
    show.later(0.6)
    assert show.at()[0] == "3 Three", "once, although the first had meant to be followed, too"


def test_a_file_with_errors_leaves_the_running_cues(
    show: CueDesk, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[int] = []
    show.stack.listen(lambda: heard.append(1))
    show.do("go")
    show.path.write_text(SHOW + '[[cues]]\nname = "More"\nset = { "figure.scale" = 9 }\n')
    heard.clear()
    told = "show.toml, line 26: cue 5 'More': figure.scale is 9; give from 0.25 to 4"
    with pytest.raises(CueErrors, match=r"figure\.scale is 9") as caught:
        show.do("cues.reload")
    assert str(caught.value) == told
    assert show.stack.told()["trouble"] == [told]
    assert heard, "consoles are told"
    assert show.at() == ("1 House", "2 Enter")
    show.do("go")
    assert show.at() == ("2 Enter", "3 Green")
    show.path.write_text(SHOW.replace("Enter", "Walk in"))
    show.do("cues.reload")
    assert show.stack.told()["trouble"] == []
    assert show.at() == ("2 Walk in", "3 Green")
    show.path.unlink()
    with pytest.raises(CueErrors, match="no such file"):
        show.do("cues.reload")
    assert show.at() == ("2 Walk in", "3 Green")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name")
def test_a_file_that_takes_long_holds_up_no_move(show: CueDesk) -> None:
    show.path.unlink()
    os.mkfifo(show.path)  # read once somebody has written it: a disk that hangs
    reading = threading.Thread(target=show.do, args=("cues.reload",), daemon=True)
    going = threading.Thread(target=show.do, args=("go",), daemon=True)
    reading.start()
    with open(show.path, "w", encoding="utf-8") as file:
        going.start()
        going.join(PATIENCE_S)
        moved = show.at()
        file.write(SHOW.replace('"House"', '"First"').replace('"Enter"', '"Second"'))
    reading.join(PATIENCE_S)
    assert moved == ("1 House", "2 Enter")
    assert show.at() == ("1 First", "2 Second")


def test_after_a_reload_the_show_is_at_the_same_cue(show: CueDesk) -> None:
    show.do("go")
    show.do("go")
    show.path.write_text(SHOW.replace('[[cues]]\nname = "House"', '[[cues]]\nname = "New"\n\n'
                                      '[[cues]]\nname = "House"'))  # fmt: skip
    show.do("cues.reload")
    assert show.at() == ("3 Enter", "4 Green")
    show.path.write_text('[[cues]]\nname = "Only"\n')
    show.do("cues.reload")
    assert show.at() == ("1 Only", "")
    show.path.write_text("")
    show.do("cues.reload")
    assert show.at() == ("", "")


def test_what_waits_outlives_a_reload(show: CueDesk) -> None:
    show.desk.set("on", "bar", by="console")
    show.do("go")
    show.path.write_text(SHOW.replace("[[cues]]", '[[cues]]\nname = "New"\n[[cues]]', 1))
    show.do("cues.reload")
    assert show.stack.told()["waiting"] == {"number": 2, "on": "bar"}
    show.later(3)
    assert show.at()[0] == "2 House"
    show.do("back")
    show.path.write_text("")
    show.do("cues.reload")
    show.later(3)
    assert show.at() == ("", "")


SWAP = '[[cues]]\nname = "Swap"\nset = { subject = "Dancer", mirror = true }\n'


def test_what_is_no_more_is_said_and_the_rest_of_the_cue_goes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = f'{SWAP}do = ["normalize.forget"]\n'
    show = CueDesk(tmp_path / "show.toml", text)
    show.desk.offer("subject", ["The understudy"])
    show.do("go")
    assert (show.value("mirror"), show.value("subject"), show.at()[0]) == (True, "", "1 Swap")
    assert "cue Swap: subject is 'Dancer'; there is The understudy" in caplog.text
    assert "normalize.forget cannot be done in this show" in caplog.text


def test_a_subject_that_fails_to_load_leaves_the_old_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    show = CueDesk(tmp_path / "show.toml", SWAP)

    def fail(value: object) -> None:
        raise SubjectError(f"{value} is torn; export it again")

    show.desk.offer("subject", ["Dancer"])
    show.desk.on_set("subject", fail)
    show.do("go")
    assert (show.value("mirror"), show.value("subject"), show.at()[0]) == (True, "", "1 Swap")
    assert "cue Swap: Dancer is torn; export it again" in caplog.text


def test_a_file_with_errors_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "show.toml"
    path.write_text("[[cues]]\nname = 'a'\nfade = 3\n" * 12)
    with pytest.raises(SetupError) as caught:
        CueBook(Desk(), CueSettings(path, asked=True))
    assert str(caught.value).count("\n") == 8
    assert str(caught.value).startswith("--cues: show.toml, line 3: cue 1 'a' has no 'fade'; did")
    assert str(caught.value).endswith("... and 4 more")


def test_presets_of_another_evening_stop_no_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "presets.toml"
    path.write_text("[presets.a]\nmirrour = true\n")
    book = CueBook(Desk(), CueSettings(path))
    assert book.trouble and "did you mean 'mirror'" in caplog.text
    assert book.sheet.presets == {}


def test_two_operators_are_at_the_same_cue(show: CueDesk) -> None:
    """Both press at once, many times: no cue goes twice, and both see the same."""
    text = "".join(
        f'[[cues]]\nname = "{n}"\nset = {{ "figure.x" = {n / 200} }}\n' for n in range(200)
    )
    show.path.write_text(text)
    show.do("cues.reload")
    seen: dict[str, list[object]] = {"one": [], "other": []}
    for who in seen:
        show.desk.listen(
            lambda change, who=who: seen[who].extend([change.values.get("figure.x")])  # type: ignore[misc]
        )

    def press(by: str) -> None:
        for _ in range(100):
            show.do("go", by=by)

    hands = [threading.Thread(target=press, args=(who,)) for who in seen]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    assert show.at() == ("200 199", "")
    went = [one for one in seen["one"] if one is not None]
    assert went == [n / 200 for n in range(200)]
    assert seen["one"] == seen["other"]


def test_a_restart_is_at_the_same_cue_and_can_go_back(tmp_path: Path, show: CueDesk) -> None:
    show.desk.set("figure.scale", 0.5, by="console")
    for _ in range(3):
        show.do("go")
    kept = show.stack.place
    assert kept is not None
    again = CueDesk(tmp_path / "show.toml")
    again.desk.set("mirror", True, by="restart")
    again.stack.restore(kept)
    assert again.at() == ("3 Green", "4 End")
    assert again.value("background") == "plate", "nothing is set"
    again.do("cue.jump", 1)
    assert again.value("figure.scale") == 0.5
    again.stack.restore(CuePlace(9, "gone", {"figure.scale": "x", "no": 1}))
    assert again.at() == ("4 End", "")
    again.do("back")


def test_the_real_clock_keeps_the_order(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The thread: what waits for a beat goes on it, what follows goes after it, once each."""
    path = tmp_path / "show.toml"
    path.write_text(
        '[[cues]]\nname = "A"\non = "beat"\nfollow_s = 0.05\n[[cues]]\nname = "B"\n'
        'on = "beat"\nfollow_s = 0\n[[cues]]\nname = "C"\n'
    )
    desk = Desk()
    book = CueBook(desk, CueSettings(path, asked=True))
    tempo = Tempo(desk)
    stack = CueStack(desk, book, tempo)
    went: list[object] = []
    ended = threading.Event()

    def heed(change: object) -> None:
        if cue := getattr(change, "values", {}).get("cue"):
            went.append(cue)
        if cue == "3 C":
            ended.set()

    desk.listen(heed)
    desk.set("tempo", 300, by="console")
    stack.start()
    desk.do("go", by="console")
    assert ended.wait(30)
    stack.close()
    stack.close()
    assert went == ["1 A", "2 B", "3 C"]
    assert not [one for one in caplog.records if one.levelno >= logging.WARNING]


def test_the_thread_outlives_what_fails(show: CueDesk, caplog: pytest.LogCaptureFixture) -> None:
    failed = threading.Event()

    def fail() -> float:
        failed.set()
        raise RuntimeError("a bug")

    show.stack.tick = fail  # type: ignore[method-assign]
    show.stack.start()
    assert failed.wait(10)
    show.stack.close()
    assert "cues failed" in caplog.text


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.sampled_from(["go", "back", "reload", "wait"]) | st.integers(1, 4), max_size=12),
    st.sampled_from(["now", "beat", "bar"]),
)
def test_after_any_moves_all_stands_as_the_cues_up_to_here_give_it(
    tmp_path_factory: pytest.TempPathFactory, moves: list[str | int], on: str
) -> None:
    show = CueDesk(tmp_path_factory.getbasetemp() / "any-show.toml", SHOW)
    show.desk.set_many({"on": on, "figure.scale": 0.5}, by="console")
    before = show.desk.values()
    for move in moves:
        try:
            if isinstance(move, int):
                show.do("cue.jump", move)
            elif move != "wait":
                show.do({"reload": "cues.reload"}.get(move, move))
        except DeskError:  # there is none, or one waits already
            continue
        if move == "wait" or on == "now":
            show.later(10)
            last = show.stack.place.number if show.stack.place else 0
            wanted = standing(show.book.sheet, last, 4, before)
            assert {name: show.value(name) for name in wanted} == wanted
