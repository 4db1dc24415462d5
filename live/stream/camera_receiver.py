"""aiortc's receiver, made to keep the newest picture instead of all of them.

    RTP -> FrameAssembler -> NewestFrames -> aiortc's decoder (its own thread) -> the mailbox

aiortc 1.16 has a queue without bound before its decoder and another after it, which grows unless
`track.recv` is awaited for ever. Here both are replaced on one receiver, and no other is touched;
where its inner names are gone, `receive_newest` says so at once.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Protocol, TypeAlias

import numpy as np
from aiortc import RTCRtpReceiver
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtcrtpreceiver import NackGenerator
from aiortc.rtp import RtpPacket

from live.errors import StreamError
from live.frames import Image
from live.stream.camera_frames import CodedFrame, FrameAssembler
from live.stream.encoder import Codec
from live.timing import Clock

log = logging.getLogger(__name__)

LAG_S = 0.5
"""How long a coded frame may wait for the decoder; longer, and all are dropped up to the next key
frame. A burst after a stall of the machine is decoded: that is sooner than a new key frame."""

MOST_FRAMES = 120
"""Coded frames that wait for the decoder, whatever their age."""

NACK_AGAIN_S = 0.06
"""Until a lost packet is asked for again: its repetition may be lost as well."""

_BUFFER, _QUEUE, _NACKS = (
    "_RTCRtpReceiver__jitter_buffer",
    "_RTCRtpReceiver__decoder_queue",
    "_RTCRtpReceiver__nack_generator",
)

Deliver = Callable[[Image, float], None]
"""Given each picture, BGR uint8 (H, W, 3), and when its last packet came, monotonic clock."""

Task: TypeAlias = tuple[RTCRtpCodecParameters, JitterFrame] | None
"""What aiortc's decoder thread takes from its queue; None ends it."""


class NewestFrames:
    """Takes the place of the queue before aiortc's decoder, which has no bound.

    `put` on the event loop, `get` in the decoder's thread. A key frame makes everything before it
    needless; without one, a decoder that lags is cut to the next, which `behind` asks for.
    """

    def __init__(self, behind: Callable[[], None]) -> None:
        self.dropped = 0  # coded frames that were never decoded
        self.arrived_s = 0.0  # of the frame that was taken last
        self._behind = behind
        self._frames: deque[tuple[RTCRtpCodecParameters, CodedFrame]] = deque()
        self._cut = False  # frames were dropped that the next ones build on
        self._ended = False
        self._changed = threading.Condition()

    def put(self, task: Task) -> None:
        with self._changed:
            if task is None:
                self._ended = True
            else:
                codec, first = task
                assert isinstance(first, CodedFrame)
                for frame in _unchained(first):
                    self._add(codec, frame)
            self._changed.notify()

    def get(self) -> Task:
        with self._changed:
            self._changed.wait_for(lambda: self._frames or self._ended)
            if self._ended:
                return None
            task = self._frames.popleft()
        self.arrived_s = task[1].arrived_s
        return task

    def _add(self, codec: RTCRtpCodecParameters, frame: CodedFrame) -> None:
        if frame.key:
            self._drop()
            self._cut = False
        elif self._cut:
            self.dropped += 1
            return
        elif self._lags(frame):
            self._drop()
            self._cut = True
            self.dropped += 1
            self._behind()
            return
        self._frames.append((codec, frame))

    def _lags(self, newest: CodedFrame) -> bool:
        if not self._frames:
            return False
        waited_s = newest.arrived_s - self._frames[0][1].arrived_s
        return waited_s > LAG_S or len(self._frames) >= MOST_FRAMES

    def _drop(self) -> None:
        self.dropped += len(self._frames)
        self._frames.clear()


def _unchained(first: CodedFrame) -> list[CodedFrame]:
    """`first` and its `rest`, whose times aiortc did not count from the stream's beginning."""
    for frame in first.rest:
        frame.timestamp = first.timestamp + (frame.rtp_timestamp - first.rtp_timestamp) % 2**32
    return [first, *first.rest]


class LostPackets(NackGenerator):
    """Takes the place of aiortc's, which asks once, and then only when another packet is lost.

    `missing` holds sequence numbers (RFC 4585 section 6.2.1).
    """

    def __init__(self, given_up: Callable[[int], bool], clock: Clock) -> None:
        super().__init__()
        self._given_up = given_up
        self._clock = clock
        self._asked_s = 0.0

    def add(self, packet: RtpPacket) -> bool:
        """Whether the sender is to be asked for `missing` now."""
        lost = super().add(packet)
        self.missing = {one for one in self.missing if not self._given_up(one)}
        now_s = self._clock()
        if not self.missing or not (lost or now_s - self._asked_s > NACK_AGAIN_S):
            return False
        self._asked_s = now_s
        return True


class Decoded(Protocol):
    """What is used of `av.VideoFrame`."""

    def to_ndarray(self, *, format: str) -> object: ...


class Outlet:
    """Takes the place of the queue behind aiortc's decoder.

    `put` is called in the decoder's thread, so that the picture waits for no event loop.
    """

    def __init__(self, frames: NewestFrames, deliver: Deliver) -> None:
        self._frames = frames
        self._deliver = deliver

    def put(self, picture: Decoded | None) -> Coroutine[None, None, None]:
        """Hand the picture on; aiortc awaits the result on its loop, where nothing is left."""
        if picture is not None:
            image = np.asarray(picture.to_ndarray(format="bgr24"), np.uint8)
            self._deliver(image, self._frames.arrived_s)
        return _nothing()


async def _nothing() -> None:
    await asyncio.sleep(0)


def receive_newest(
    receiver: RTCRtpReceiver, codec: Codec, deliver: Deliver, clock: Clock = time.monotonic
) -> NewestFrames:
    """Let `receiver` give its pictures to `deliver`, each as soon as it can.

    Between `setRemoteDescription`, which makes its track, and `setLocalDescription`, which starts
    it. Raises `StreamError` when aiortc is not the one that this is for.
    """
    missing = [name for name in (_BUFFER, _QUEUE, _NACKS) if not hasattr(receiver, name)]
    if missing or not hasattr(receiver.track, "_queue"):
        raise StreamError(
            "this aiortc does not receive as 1.16 does, so a phone cannot be the camera; "
            "pip install 'aiortc~=1.16.0'"
        )
    assembler = FrameAssembler(codec, clock)
    frames = NewestFrames(assembler.start_over)
    setattr(receiver, _BUFFER, assembler)
    setattr(receiver, _QUEUE, frames)
    setattr(receiver, _NACKS, LostPackets(assembler.given_up, clock))
    setattr(receiver.track, "_queue", Outlet(frames, deliver))  # noqa: B010 (mypy refuses `=`)
    return frames
