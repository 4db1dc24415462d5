"""A phone's camera as the source: the show begins before it is there, and bears its going."""

from __future__ import annotations

import threading
from argparse import ArgumentParser
from pathlib import Path

import numpy as np
import pytest

from live.errors import SetupError, SourceError
from live.frames import Frame, Picture, Pose, Sighting
from live.latest import Latest
from live.show import Show
from live.sources import BROWSER, Grabber, SourceSettings, add_source_arguments, open_source
from live.sources import source_settings as read_settings
from live.sources.base import Timebase
from live.sources.browser import BrowserSource
from live.timing import Timing


def a_frame(sequence: int, captured_s: float) -> Frame:
    return Frame(np.zeros((4, 6, 3), np.uint8), captured_s, sequence)


def test_the_command_line_names_it() -> None:
    parser = ArgumentParser()
    add_source_arguments(parser)
    assert read_settings(parser.parse_args(["--source", "browser"])) == SourceSettings(BROWSER)


def test_it_needs_an_inbox() -> None:
    with pytest.raises(SetupError, match="needs the show's server"):
        open_source(SourceSettings(BROWSER))


def test_a_file_of_that_name_is_still_a_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be opened"):
        open_source(SourceSettings("./browser"), inbox=Latest())
    with pytest.raises(SourceError, match="cannot be opened"):
        open_source(SourceSettings(str(tmp_path / "browser")), inbox=Latest())


def test_it_gives_the_newest_frame_and_says_how_it_goes() -> None:
    now = [100.0]
    inbox: Latest[Frame] = Latest()
    source = BrowserSource(inbox, Timebase(clock=lambda: now[0]))
    assert "no phone" in str(source.trouble)
    assert source.fps == 0
    for number in range(3):
        inbox.put(a_frame(number, 100.0 + number / 30))
    frame = source.read()
    assert frame is not None and frame.sequence == 2, "nothing queues"
    for number in range(3, 33):
        now[0] = 100.0 + number / 30
        inbox.put(a_frame(number, now[0]))
        source.read()
    assert source.fps == pytest.approx(30)
    said = [source.trouble]
    now[0] += 1.0
    said.append(source.trouble)
    assert said == [None, "the phone sends no picture for 1.0 s; look at what its page says"]
    assert source.fps == 0


def test_its_going_and_coming_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    inbox: Latest[Frame] = Latest()
    source = BrowserSource(inbox, stale_after_s=0.05)
    clock = Timebase().clock
    inbox.put(a_frame(0, clock()))
    source.read()
    said = threading.Timer(0.4, lambda: inbox.put(a_frame(1, clock())))
    said.start()
    frame = source.read()
    assert frame is not None and frame.sequence == 1
    words = [record.getMessage() for record in caplog.records]
    assert len([one for one in words if "sends no picture" in one]) == 1
    assert len([one for one in words if "the phone is back" in one]) == 1


def test_close_ends_a_read_that_waits() -> None:
    source = BrowserSource(Latest())
    got: list[Frame | None] = []
    reader = threading.Thread(target=lambda: got.append(source.read()))
    reader.start()
    source.close()
    source.close()
    reader.join(10)
    assert got == [None]
    assert source.read() is None


class Nobody:
    """An estimator that counts."""

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.first = threading.Event()

    def estimate(self, frame: Frame) -> Pose | None:
        self.seen.append(frame.sequence)
        self.first.set()
        return None

    def follow_at(self, x: float, y: float) -> None:
        pass

    def follow_any(self) -> None:
        pass

    def reset(self) -> None:
        pass

    def close(self) -> None:
        pass


class Painted:
    """Makes pictures, and counts what is published."""

    def __init__(self) -> None:
        self.pictures = 0
        self.some = threading.Event()

    def make(self, sighting: Sighting, now_s: float) -> Picture:
        return Picture(np.zeros((2, 2, 3), np.uint8), sighting.captured_s, 0, "neutral")

    def publish(self, picture: Picture) -> None:
        self.pictures += 1
        if self.pictures >= 3:
            self.some.set()


def test_the_show_goes_on_without_a_phone_and_takes_it_when_it_comes() -> None:
    inbox: Latest[Frame] = Latest()
    frames: Latest[Frame] = Latest()
    source = open_source(SourceSettings(BROWSER), inbox=inbox)
    estimator, painted = Nobody(), Painted()
    show = Show(Grabber(source, frames), frames, estimator, painted, painted, Timing())
    show.start()
    try:
        assert painted.some.wait(20), "the ladder's pictures come, with nobody there"
        assert not show.wait(0)
        assert estimator.seen == []
        inbox.put(a_frame(7, Timebase().clock()))
        assert estimator.first.wait(20)
        assert estimator.seen == [7]
        painted.pictures = 0
        painted.some.clear()
        assert painted.some.wait(20), "and on, once it has gone"
        assert show.error is None
    finally:
        show.close()
    assert show.wait(0)
