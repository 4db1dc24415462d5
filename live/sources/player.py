"""`ClipPlayer`: plays a clip by its own time stamps, again and again; late frames are skipped."""

from __future__ import annotations

import logging
import threading
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator

from live.errors import SourceError
from live.frames import Frame
from live.sources.base import Timebase
from live.sources.clip import ClipFrame, ClipReader, DecodeError
from live.sources.pace import Pacer
from live.sources.rate import Rate

log = logging.getLogger(__name__)

OpenClip = Callable[[], ClipReader]
"""Opens the clip anew, at its beginning. Raises `SourceError`."""

CUT_OFF_SHARE = 0.95  # of the announced duration; a clip that ends before it was cut off
_LOOPS_KEPT = 256  # of which `clip_index` knows the start: minutes even of a one-second clip


class ClipPlayer:
    """A source that plays what `open_clip` opens; `clip_index` leads back to the clip's frames.

    Raises `SourceError` at once when the clip cannot be opened or holds no picture.
    """

    trouble: str | None = None

    def __init__(self, name: str, open_clip: OpenClip, loop: bool, time: Timebase) -> None:
        self.name = name
        self._open_clip = open_clip
        self._loop = loop
        self._time = time
        self._closed = threading.Event()
        self._reading = threading.Lock()  # held while the clip is in use; `close` never waits
        self._pacer = Pacer()
        self._rate = Rate()
        self._sequence = 0
        self._loops = deque([0], maxlen=_LOOPS_KEPT)  # sequence of each pass's first frame
        self._base_s = 0.0  # media time at which this pass began
        self._end_s = 0.0  # media time at which the newest frame ends
        self._warned = False
        self._ahead: ClipFrame | None = None  # decoded, not yet judged
        self._begin()

    @property
    def fps(self) -> float:
        """The clip's own frames per second, skipped ones included."""
        return self._rate.per_s

    def read(self) -> Frame | None:
        with self._reading:
            frame = None if self._closed.is_set() else self._next_due()
        if self._closed.is_set():
            self._free()
            return None
        return frame

    def clip_index(self, sequence: int) -> int:
        """Number in the clip, from 0, of the frame with `Frame.sequence` = `sequence`."""
        starts = list(self._loops)
        return sequence - starts[max(0, bisect_right(starts, sequence) - 1)]

    def close(self) -> None:
        self._closed.set()
        self._free()

    def _free(self) -> None:
        """Close the clip unless a `read` is using it, which then does so itself."""
        if self._reading.acquire(blocking=False):
            try:
                self._clip.close()
            finally:
                self._reading.release()

    def _next_due(self) -> Frame | None:
        """The next frame worth showing, when it is due; None when closed or at the end."""
        while (shown := self._next()) is not None:
            media_s = self._base_s + shown.at_s
            self._end_s = media_s + shown.lasts_s
            self._rate.add(media_s)
            sequence, self._sequence = self._sequence, self._sequence + 1
            due = self._pacer.judge(media_s, shown.lasts_s, self._time.clock())
            if due.skip:
                continue
            image = shown.image()
            if self._time.wait(self._closed, max(0.0, due.at_s - self._time.clock())):
                return None
            return Frame(image, self._time.clock(), sequence)
        return None

    def _next(self) -> ClipFrame | None:
        """The next decoded frame of this pass or, looping, of the next one."""
        shown = self._ahead or next(self._frames, None)
        self._ahead = None
        if shown is None and not self._closed.is_set():
            self._note_end()
            if self._loop:
                self._again()
                shown, self._ahead = self._ahead, None
        return shown

    def _begin(self) -> None:
        """Open the clip and decode its first frame, so that a bad one is refused here."""
        self._clip = self._open_clip()
        self._frames: Iterator[ClipFrame] = self._decoded(self._clip)
        self._ahead = next(self._frames, None)
        if self._ahead is None:
            self._clip.close()
            raise SourceError(
                f"{self.name} holds no picture that can be decoded; play it in another "
                "program to see whether it is damaged, or give another file"
            )

    def _again(self) -> None:
        self._clip.close()
        self._base_s = self._end_s
        self._begin()
        self._loops.append(self._sequence)

    def _decoded(self, clip: ClipReader) -> Iterator[ClipFrame]:
        """The clip's frames; data that turns bad half-way ends them, and `_note_end` says so."""
        try:
            yield from clip.frames()
        except DecodeError as error:
            clip.broken += 1
            log.debug("%s: %s", self.name, error)

    def _note_end(self) -> None:
        """Say once what is wrong with the clip, now that all of it was seen."""
        if self._warned:
            return
        played_s, announced_s = self._end_s - self._base_s, self._clip.announced_s
        if announced_s is not None and played_s < CUT_OFF_SHARE * announced_s:
            self._warned = True
            log.warning(
                "%s is cut off: it announces %.1f s and ends after %.1f s; playing what is there",
                self.name, announced_s, played_s,
            )  # fmt: skip
        elif self._clip.broken:
            self._warned = True
            log.warning("%s is damaged: %d parts of it do not decode", self.name, self._clip.broken)
