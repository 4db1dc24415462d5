"""The hub: every picture is encoded once per codec and rung, and its packet goes to all viewers."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from itertools import count, product

from live.errors import StreamError
from live.frames import Picture
from live.stream.encoder import Codec, Coded, EncoderSettings, kinds_of
from live.stream.hub_counts import HubCounts, Published
from live.stream.lane import Lane
from live.stream.planes import Planes
from live.stream.presentation import Presentation, first, following
from live.stream.steering import Place, Plan, Rung, SteerSettings, plan
from live.stream.subscription import Subscription
from live.stream.tap import Tap
from live.timing import Clock

log = logging.getLogger(__name__)

PLAN_S = 0.5
"""How often bitrates and rungs are thought over; viewers report about once a second."""


class Hub:
    """Encodes on the thread that calls `publish`; hands packets to viewers on their own loops."""

    def __init__(
        self,
        settings: EncoderSettings | None = None,
        always_encode: bool = False,
        clock: Clock = time.monotonic,
        steer: SteerSettings | None = None,
    ) -> None:
        """`always_encode` encodes H.264 even when nobody watches, so that it can be measured.

        `steer` bounds the bitrates; by default the settings' bitrate is the ceiling.
        """
        settings = settings or EncoderSettings()
        self._steer = steer or _steer_for(settings)
        self._clock = clock
        self._lock = threading.Lock()
        self._subscriptions: list[Subscription] = []
        self._taps: list[Tap] = []
        self._lanes = {
            (codec, rung): Lane(codec, rung, settings) for codec, rung in product(Codec, Rung)
        }
        self._able = {codec for codec in Codec if kinds_of(codec, settings)}
        self._always = frozenset({Codec.H264} if always_encode else ())
        self._plan = Plan({}, {rung: self._steer.bounds_bps(rung)[1] for rung in Rung})
        self._planned_s = clock() - PLAN_S
        self._numbers = count()
        self._presentation: Presentation | None = None
        self._frames = self._encoded = self._key_frames = self._bytes = self._dropped = 0
        self._closed = False

    def publish(self, picture: Picture) -> Published:
        """Encode `picture` for those who watch. For one thread only; never the event loop's.

        Raises `StreamError` when no encoder of the table can code it any more.
        """
        presentation = self._present(picture)
        viewers, taps = self._present_viewers()
        self._think(viewers, presentation.now_s)
        planes = Planes(picture.image)
        coded_bytes, any_key = 0, False
        for codec in self._watched(viewers, taps):
            # All rungs before any is handed out: nobody who moves gets one picture twice.
            all_coded = self._encode(codec, viewers, taps, planes, presentation)
            # Asked for only now: who joined meanwhile had its ask answered by this very picture.
            self._hand_out(codec, all_coded)
            coded_bytes += sum(one.packet.size for one in all_coded.values())
            any_key = any_key or any(one.key_frame for one in all_coded.values())
        self._frames += 1
        if not self._able:
            raise StreamError("no encoder works any more; start the show again")
        return Published(self._clock(), coded_bytes, any_key)

    def subscribe(self, codec: Codec) -> Subscription:
        """A new viewer's queue, which starts at a key frame. Call it on the viewer's event loop.

        Raises `StreamError` when the show has ended or no encoder makes `codec`.
        """
        if codec not in self._able:
            raise StreamError(f"the show has no encoder for {codec.value}")
        subscription = Subscription(codec, self, next(self._numbers), self._steer)
        with self._lock:
            if self._closed:
                raise StreamError("the show has ended; start it again with run_live.py")
            self._subscriptions.append(subscription)
        return subscription

    def tap(self, codec: Codec, put: Callable[[Coded], None]) -> Tap:
        """`put` every coded picture of the full rung, from the next key frame on.

        It is called on the encoder's thread, and must not block nor raise.
        """
        lane = self._lanes[codec, Rung.FULL]
        made = Tap(lane, put, self._untap)
        with self._lock:
            self._taps.append(made)
        lane.gate.ask_to_start()
        return made

    @property
    def able(self) -> frozenset[Codec]:
        """The codecs that can be made, from any thread."""
        return frozenset(self._able)

    @property
    def counts(self) -> HubCounts:
        """Counters, from any thread."""
        with self._lock:
            present = tuple(self._subscriptions)
            dropped = self._dropped + sum(one.dropped for one in present)
        return HubCounts(
            len(present),
            sum(one.rung is Rung.QUARTER for one in present),
            round(self._plan.bitrate_bps[Rung.FULL] / 1e3),
            self._frames,
            self._encoded,
            self._key_frames,
            self._bytes,
            dropped,
        )

    @property
    def encoders(self) -> dict[Codec, str]:
        """The FFmpeg name of the encoder in use for each codec that was needed so far."""
        names = {codec: self._lanes[codec, Rung.FULL].encoder_name for codec in Codec}
        return {codec: name for codec, name in names.items() if name is not None}

    def close(self) -> None:
        """End every subscription, from any thread. May be called twice."""
        with self._lock:
            self._closed = True
            present = tuple(self._subscriptions)
        for subscription in present:
            _call_on(subscription.loop, subscription.close)

    def began(self, subscription: Subscription) -> None:
        """A viewer waits for its first picture."""
        self._lanes[subscription.codec, subscription.rung].gate.ask_to_start()

    def lost_track(self, subscription: Subscription) -> None:
        """A viewer needs a key frame to go on. From any thread."""
        self._lanes[subscription.codec, subscription.rung].gate.ask()

    def left(self, subscription: Subscription) -> None:
        """A viewer has gone."""
        with self._lock:
            if subscription in self._subscriptions:
                self._subscriptions.remove(subscription)
                self._dropped += subscription.dropped

    def _untap(self, tap: Tap) -> None:
        with self._lock:
            if tap in self._taps:
                self._taps.remove(tap)

    def _present(self, picture: Picture) -> Presentation:
        last, now_s = self._presentation, self._clock()
        if last is None:
            self._presentation = first(picture.captured_s, now_s)
        else:
            self._presentation = following(last, picture.captured_s, now_s)
        return self._presentation

    def _present_viewers(self) -> tuple[tuple[Subscription, ...], tuple[Tap, ...]]:
        with self._lock:
            return tuple(one for one in self._subscriptions if one.active), tuple(self._taps)

    def _watched(self, viewers: tuple[Subscription, ...], taps: tuple[Tap, ...]) -> list[Codec]:
        wanted = {one.codec for one in viewers} | {one.codec for one in taps} | self._always
        return [codec for codec in Codec if codec in wanted & self._able]

    def _think(self, viewers: tuple[Subscription, ...], now_s: float) -> None:
        """Bitrates and rungs for the next half second, and for who has come since."""
        if now_s - self._planned_s < PLAN_S:
            return
        self._planned_s = now_s
        lines = {one.number: one.line for one in viewers}
        self._plan = plan(lines, self._plan.places, now_s, self._steer)

    def _rung_for(self, viewer: Subscription) -> Rung:
        return self._plan.places.get(viewer.number, Place(viewer.rung)).rung

    def _encode(
        self,
        codec: Codec,
        viewers: tuple[Subscription, ...],
        taps: tuple[Tap, ...],
        planes: Planes,
        presentation: Presentation,
    ) -> dict[Rung, Coded]:
        wanted = self._rungs(codec, viewers, taps)
        coded: dict[Rung, Coded] = {}
        for rung in Rung:
            lane = self._lanes[codec, rung]
            if rung not in wanted:
                lane.rest(presentation.now_s)
                continue
            kbps = round(self._plan.bitrate_bps[rung] / 1e3)
            try:
                coded[rung] = lane.encode(planes.of(rung), presentation, kbps)
            except StreamError as error:
                self._give_up(codec, error)
                return {}
            self._count(coded[rung])
        return coded

    def _rungs(
        self, codec: Codec, viewers: tuple[Subscription, ...], taps: tuple[Tap, ...]
    ) -> set[Rung]:
        """The rungs of `codec` that somebody receives or moves to."""
        wanted = {Rung.FULL} if codec in self._always else set()
        wanted |= {Rung.FULL for one in taps if one.codec is codec}
        for viewer in viewers:
            if viewer.codec is codec:
                wanted |= {viewer.rung, self._rung_for(viewer)}
                if self._rung_for(viewer) is not viewer.rung:
                    self._lanes[codec, self._rung_for(viewer)].gate.ask()
        return wanted

    def _give_up(self, codec: Codec, error: StreamError) -> None:
        """No encoder makes `codec` any more: its viewers come back by themselves, for another."""
        log.error("%s; viewers of %s are sent away to come back with another codec",
                  error, codec.value)  # fmt: skip
        self._able.discard(codec)
        with self._lock:
            present = [one for one in self._subscriptions if one.codec is codec]
        for subscription in present:
            _call_on(subscription.loop, subscription.close)

    def _hand_out(self, codec: Codec, all_coded: dict[Rung, Coded]) -> None:
        """One wake-up for each event loop, however many viewers it serves."""
        viewers, taps = self._present_viewers()
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Subscription, Coded]]]
        by_loop = defaultdict(list)
        for viewer in viewers:
            if viewer.codec is codec and (coded := self._for_viewer(viewer, all_coded)) is not None:
                by_loop[viewer.loop].append((viewer, coded))
        for loop, its_viewers in by_loop.items():
            _call_on(loop, partial(_put, its_viewers))
        if (full := all_coded.get(Rung.FULL)) is not None:
            for tap in taps:
                if tap.codec is codec:
                    tap.put(full)

    def _for_viewer(self, viewer: Subscription, all_coded: dict[Rung, Coded]) -> Coded | None:
        """Its picture; who is to move does so at a key frame of the other rung."""
        wanted = self._rung_for(viewer)
        other = all_coded.get(wanted)
        if wanted is not viewer.rung and other is not None and other.key_frame:
            log.info("a viewer moves to the %s picture", wanted.value)
            viewer.rung = wanted
        return all_coded.get(viewer.rung)

    def _count(self, coded: Coded) -> None:
        self._encoded += 1
        self._key_frames += coded.key_frame
        self._bytes += coded.packet.size


def _steer_for(settings: EncoderSettings) -> SteerSettings:
    floor_kbps = min(SteerSettings().floor_kbps, settings.bitrate_kbps)
    return SteerSettings(settings.bitrate_kbps, floor_kbps)


def _put(viewers: list[tuple[Subscription, Coded]]) -> None:
    for viewer, coded in viewers:
        viewer.put(coded)


def _call_on(loop: asyncio.AbstractEventLoop, call: Callable[[], object]) -> None:
    try:
        loop.call_soon_threadsafe(call)
    except RuntimeError:  # the loop has closed, and its viewers with it
        log.debug("a viewer's event loop is gone")
