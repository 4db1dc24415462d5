"""`Grabber`: the show's first thread. Reads a source and leaves the newest frame in a mailbox."""

from __future__ import annotations

import logging
import threading
import time

from live.errors import SourceError, UnderstudyError
from live.frames import Frame
from live.latest import Latest
from live.sources.base import Source, SourceTold
from live.timing import Clock

log = logging.getLogger(__name__)

CLOSE_TIMEOUT_S = 1.0
SILENT_S = 1.0
"""Seconds without a frame after which it is told, whatever the source says of itself."""


class Grabber:
    """Runs `source.read() -> frames.put()` on its own thread until the source ends or fails.

    `close` closes the source as well; the mailbox stays open, its owner closes it.
    """

    def __init__(
        self, source: Source, frames: Latest[Frame], clock: Clock = time.monotonic
    ) -> None:
        self.source = source
        self.finished = threading.Event()  # the thread is over: the source ended, failed or closed
        self.error: UnderstudyError | None = None  # why, when it failed
        self.grabbed = 0  # frames read
        self._frames = frames
        self._clock = clock
        self._newest_s = clock()
        self._thread = threading.Thread(target=self._run, name="grab", daemon=True)

    def start(self) -> None:
        """Begin to read. Once only."""
        self._thread.start()

    def stale_s(self, now_s: float) -> float:
        """Age of the newest frame at `now_s`, seconds; before the first one, since the start."""
        return max(0.0, now_s - self._newest_s)

    def tells(self) -> SourceTold:
        """The source's name, rate and trouble. From any thread, quick."""
        trouble, stale_s = self.source.trouble, self.stale_s(self._clock())
        if trouble is None and stale_s >= SILENT_S:
            trouble = f"{self.source.name} gives no picture for {stale_s:.1f} s"
        return SourceTold(self.source.name, round(self.source.fps, 1), trouble)

    def close(self) -> None:
        """Close the source and wait for the thread, for one second at most. May be called twice."""
        self.source.close()
        if self._thread.ident is None:
            return
        self._thread.join(CLOSE_TIMEOUT_S)
        if self._thread.is_alive():
            log.warning("%s does not return from its read; left behind", self.source.name)

    def _run(self) -> None:
        try:
            while (frame := self.source.read()) is not None:
                self._newest_s = frame.captured_s
                self.grabbed += 1
                self._frames.put(frame)
        except UnderstudyError as error:
            log.error("%s", error)
            self.error = error
        except Exception as error:
            log.exception("reading %s failed", self.source.name)
            self.error = SourceError(f"reading {self.source.name} failed: {error}")
        finally:
            self.finished.set()
