"""A camera that is absent, busy, unplugged, hung, frozen or slow: said, survived, reopened.

No camera here: mocks at the hardware edge only (`fakecamera`); threads and mailboxes are real.
"""

from __future__ import annotations

import itertools
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from live.errors import SourceError
from live.frames import Frame
from live.sources import SourceSettings
from live.sources.base import Timebase
from live.sources.camera import open_camera, video_devices
from live.sources.watched import WatchedSource
from tests.live.sources.fakecamera import (
    BUSY,
    HANG,
    QUICK,
    SETTINGS,
    Bench,
    Step,
    frozen,
    moving,
    picture,
)


def start(bench: Bench, time: Timebase = QUICK) -> WatchedSource:
    return open_camera(SETTINGS, time, bench.open, lambda: ["/dev/video0", "/dev/video2"])


def read_until(source: WatchedSource, wanted: Callable[[Frame], bool]) -> list[Frame]:
    """Frames up to the first wanted one; the test's own time limit ends a vain wait."""
    frames = []
    while True:
        frame = source.read()
        assert frame is not None, "the source ended"
        frames.append(frame)
        if wanted(frame):
            return frames


def of_opening(number: int) -> Callable[[Frame], bool]:
    return lambda frame: int(frame.image[0, 0, 0]) == number


def then(*parts: Iterator[Step] | list[Step]) -> Iterator[Step]:
    return itertools.chain(*parts)


def test_asks_for_mjpg_size_and_rate_and_drops_the_warm_frames() -> None:
    bench = Bench(lambda: moving(1))
    source = start(bench)
    frame = source.read()
    source.close()
    assert dict(bench.asked) == {
        cv2.CAP_PROP_FOURCC: cv2.VideoWriter.fourcc(*"MJPG"),
        cv2.CAP_PROP_FRAME_WIDTH: 32,
        cv2.CAP_PROP_FRAME_HEIGHT: 24,
        cv2.CAP_PROP_FPS: 30,
    }
    assert frame is not None
    assert int(frame.image[1, 1, 0]) >= SETTINGS.warm_frames
    assert bench.released == bench.openings == 1


def test_numbers_every_picture_and_stamps_it_on_the_given_clock() -> None:
    source = start(Bench(lambda: moving(1)))
    frames = [source.read() for _ in range(5)]
    source.close()
    taken = [frame for frame in frames if frame is not None]
    for frame in taken:
        number = int(frame.image[1, 1, 0]) - SETTINGS.warm_frames
        assert frame.sequence == number
    assert np.all(np.diff([frame.captured_s for frame in taken]) > 0)


@pytest.mark.parametrize(
    ("index", "present", "words"),
    [
        (3, ["/dev/video0", "/dev/video2"], ["camera 3", "/dev/video0, /dev/video2", "--camera"]),
        (0, [], ["camera 0", "no other", "--source FILE", "--source browser --host 0.0.0.0"]),
        (0, ["/dev/video0"], ["camera 0", "busy", "close the program", "fuser /dev/video0"]),
        (1, None, ["camera 1", "close other programs"]),
    ],
)
def test_absent_or_busy_says_what_is_there_and_what_to_do(
    index: int, present: list[str] | None, words: list[str]
) -> None:
    bench = Bench(BUSY)
    with pytest.raises(SourceError) as caught:
        open_camera(SourceSettings(index), QUICK, bench.open, lambda: present)
    for word in words:
        assert word in str(caught.value)
    assert bench.released == 1


def test_on_a_mac_the_permission_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(SourceError, match=r"System Settings.*Camera"):
        open_camera(SourceSettings(0), QUICK, Bench(BUSY).open, lambda: None)


def test_this_machines_missing_camera_is_refused_through_the_real_opencv() -> None:
    present = video_devices()
    index = 90
    if present is None or f"/dev/video{index}" in present:
        pytest.skip("this system does not list cameras, or has that one")
    with pytest.raises(SourceError, match=f"camera {index} is not there"):
        open_camera(SourceSettings(index), Timebase())


def test_open_but_without_a_picture_is_refused() -> None:
    bench = Bench(lambda: moving(1, count=1))  # not even the warm frames come
    with pytest.raises(SourceError, match="gives no picture"):
        start(bench)
    assert bench.released == 1


