"""The show's sound: taken in blocks of 20 ms, delayed as the picture is, encoded once for all."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from live.errors import StreamError
from live.stream.opus import BLOCK, BLOCK_S, RATE_HZ, Heard, OpusEncoder, SoundPacket
from live.stream.sound_pace import following
from live.stream.sound_source import SoundSource
from live.stream.sound_track import SoundTrack
from live.timing import Clock

log = logging.getLogger(__name__)

LEAD_S = 0.05
"""How much longer than a picture a browser holds sound back: it is sent so much sooner.

Chromium on a quiet line, from sending to the loudspeaker's driver against from sending to the
page: 43 to 52 ms by its own reckoning (`estimatedPlayoutTimestamp`), 78 ms as Web Audio hears it,
which adds a buffer of its own. 30 ms of that are its jitter buffer, which holds pictures for less
than 1 ms.
"""

ASK_BLOCKS = 50
"""The picture's delay is asked for once in so many blocks: every second."""

STALL_S = 0.5
"""Later than this, what should have been sent meanwhile is left out."""

CLOSE_S = 1.0


@dataclass(frozen=True, slots=True)
class SoundCounts:
    """What the sound has done since it was made."""

    listeners: int  # at the moment
    blocks: int  # of 20 ms, coded
    dropped: int  # packets that slow listeners missed, those gone included


