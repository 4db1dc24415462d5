"""Sound in blocks of 20 ms to Opus packets. PyAV's second home in the stream."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream
from av.error import FFmpegError
from numpy.typing import NDArray

from live.errors import StreamError

RATE_HZ = 48_000
"""Opus's RTP clock, whatever the sound's own rate (RFC 7587 section 4.1)."""

CHANNELS = 2
"""Always two, as RFC 7587 section 7 has it in SDP; a mono source fills both."""

BLOCK = 960
"""Samples of each channel in a packet: 20 ms."""

BLOCK_S = BLOCK / RATE_HZ

BITRATE_BPS = 96_000

TIME_BASE = Fraction(1, RATE_HZ)

Samples: TypeAlias = NDArray[np.int16]
"""int16 (BLOCK, CHANNELS): 20 ms of sound."""

SoundPacket: TypeAlias = "av.Packet[AudioStream]"


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """20 ms of coded sound."""

    packet: SoundPacket  # Opus; pts in 48 kHz, always rising; shared: nobody writes to it
    captured_s: float  # of the picture that it goes with, monotonic clock


class OpusEncoder:
    """One running encoder. Not for two threads at once."""

    def __init__(self) -> None:
        """Raises `StreamError` where PyAV was built without Opus."""
        try:
            context = av.CodecContext.create("libopus", "w")
            assert isinstance(context, AudioCodecContext)
            context.format, context.layout = "s16", "stereo"
            context.sample_rate, context.bit_rate = RATE_HZ, BITRATE_BPS
            context.time_base = TIME_BASE
            context.options = {"application": "audio", "frame_duration": "20"}
            context.open()
        except FFmpegError as error:
            raise StreamError(
                f"no encoder makes Opus ({error}): install PyAV from its own wheel with "
                "'pip install av', which carries it, or leave --sound out"
            ) from error
        self._context = context

    def encode(self, samples: Samples, ticks: int) -> SoundPacket:
        """One block, whose first sample is heard at `ticks` of the 48 kHz clock.

        The packet's pts is earlier by what the encoder looks ahead (6.5 ms), so that what is heard
        at `ticks` is what was given for it. Raises `StreamError` when the encoder fails.
        """
        packed = np.ascontiguousarray(samples).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="s16", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, ticks, TIME_BASE
        try:
            packets = self._context.encode(frame)
        except FFmpegError as error:
            raise StreamError(f"the Opus encoder failed: {error}") from error
        if len(packets) != 1:
            raise StreamError(f"Opus gave {len(packets)} packets for one block, not one")
        return packets[0]
