"""The hub: every picture is encoded once per codec, and its packet goes to all viewers of it."""

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
from live.frames import Image, Picture
from live.stream.encoder import Codec, Coded, Encoder, EncoderSettings, open_encoder, to_i420
from live.stream.keyframes import KeyFrameGate
from live.stream.presentation import Presentation, first, following
from live.stream.subscription import Subscription
from live.timing import Clock

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Published:
    """What became of one picture."""

    encoded_s: float  # when its last codec was done, on the hub's clock
    bytes: int  # coded bytes, over all codecs; 0 when nobody watches
    key_frame: bool  # whether any codec made a key frame of it


@dataclass(frozen=True, slots=True)
class HubCounts:
    """What the hub has done since it was made."""

    viewers: int  # at the moment
    frames: int  # pictures published
    encoded: int  # coded pictures, over all codecs
    key_frames: int  # coded pictures that were key frames
    bytes: int  # coded bytes, once however many watch
    dropped: int  # coded pictures that slow viewers missed, those gone included


class Hub:
    """Encodes on the thread that calls `publish`; hands packets to viewers on their own loops."""

    def __init__(
        self,
        settings: EncoderSettings | None = None,
        always_encode: bool = False,
        clock: Clock = time.monotonic,
    ) -> None:
        """`always_encode` encodes H.264 even when nobody watches, so that it can be measured."""
        settings = settings or EncoderSettings()
        self._clock = clock
        self._lock = threading.Lock()
        self._subscriptions: dict[Codec, list[Subscription]] = {codec: [] for codec in Codec}
        self._lanes = {codec: _Lane(codec, settings) for codec in Codec}
        self._always = frozenset({Codec.H264} if always_encode else ())
        self._presentation: Presentation | None = None
        self._frames = self._encoded = self._key_frames = self._bytes = self._dropped = 0
        self._closed = False

    def publish(self, picture: Picture) -> Published:
        """Encode `picture` for those who watch. For one thread only; never the event loop's.

        Raises `StreamError` when no encoder of the table can code it any more.
        """
        presentation = self._present(picture)
        i420: Image | None = None
        coded_bytes, any_key = 0, False
        for codec in self._watched():
            i420 = to_i420(picture.image) if i420 is None else i420
            coded = self._lanes[codec].encode(i420, presentation)
            # Asked for only now: who joined meanwhile had its ask answered by this very picture.
            _hand_out(coded, self._viewers(codec))
            self._count(coded)
            coded_bytes += coded.packet.size
            any_key = any_key or coded.key_frame
        self._frames += 1
        return Published(self._clock(), coded_bytes, any_key)

    def subscribe(self, codec: Codec) -> Subscription:
        """A new viewer's queue, which starts at a key frame. Call it on the viewer's event loop."""
        gate = self._lanes[codec].gate
        subscription = Subscription(codec, gate.ask, self._leave)
        with self._lock:
            if self._closed:
                raise StreamError("the show has ended; start it again with run_live.py")
            self._subscriptions[codec].append(subscription)
        gate.ask()
        return subscription

    @property
    def counts(self) -> HubCounts:
        """Counters, from any thread."""
        with self._lock:
            present = [one for many in self._subscriptions.values() for one in many]
            dropped = self._dropped + sum(one.dropped for one in present)
        return HubCounts(
            len(present), self._frames, self._encoded, self._key_frames, self._bytes, dropped
        )

    @property
    def encoders(self) -> dict[Codec, str]:
        """The FFmpeg name of the encoder in use for each codec that was needed so far."""
        names = {codec: lane.encoder_name for codec, lane in self._lanes.items()}
        return {codec: name for codec, name in names.items() if name is not None}

    def close(self) -> None:
        """End every subscription, from any thread. May be called twice."""
        with self._lock:
            self._closed = True
            present = [one for many in self._subscriptions.values() for one in many]
        for subscription in present:
            _call_on(subscription.loop, subscription.close)

    def _present(self, picture: Picture) -> Presentation:
        last, now_s = self._presentation, self._clock()
        if last is None:
            self._presentation = first(picture.captured_s, now_s)
        else:
            self._presentation = following(last, picture.captured_s, now_s)
        return self._presentation

    def _watched(self) -> list[Codec]:
        with self._lock:
            return [
                codec
                for codec, viewers in self._subscriptions.items()
                if viewers or codec in self._always
            ]

    def _viewers(self, codec: Codec) -> tuple[Subscription, ...]:
        with self._lock:
            return tuple(self._subscriptions[codec])

    def _count(self, coded: Coded) -> None:
        self._encoded += 1
        self._key_frames += coded.key_frame
        self._bytes += coded.packet.size

    def _leave(self, subscription: Subscription) -> None:
        with self._lock:
            viewers = self._subscriptions[subscription.codec]
            if subscription in viewers:
                viewers.remove(subscription)
                self._dropped += subscription.dropped


class _Lane:
    """One codec's encoder, made when first needed, renewed when the size changes or it fails."""

    def __init__(self, codec: Codec, settings: EncoderSettings) -> None:
        self.gate = KeyFrameGate()
        self._codec = codec
        self._settings = settings
        self._encoder: Encoder | None = None
        self._failed: frozenset[str] = frozenset()

    @property
    def encoder_name(self) -> str | None:
        return self._encoder.name if self._encoder else None

    def encode(self, i420: Image, presentation: Presentation) -> Coded:
        size = i420.shape[0] * 2 // 3, i420.shape[1]
        if self._encoder is None or self._encoder.size != size:
            self._encoder = self._open(size)
        key_frame = self.gate.take(presentation.now_s)
        ticks, captured_s = presentation.ticks, presentation.captured_s
        try:
            return self._encoder.encode(i420, ticks, captured_s, key_frame)
        except StreamError as error:
            log.error("%s; trying the next one", error)
            self._failed |= {self._encoder.name}
            self._encoder = self._open(size)
            return self._encoder.encode(i420, ticks, captured_s, key_frame=True)

    def _open(self, size: tuple[int, int]) -> Encoder:
        return open_encoder(self._codec, size, self._settings, self._failed)


def _hand_out(coded: Coded, viewers: tuple[Subscription, ...]) -> None:
    """One wake-up for each event loop, however many viewers it serves."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Subscription]] = defaultdict(list)
    for viewer in viewers:
        by_loop[viewer.loop].append(viewer)
    for loop, its_viewers in by_loop.items():
        _call_on(loop, partial(_put, coded, its_viewers))


def _put(coded: Coded, viewers: list[Subscription]) -> None:
    for viewer in viewers:
        viewer.put(coded)


def _call_on(loop: asyncio.AbstractEventLoop, call: Callable[[], object]) -> None:
    try:
        loop.call_soon_threadsafe(call)
    except RuntimeError:  # the loop has closed, and its viewers with it
        log.debug("a viewer's event loop is gone")
