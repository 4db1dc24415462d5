"""The console's log: what gets in, what is left out, and what never does."""

from __future__ import annotations

import logging
import threading

import pytest

from live.desk.desk import Desk
from live.desk.events import BURST, LONGEST, MOST, PER_S, Event, EventLog, as_json


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def events(clock: Clock) -> EventLog:
    return EventLog(["sesame-sesame-sesame-1"], clock)


def texts(events: EventLog) -> list[str]:
    return [one.text for one in events.newest()]


def test_ours_from_info_and_everybodys_from_warning(
    events: EventLog, caplog: pytest.LogCaptureFixture
) -> None:
    with events, caplog.at_level(logging.DEBUG):
        logging.getLogger("live.show").info("ours")
        logging.getLogger("understudy").info("the root's")
        logging.getLogger("live.show").debug("too small")
        logging.getLogger("aiortc").info("theirs")
        logging.getLogger("aiortc").warning("theirs, %s", "louder")
        logging.getLogger("liver").error("not ours")
    logging.getLogger("live.show").warning("after the end")
    assert [(one.level, one.text) for one in events.newest()] == [
        ("info", "ours"),
        ("info", "the root's"),
        ("warning", "theirs, louder"),
        ("error", "not ours"),
    ]


def test_keys_passwords_and_fragments_are_struck_out(events: EventLog) -> None:
    events.add("info", "token sesame-sesame-sesame-1 at http://10.0.0.2:8080/#other-key now")
    events.add("info", "camera rtsp://me:secret@10.0.0.9/one fails")
    assert texts(events) == [
        "token ... at http://10.0.0.2:8080/#... now",
        "camera rtsp://10.0.0.9/one fails",
    ]


def test_a_text_is_one_printable_line_and_not_long(events: EventLog) -> None:
    events.add("info", "one\ntwo\x1b[31m" + "x" * 2000)
    (text,) = texts(events)
    assert text.startswith("one two [31m")
    assert len(text) == LONGEST


def test_too_many_are_left_out_and_counted(events: EventLog, clock: Clock) -> None:
    for number in range(BURST + 30):
        events.add("info", f"number {number}")
    assert len(events.newest()) == BURST
    clock.now_s += 2 / PER_S
    events.add("info", "after a while")
    assert texts(events)[-2:] == ["30 more were left out; the terminal has them all",
                                  "after a while"]  # fmt: skip


def test_the_newest_are_kept(events: EventLog, clock: Clock) -> None:
    for number in range(MOST + 50):
        clock.now_s += 10
        events.add("info", str(number))
    assert texts(events) == [str(number) for number in range(50, MOST + 50)]


def test_who_listens_is_told_until_it_leaves(events: EventLog) -> None:
    heard: list[Event] = []
    leave = events.listen(heard.append)
    events.add("warning", "one")
    leave()
    events.add("warning", "two")
    assert [one.text for one in heard] == ["one"]
    assert set(as_json(heard[0])) == {"at", "level", "text"}
    assert heard[0].at[10] == "T"


def test_a_listener_that_fails_does_not_fail_who_logs(
    events: EventLog, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(event: Event) -> None:
        raise ZeroDivisionError

    events.listen(fails)
    with events:
        logging.getLogger("live.show").warning("heard")
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert texts(events) == ["heard"]


def test_the_desk_is_followed_without_its_faders(events: EventLog) -> None:
    desk = Desk()
    desk.on_do("go", lambda: None)
    leave = events.follow(desk)
    desk.set("figure.opacity", 0.5, "osc")
    desk.set("background.colour", "#102030", "console")
    desk.set("mirror", True, "midi")
    desk.set_many({"mirror": False, "background": "green", "master": 0.3}, "cue Enter", 3.0)
    desk.do("go", by="osc")
    desk.report({"fps": 24.0, "cue": "Enter"})
    leave()
    desk.set("mirror", True, "midi")
    assert texts(events) == [
        "midi: mirror on",
        "cue Enter: mirror off, background green",
        "osc: go",
    ]


def test_many_threads_at_once(clock: Clock) -> None:
    events, heard = EventLog(clock=clock), list[Event]()
    events.listen(heard.append)

    def add() -> None:
        for _ in range(50):
            events.add("info", "x")

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(heard) == len(events.newest()) == BURST