def test_a_camera_that_hangs_at_the_start_is_refused_in_time() -> None:
    bench = Bench(lambda: iter([HANG]))
    settings = SourceSettings(0, open_timeout_s=0.1)
    with pytest.raises(SourceError, match=r"no picture within 0\.1 s"):
        open_camera(settings, QUICK, bench.open, lambda: [])
    bench.cleared.set()


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        (lambda: moving(1, count=20), "gives no picture"),  # unplugged: read returns False
        (lambda: then(moving(1, count=20), [HANG]), "gives no picture for"),
        (lambda: then(moving(1, count=20), frozen(1)), "repeats the same picture for"),
    ],
    ids=["unplugged", "hung", "frozen"],
)
def test_lost_while_running_is_noticed_and_reopened(
    first: Callable[[], Iterator[Step]], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(first, BUSY, BUSY, lambda: moving(4))
    with caplog.at_level(logging.WARNING, "live"):
        source = start(bench)
        frames = read_until(source, of_opening(4))
    assert source.trouble is None
    assert bench.openings >= 4
    said = [record.getMessage() for record in caplog.records]
    assert reason in said[0]
    assert "camera 0" in said[0]
    assert any("is back after" in line for line in said)
    sequences = [frame.sequence for frame in frames]
    assert sequences == sorted(set(sequences))  # goes on counting
    bench.cleared.set()
    source.close()


def test_the_trouble_can_be_read_while_it_lasts() -> None:
    bench = Bench(lambda: moving(1, count=20), BUSY)
    source = start(bench)
    reader = threading.Thread(target=lambda: list(iter(source.read, None)), daemon=True)
    reader.start()
    while source.trouble is None:
        threading.Event().wait(0.01)
    assert "camera 0" in source.trouble
    assert source.fps == 0.0
    source.close()
    reader.join(5)
    assert not reader.is_alive()


def test_a_camera_that_comes_back_with_its_old_picture_is_not_yet_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench(lambda: frozen(1), lambda: frozen(1), lambda: moving(3))
    with caplog.at_level(logging.WARNING, "live"):
        source = start(bench)
        frames = read_until(source, of_opening(3))
    source.close()
    assert all(np.array_equal(frame.image, picture(1, 0)) for frame in frames[:-1])
    assert bench.openings == 3
    assert caplog.text.count("is back") == 1


def test_close_does_not_wait_for_a_hung_camera(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(lambda: then(moving(1, count=20), [HANG]))
    source = start(bench)
    got: list[Frame | None] = []
    reader = threading.Thread(target=lambda: got.extend(iter(source.read, None)), daemon=True)
    reader.start()
    with caplog.at_level(logging.WARNING, "live"):
        source.close()
        source.close()
    reader.join(5)
    assert not reader.is_alive()
    assert source.read() is None
    bench.cleared.set()


def test_hung_threads_do_not_pile_up() -> None:
    bench = Bench(lambda: then(moving(1, count=10), [HANG]), lambda: iter([HANG]))
    settings = SourceSettings(0, warm_frames=0, stale_after_s=0.1, open_timeout_s=0.1)
    waits = itertools.count()
    many = threading.Event()

    def wait(event: threading.Event, timeout_s: float) -> bool:
        if next(waits) > 20:
            many.set()
        return event.wait(0.002)

    source = open_camera(settings, Timebase(wait=wait), bench.open, lambda: [])
    reader = threading.Thread(target=lambda: list(iter(source.read, None)), daemon=True)
    reader.start()
    assert many.wait(30)
    assert bench.openings <= 4
    source.close()
    reader.join(5)
    assert not reader.is_alive()
    bench.cleared.set()


def test_the_real_rate_is_measured_whatever_the_camera_claims(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The fake camera's reads move the clock by 0.1 s each: 10 fps, while it claims 30."""
    now_s = 100.0
    turn = threading.Semaphore(4)

    def tick() -> None:
        nonlocal now_s
        turn.acquire(timeout=5)
        now_s += 0.1

    bench = Bench(lambda: moving(1), tick=tick, claims_fps=30.0)
    time = Timebase(lambda: now_s, QUICK.wait)
    with caplog.at_level(logging.WARNING, "live"):
        source = start(bench, time)
        for _ in range(40):
            turn.release()
            assert source.read() is not None
    assert source.fps == pytest.approx(10, rel=0.05)
    assert ["10.0 fps, 30 were asked for" in r.getMessage() for r in caplog.records] == [True]
    source.close()


def test_an_infrared_cameras_grey_pictures_become_bgr() -> None:
    grey = [np.full((24, 32), number, np.uint8) for number in range(200)]
    source = start(Bench(lambda: iter(grey)))
    frame = source.read()
    source.close()
    assert frame is not None
    assert frame.image.shape == (24, 32, 3)


def test_devices_are_listed_by_number(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    paths = [f"/dev/video{n}" for n in (10, 2, 0)]
    monkeypatch.setattr("live.sources.camera.glob.glob", lambda pattern: paths)
    monkeypatch.setattr("live.sources.camera.sys.platform", "linux")
    assert video_devices() == ["/dev/video0", "/dev/video2", "/dev/video10"]
