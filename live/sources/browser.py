"""A phone's camera as a source: its page sends the picture, which is left in a mailbox.

    the phone -> (whoever receives it) -> inbox -> read() -> the grabber

The show begins before any phone is there, and goes on while none is: `read` just blocks.
"""

from __future__ import annotations

import logging

from live.errors import SetupError
from live.frames import Frame
from live.latest import Closed, Latest
from live.sources.base import Timebase
from live.sources.rate import Rate

log = logging.getLogger(__name__)

NAME = "a phone's camera"


def open_browser(
    inbox: Latest[Frame] | None, time: Timebase, stale_after_s: float
) -> BrowserSource:
    """The source that gives what arrives in `inbox`. Raises `SetupError` when there is none."""
    if inbox is None:
        raise SetupError(
            "--source browser needs the show's server; give a camera, a file or a URL instead"
        )
    return BrowserSource(inbox, time, stale_after_s)


class BrowserSource:
    """Gives the newest frame in `inbox`; ends when it is closed, and never by itself."""

    def __init__(
        self, inbox: Latest[Frame], time: Timebase | None = None, stale_after_s: float = 0.8
    ) -> None:
        """Frames are stamped by who puts them. After `stale_after_s` without one it is said."""
        self.name = NAME
        self._inbox = inbox
        self._clock = (time or Timebase()).clock
        self._stale_after_s = stale_after_s
        self._rate = Rate()
        self._newest_s: float | None = None
        self._stale = False

    @property
    def fps(self) -> float:
        return 0.0 if self.trouble else self._rate.per_s

    @property
    def trouble(self) -> str | None:
        if self._newest_s is None:
            return "no phone is the camera yet; scan the code with the one that shall be"
        silent_s = self._clock() - self._newest_s
        if silent_s < self._stale_after_s:
            return None
        return f"the phone sends no picture for {silent_s:.1f} s; look at what its page says"

    def read(self) -> Frame | None:
        try:
            while (frame := self._inbox.take(self._stale_after_s)) is None:
                self._note_stale()
        except Closed:
            return None
        self._note(frame)
        return frame

    def close(self) -> None:
        self._inbox.close()

    def _note(self, frame: Frame) -> None:
        if self._newest_s is None:
            log.info("a phone sends its picture: %dx%d", frame.size[1], frame.size[0])
        elif self._stale:
            log.warning("the phone is back after %.1f s", frame.captured_s - self._newest_s)
            self._rate.reset()
        self._newest_s, self._stale = frame.captured_s, False
        self._rate.add(frame.captured_s)

    def _note_stale(self) -> None:
        if self._newest_s is not None and not self._stale:
            log.warning("%s", self.trouble or "the phone sends no picture")
            self._stale = True
