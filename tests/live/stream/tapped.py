"""A hub that a test drives by hand: real packets from a real encoder, at the times it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from live.stream.encoder import (
    Codec,
    Coded,
    Encoder,
    EncoderSettings,
    VideoPacket,
    open_encoder,
)
from live.stream.planes import to_i420
from live.stream.presentation import CLOCK_HZ
from tests.live.stream.pattern import pattern


@dataclass(frozen=True, slots=True)
class Streamed:
    """A coded picture as the hub's tap gives it."""

    packet: VideoPacket
    key_frame: bool
    captured_s: float
    size: tuple[int, int]


class HandHub:
    """Codes the numbered pattern, and hands it to whoever tapped."""

    def __init__(self, size: tuple[int, int] = (128, 192), fps: float = 30.0) -> None:
        self.number = 0
        self.asked = 0  # key frames that were asked for
        self.closed = False
        self.origin_s = 100.0  # capture time of ticks 0
        self._fps = fps
        self._put: Callable[[Streamed], None] | None = None
        self._key_frame = True
        self.resize(size)

    def resize(self, size: tuple[int, int], bitrate_kbps: int = 400) -> None:
        self._size = size
        settings = EncoderSettings(bitrate_kbps=bitrate_kbps)
        self._encoder: Encoder = open_encoder(Codec.H264, size, settings)

    def tap(self, codec: Codec, put: Callable[[Streamed], None]) -> HandHub:
        assert codec is Codec.H264
        self._put, self._key_frame, self.closed = put, True, False
        return self

    def ask_key_frame(self) -> None:
        self.asked += 1
        self._key_frame = True

    def close(self) -> None:
        self.closed = True

    def code(self) -> Streamed:
        """The next picture."""
        at_s = self.number / self._fps
        ticks = round(at_s * CLOCK_HZ)
        image = to_i420(pattern(self.number, self._size))
        key_frame, self._key_frame = self._key_frame, False
        coded: Coded = self._encoder.encode(image, ticks, self.origin_s + at_s, key_frame)
        self.number += 1
        return Streamed(coded.packet, coded.key_frame, coded.captured_s, self._size)

    def show(self, count: int) -> None:
        """Publish `count` pictures."""
        for _ in range(count):
            coded = self.code()
            if self._put is not None and not self.closed:
                self._put(coded)
