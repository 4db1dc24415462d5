"""What else a camera does on stage: black, slow, back under another index; and how soon it is told.

Run with `-s` to see how long each fault took to be noticed with the show's own limits.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from live.frames import Frame
from live.latest import Latest
from live.sources import Grabber, SourceSettings, Timebase
from live.sources.camera import Capture, camera_name, open_camera
from live.sources.watch import RateWatch, Watch
from tests.live.sources.fakecamera import (
    BUSY,
    QUICK,
    SETTINGS,
    Bench,
    FakeCapture,
    Step,
    frozen,
    moving,
)

OWN_LIMIT_S = SourceSettings(0).stale_after_s


def noise(level: int, seed: int = 1) -> Iterator[Step]:
    """A sensor's noise around `level`, never twice the same."""
    rng = np.random.default_rng(seed)
    while True:
        yield np.clip(rng.normal(level, 3, (24, 32, 3)), 0, 255).astype(np.uint8)


def until(what: Callable[[], object], timeout_s: float = 20) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < deadline_s, "it did not happen"
        threading.Event().wait(0.005)


class Switch:
    """A camera that works until `broken` says how it fails; opened again it is `then`."""

    def __init__(self) -> None:
        self.broken = ""
        self.bench = Bench(lambda: moving(0))
        self.openings = 0

    def open(self, index: int) -> Capture:
        self.openings += 1
        capture = FakeCapture(self.bench, None if self.broken else noise(120))
        good, bad, black = capture.read, frozen(0), noise(3)

        def read() -> tuple[bool, object]:
            match self.broken:
                case "unplugged" | "taken":
                    return False, None
                case "hung":
                    self.bench.cleared.wait()
                    return False, None
                case "frozen":
                    self.bench.tick()
                    return True, next(bad)
                case "black":
                    self.bench.tick()
                    return True, next(black)
                case "slow":
                    threading.Event().wait(0.1)
            return good()

        capture.read = read  # type: ignore[method-assign]
        return capture


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("unplugged", "unplugged, or used by another program"),
        ("taken", "unplugged, or used by another program"),
        ("hung", "gives no picture for"),
        ("frozen", "repeats the same picture for"),
        ("black", "shows black"),
        ("slow", "were asked for"),
    ],
)
def test_every_fault_is_told_with_the_shows_own_limits_and_heals(fault: str, says: str) -> None:
    """As `GET /status` tells it, from the moment of the fault; and it is back by itself."""
    switch = Switch()
    switch.bench.tick = lambda: threading.Event().wait(1 / 60)
    settings = replace(SETTINGS, stale_after_s=OWN_LIMIT_S, camera_fps=60.0)
    source = open_camera(settings, Timebase(), switch.open, lambda: ["/dev/video0"])
    grabber = Grabber(source, Latest())
    grabber.start()
    until(lambda: source.fps > 0)
    if fault == "slow":  # a rate is known after two seconds
        threading.Event().wait(2.2)
    until(lambda: grabber.tells().trouble is None)
    switch.broken, began_s = fault, time.monotonic()
    until(lambda: says in (grabber.tells().trouble or ""))
    print(f"\n{fault}: told after {time.monotonic() - began_s:.2f} s")
    switch.broken, began_s = "", time.monotonic()
    switch.bench.cleared.set()
    until(lambda: grabber.tells().trouble is None)
    print(f"{fault}: back after {time.monotonic() - began_s:.2f} s")
    assert (switch.openings > 1) == (fault not in ("black", "slow")), "opened again where it helps"
    grabber.close()


def test_black_is_told_while_its_pictures_still_come(caplog: pytest.LogCaptureFixture) -> None:
    """The stage may be dark: its pictures go on, or the lights' return would be missed."""
    now_s = itertools.count(100.0, 0.05)
    bench = Bench(
        lambda: itertools.chain(itertools.islice(noise(120), 30), itertools.islice(noise(3), 60),
                                noise(120)),
        tick=lambda: threading.Event().wait(0.002),
    )  # fmt: skip
    stamps = iter(now_s)
    last = [100.0]

    def clock() -> float:
        last[0] = next(stamps) if threading.current_thread().name.startswith("read") else last[0]
        return last[0]

    source = open_camera(
        replace(SETTINGS, camera_fps=20.0), Timebase(clock, QUICK.wait), bench.open, lambda: []
    )
    told: list[str | None] = []
    with caplog.at_level(logging.WARNING, "live"):
        while not (told and told[-1] is None and any(told)):
            frame = source.read()
            assert frame is not None
            told.append(source.trouble)
    source.close()
    assert bench.openings == 1, "a dark stage is no reason to open it again"
    assert any("shows black" in (line or "") for line in told)
    assert caplog.text.count("shows black") == 1
    assert "as it should be again" in caplog.text


