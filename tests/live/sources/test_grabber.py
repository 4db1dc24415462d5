"""The grabber moves frames from a source into the mailbox, and ends cleanly."""

from __future__ import annotations

import logging
import threading

import numpy as np
import pytest

from live.errors import SourceError
from live.frames import Frame, Image
from live.latest import Latest
from live.sources import Grabber, ScriptedSource
from tests.live.sources.faketime import FakeTime

IMAGES: list[Image | Exception] = [np.full((4, 6, 3), value, np.uint8) for value in range(5)]


def test_the_newest_frame_lies_in_the_mailbox_and_the_rest_are_counted() -> None:
    time = FakeTime(10.0)
    frames: Latest[Frame] = Latest()
    grabber = Grabber(ScriptedSource(IMAGES, pace_fps=10, time=time.base), frames, time.clock)
    assert grabber.stale_s(12.0) == pytest.approx(2.0)
    grabber.start()
    assert grabber.finished.wait(10)
    frame = frames.take(0)
    assert frame is not None
    assert (frame.sequence, int(frame.image[0, 0, 0])) == (4, 4)
    assert frame.captured_s == pytest.approx(10.4)
    assert (grabber.grabbed, frames.dropped, grabber.error) == (5, 4, None)
    assert grabber.stale_s(11.0) == pytest.approx(0.6)
    grabber.close()
    grabber.close()


@pytest.mark.parametrize("error", [SourceError("camera 7 melted"), ValueError("a bug")])
def test_an_error_ends_the_thread_and_is_kept(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    time = FakeTime()
    frames: Latest[Frame] = Latest()
    with caplog.at_level(logging.ERROR, "live"):
        grabber = Grabber(ScriptedSource([IMAGES[0], error], time=time.base), frames, time.clock)
        grabber.start()
        assert grabber.finished.wait(10)
    assert str(error) in str(grabber.error)
    assert isinstance(grabber.error, SourceError)
    assert grabber.grabbed == 1
    assert str(error) in caplog.text
    grabber.close()


def test_close_ends_a_source_that_waits_for_its_next_frame() -> None:
    frames: Latest[Frame] = Latest()
    grabber = Grabber(ScriptedSource(IMAGES, pace_fps=0.01), frames)  # one frame in 100 s
    grabber.start()
    assert frames.take(10) is not None
    grabber.close()
    assert grabber.finished.wait(10)
    assert grabber.error is None


def test_close_before_start_and_a_source_that_hangs() -> None:
    Grabber(ScriptedSource(IMAGES), Latest()).close()
    free = threading.Event()

    class Hung(ScriptedSource):
        def read(self) -> Frame | None:
            free.wait(20)
            return None

    grabber = Grabber(Hung(IMAGES), Latest())
    grabber.start()
    grabber.close()  # returns though the read does not
    assert not grabber.finished.is_set()
    free.set()
    assert grabber.finished.wait(10)