class Sound:
    """Takes, encodes and hands out on one thread, from `start` to `close`."""

    def __init__(
        self,
        source: SoundSource,
        delay_s: Callable[[], float] = lambda: 0.0,
        offset_s: float = 0.0,
        lead_s: float = LEAD_S,
        clock: Clock = time.monotonic,
    ) -> None:
        """`delay_s` tells what a picture needs from capture to sending, 0 when that is unknown.

        It is asked on the sound's thread: keep it quick. The source is closed with the sound.
        Raises `StreamError` where PyAV was built without Opus.
        """
        self.offset_s = offset_s  # the sound comes so much later; may be set at any time
        self._source = source
        self._measure_s = delay_s
        self._picture_s = 0.0  # what a picture needs; 0: unknown
        self._lead_s = lead_s
        self._clock = clock
        self._encoder = OpusEncoder()
        self._lock = threading.Lock()
        self._tracks: list[SoundTrack] = []
        self._taps: list[Callable[[Heard], None]] = []
        self._origin_s = 0.0  # capture time of block 0
        self._block = 0
        self._offset_s = offset_s  # that `_delay_s` was made with
        self._delay_s = self._soonest_s
        self._coded = self._dropped = 0
        self._failing = False
        self._trouble: str | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sound", daemon=True)

    def start(self) -> None:
        """Begin. Once only."""
        self._thread.start()

    def close(self) -> None:
        """End all tracks, and close the source. May be called twice, and before `start`."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(CLOSE_S)
        if self._thread.is_alive():
            log.warning("%s does not answer; left behind", self._source.name)
        else:
            self._source.close()
        with self._lock:
            tracks, self._taps = list(self._tracks), []
        for track in tracks:
            _call_on(track.loop, track.stop)

    def __enter__(self) -> Sound:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def track(self) -> SoundTrack:
        """A new listener's track. Call it on the listener's event loop; whoever asks stops it."""
        track = SoundTrack(self._leave)
        with self._lock:
            ended = self._stop.is_set()
            self._tracks += [] if ended else [track]
        if ended:
            track.stop()
        return track

    def tap(self, put: Callable[[Heard], None]) -> Callable[[], None]:
        """Have `put` called with every packet, on the sound's thread, until what returns is called.

        `put` never blocks, and writes to no packet: it is everybody's.
        """
        with self._lock:
            self._taps.append(put)
        return partial(self._untap, put)

    @property
    def counts(self) -> SoundCounts:
        """Counters, from any thread."""
        with self._lock:
            dropped = self._dropped + sum(one.dropped for one in self._tracks)
            return SoundCounts(len(self._tracks), self._coded, dropped)

    @property
    def delay_s(self) -> float:
        """From a sound's capture to its sending, at the moment, seconds."""
        return self._delay_s

    @property
    def late_s(self) -> float:
        """How much later than in step it comes, because it cannot be sent any sooner, seconds."""
        return max(0.0, self._soonest_s - self._in_step_s) if self._picture_s else 0.0

    @property
    def trouble(self) -> str | None:
        """What is wrong just now, one sentence; None when well."""
        return self._trouble or self._source.trouble

    @property
    def _soonest_s(self) -> float:
        return BLOCK_S + self._source.lag_s

    @property
    def _in_step_s(self) -> float:
        return self._picture_s - self._lead_s + self.offset_s

    def _run(self) -> None:
        self._origin_s = self._clock()
        try:
            self._follow()
            while not self._stop.wait(self._due_s() - self._clock()):
                self._send()
                self._follow()
                self._skip_what_was_missed()
        except Exception as error:  # the thread's top: say it, and let the show go on
            log.exception("the sound ended")
            self._trouble = f"the sound ended ({error!r})"

    def _follow(self) -> None:
        """Let the delay follow the picture's; what a person sets, and a first measure, at once."""
        offset_s, unknown = self.offset_s, self._picture_s == 0
        if self._block % ASK_BLOCKS == 0 or unknown:
            self._picture_s = self._measure_s() or self._picture_s
        at_once = offset_s != self._offset_s or unknown
        self._offset_s = offset_s
        wanted_s = max(self._in_step_s, self._soonest_s)
        self._delay_s = wanted_s if at_once else following(self._delay_s, wanted_s, BLOCK_S)

    def _captured_s(self) -> float:
        return self._origin_s + self._block * BLOCK_S

    def _due_s(self) -> float:
        return self._captured_s() + self._delay_s

    def _send(self) -> None:
        captured_s, ticks = self._captured_s(), self._block * BLOCK
        self._block += 1
        samples = self._source.take(captured_s)
        try:
            packet = self._encoder.encode(samples, ticks)
            self._failing = False
        except StreamError as error:
            self._say(error)
            self._encoder = OpusEncoder()
            return
        self._coded += 1
        assert packet.pts is not None
        ahead_s = (ticks - packet.pts) / RATE_HZ  # Opus's packet begins so much before the block
        self._hand_out(Heard(packet, captured_s - ahead_s + self._offset_s))

    def _say(self, error: StreamError) -> None:
        if not self._failing:
            log.error("%s; the show goes on", error)
        self._failing = True

    def _skip_what_was_missed(self) -> None:
        """After the machine slept, or the clock jumped: go on with the sound of now."""
        late_s = self._clock() - self._due_s()
        if late_s > STALL_S:
            self._block += int(late_s / BLOCK_S)
            self._encoder = OpusEncoder()  # a running one gives the next packet the time of a gap

    def _hand_out(self, heard: Heard) -> None:
        with self._lock:
            tracks, taps = list(self._tracks), list(self._taps)
        for put in taps:
            put(heard)
        by_loop: dict[asyncio.AbstractEventLoop, list[SoundTrack]] = defaultdict(list)
        for track in tracks:
            by_loop[track.loop].append(track)
        for loop, its_tracks in by_loop.items():  # one wake-up for each, however many listen
            _call_on(loop, partial(_put, heard.packet, its_tracks))

    def _untap(self, put: Callable[[Heard], None]) -> None:
        with self._lock:
            self._taps = [one for one in self._taps if one != put]

    def _leave(self, track: SoundTrack) -> None:
        with self._lock:
            if track in self._tracks:
                self._tracks.remove(track)
                self._dropped += track.dropped


def _put(packet: SoundPacket, tracks: list[SoundTrack]) -> None:
    for track in tracks:
        track.put(packet)


def _call_on(loop: asyncio.AbstractEventLoop, call: Callable[[], object]) -> None:
    try:
        loop.call_soon_threadsafe(call)
    except RuntimeError:  # the loop has closed, and its listeners with it
        log.debug("a listener's event loop is gone")