def test_black_is_known_within_a_second_and_noise_is_black() -> None:
    """On made-up time: thirty pictures a second, the light goes out at 1 s."""
    watch = Watch(0.8, 10.0, content=True)
    watch.opened(0.0)
    bright, dark = noise(120), noise(3)
    noticed_s = None
    for number in range(120):
        at_s = number / 30
        step = next(bright if at_s < 1 else dark)
        assert isinstance(step, np.ndarray)
        watch.saw(step, at_s)
        assert watch.trouble(at_s) is None
        if watch.dark_s() and noticed_s is None:
            noticed_s = at_s
    assert noticed_s is not None and 1.5 < noticed_s < 2.0


@pytest.mark.parametrize(("now_fps", "wrong"), [(30, False), (25, False), (15, True), (60, True)])
def test_a_wrong_rate_is_judged_once_it_is_known(now_fps: float, wrong: bool) -> None:
    watch = RateWatch(30.0, known_after_s=2.0, tolerance=0.2)
    assert watch.judge(now_fps, lived_s=1.0) is None
    assert (watch.judge(now_fps, lived_s=2.0) is not None) == wrong
    if wrong:
        assert watch.judge(26, lived_s=3.0) is not None, "it must come back all the way"
    assert watch.judge(28, lived_s=4.0) is None


class Hub:
    """A USB hub: which camera, by its name, is at which index."""

    def __init__(self, **names: str) -> None:
        self.names = {int(index.removeprefix("at_")): name for index, name in names.items()}
        self.bench = Bench(lambda: moving(0))
        self.opened: list[tuple[int, str]] = []

    def open(self, index: int) -> Capture:
        name = self.names.get(index)
        self.opened.append((index, name or ""))
        if name is None:
            return FakeCapture(self.bench, BUSY)
        capture = FakeCapture(self.bench, moving(index))
        good = capture.read

        def read() -> tuple[bool, object]:
            return good() if self.names.get(index) == name else (False, None)

        capture.read = read  # type: ignore[method-assign]
        return capture

    def list(self) -> list[str]:
        return [f"/dev/video{index}" for index in sorted(self.names)]

    def start(self, index: int = 0) -> Iterator[Frame]:
        source = open_camera(
            replace(SETTINGS, where=index),
            QUICK,
            self.open,
            self.list,
            lambda index: self.names.get(index),
        )
        return iter(source.read, None)


def test_a_replugged_camera_is_found_under_its_new_index() -> None:
    hub = Hub(at_0="Stage Cam", at_2="Laptop Cam")
    frames = hub.start()
    next(frames)
    hub.names = {2: "Laptop Cam"}
    hub.names = {2: "Laptop Cam", 4: "Stage Cam"}
    assert any(int(frame.image[0, 0, 0]) == 4 for frame in itertools.islice(frames, 500))
    assert {name for _, name in hub.opened} <= {"Stage Cam", ""}, "another camera was opened"


def test_another_camera_that_took_its_index_is_passed_over_for_the_right_one() -> None:
    hub = Hub(at_0="Stage Cam", at_2="Laptop Cam")
    frames = hub.start()
    next(frames)
    hub.names = {0: "Laptop Cam", 1: "Stage Cam"}
    assert any(int(frame.image[0, 0, 0]) == 1 for frame in itertools.islice(frames, 500))
    assert (0, "Laptop Cam") not in hub.opened


def test_another_camera_in_its_place_is_taken_where_the_right_one_is_gone() -> None:
    """Somebody replaced a broken camera: that is what they want."""
    hub = Hub(at_0="Stage Cam")
    frames = hub.start()
    next(frames)
    hub.names = {0: "Spare Cam"}
    for frame in itertools.islice(frames, 500):
        if (0, "Spare Cam") in hub.opened:
            break
        assert frame is not None
    assert (0, "Spare Cam") in hub.opened


def test_the_systems_own_names_leave_out_what_gives_no_pictures(tmp_path: Path) -> None:
    for number, (index, name) in enumerate([("0", "Stage Cam: Stage Cam"), ("1", "Stage Cam")]):
        (tmp_path / f"video{number}").mkdir()
        (tmp_path / f"video{number}" / "index").write_text(index + "\n")
        (tmp_path / f"video{number}" / "name").write_text(name + "\n")
    assert camera_name(0, tmp_path) == "Stage Cam: Stage Cam"
    assert camera_name(1, tmp_path) is None, "the metadata of the same camera"
    assert camera_name(9, tmp_path) is None
