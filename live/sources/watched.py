"""`WatchedSource`: a camera or connection that is watched, and reopened when it fails.

    device.read (daemon thread, may hang) -> Pump.box -> read() -> the grabber

The reader never touches the device, so that neither `read` nor `close` can hang with it.
"""

from __future__ import annotations

import itertools
import logging
import threading
from dataclasses import dataclass

from live.errors import SourceError
from live.frames import Frame
from live.latest import Closed
from live.sources.base import Timebase
from live.sources.pump import OpenDevice, Pump
from live.sources.watch import Backoff, RateWatch, Watch

log = logging.getLogger(__name__)

CLOSE_TIMEOUT_S = 0.5
RATE_KNOWN_AFTER_S = 2.0  # of pictures; then a wrong rate is said
RATE_TOLERANCE = 0.2  # relative
MOST_LEFT_BEHIND = 3  # hung threads; with so many, none is added until one returns


@dataclass(frozen=True, slots=True)
class Limits:
    """What a feed is held to."""

    stale_after_s: float
    open_timeout_s: float
    watch_content: bool  # the same picture over and over counts as a failure
    expected_fps: float | None = None  # other than that is said


class WatchedSource:
    """Gives what `open_device` opens; reopens it with back-off when it hangs, fails or freezes.

    Raises `SourceError` when no first picture comes; later failures only make `read` block.
    """

    def __init__(self, name: str, open_device: OpenDevice, limits: Limits, time: Timebase) -> None:
        self.name = name
        self._lost: str | None = None  # why it gives nothing
        self._remark: str | None = None  # what is wrong with what it gives
        self._open_device = open_device
        self._limits = limits
        self._time = time
        self._closed = threading.Event()
        self._swapping = threading.Lock()  # between `close` and the exchange of the pump
        self._sequence = itertools.count()
        self._watch = Watch(limits.stale_after_s, limits.open_timeout_s, limits.watch_content)
        self._backoff = Backoff()
        self._left_behind: list[Pump] = []
        self._lost_s = 0.0
        self._rate = RateWatch(limits.expected_fps, RATE_KNOWN_AFTER_S, RATE_TOLERANCE)
        self._pump = self._opened()
        self._await_first()

    @property
    def trouble(self) -> str | None:
        """Why it gives nothing, or what is wrong with what it gives."""
        return self._lost or self._remark

    @property
    def fps(self) -> float:
        """Pictures per second that really arrive; 0 while there are none."""
        return 0.0 if self._lost else self._pump.rate.per_s

    def read(self) -> Frame | None:
        while not self._closed.is_set():
            try:
                frame = self._pump.box.take(self._watch.patience_s(self._time.clock()))
            except Closed:
                if self._closed.is_set() or self._pump.error is None:
                    return None
                self._reopen(str(self._pump.error))
                continue
            if self._is_new(frame):
                return frame
        return None

    def close(self) -> None:
        self._closed.set()
        with self._swapping:
            self._pump.leave()
        if not self._pump.join(CLOSE_TIMEOUT_S):
            log.warning("%s hangs in its driver; its thread is left behind", self.name)

    def _await_first(self) -> None:
        """Return when a picture came; what else comes is the reason for not starting."""
        try:
            frame = self._pump.box.take(self._limits.open_timeout_s)
        except Closed:
            raise self._pump.error or SourceError(f"{self.name} ended before a picture") from None
        if frame is None:
            self._pump.leave()
            raise SourceError(
                f"{self.name} gives no picture within {self._limits.open_timeout_s:g} s; "
                "unplug and replug it or start it anew, and close other programs that use it"
            )
        self._watch.saw(frame.image, frame.captured_s)

    def _is_new(self, frame: Frame | None) -> bool:
        """Judge the feed by this frame (None: none came); True when the frame is worth giving."""
        if frame is not None:
            self._watch.saw(frame.image, frame.captured_s)
        trouble = self._watch.trouble(self._time.clock())
        if trouble is not None:
            self._reopen(f"{self.name} {trouble}")
            return False
        if frame is None or not self._watch.alive:
            return False
        self._note_well()
        return True

    def _note_well(self) -> None:
        if self._lost is not None:
            log.warning("%s is back after %.1f s", self.name, self._time.clock() - self._lost_s)
            self._lost = None
        remark = self._found()
        if remark is not None and self._remark is None:
            log.warning("%s", remark)
        elif remark is None and self._remark is not None:
            log.warning("%s is as it should be again", self.name)
        self._remark = remark

    def _found(self) -> str | None:
        """What is wrong with pictures that come, one sentence."""
        if self._watch.dark_s():
            return f"{self.name} shows black; take off its cover, put on light, or replug it"
        wrong = self._rate.judge(self._pump.rate.per_s, self._watch.lived_s)
        return None if wrong is None else f"{self.name} {wrong}"

    def _reopen(self, reason: str) -> None:
        """Leave the pump, wait, and start the next one, unless closed meanwhile."""
        delay_s = self._backoff.after(self._watch.lived_s)
        if self._lost is None:
            self._lost_s = self._time.clock()
            log.warning("%s; opening it again in %.2g s", reason, delay_s)
        self._lost, self._remark = reason, None
        self._pump.leave()
        self._left_behind.append(self._pump)
        while not self._time.wait(self._closed, delay_s):
            self._left_behind = [pump for pump in self._left_behind if pump.running]
            if len(self._left_behind) < MOST_LEFT_BEHIND:
                break
            delay_s = self._backoff.after(0.0)
        with self._swapping:
            if not self._closed.is_set():
                self._pump = self._opened()

    def _opened(self) -> Pump:
        self._watch.opened(self._time.clock())
        return Pump(self.name, self._open_device, self._time.clock, self._sequence)
