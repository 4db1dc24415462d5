"""One encoder's way through a show: opened when needed, renewed when it fails, steered by bitrate.

A lane is one codec at one rung; whoever watches that gets the lane's packets.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from live.errors import StreamError
from live.frames import Image
from live.stream.encoder import Codec, Coded, Encoder, EncoderSettings, open_encoder
from live.stream.keyframes import KeyFrameGate
from live.stream.planes import size_of
from live.stream.presentation import Presentation
from live.stream.steering import Rung

log = logging.getLogger(__name__)

NOTICEABLE = 0.05
"""The share by which a bitrate must change to be told to an encoder."""

REOPEN, REOPEN_S = 0.3, 5.0
"""An encoder that cannot be steered is opened anew, with a key frame, when the bitrate is off by
this share, and not more often than this many seconds."""

IDLE_S = 10.0
"""How long an encoder is kept for nobody. Hardware has room for few."""


class Lane:
    """For the encode thread alone, but for its `gate`."""

    def __init__(self, codec: Codec, rung: Rung, settings: EncoderSettings) -> None:
        self.codec = codec
        self.rung = rung
        self.gate = KeyFrameGate()
        self._settings = settings
        self._encoder: Encoder | None = None
        self._failed: frozenset[str] = frozenset()
        self._opened_s = self._used_s = 0.0

    @property
    def encoder_name(self) -> str | None:
        """The encoder in use; None until the first picture."""
        return self._encoder.name if self._encoder else None

    def encode(self, i420: Image, presentation: Presentation, bitrate_kbps: int) -> Coded:
        """Code one picture (`planes.to_i420`'s layout).

        Raises `StreamError` when no encoder of the table can any more.
        """
        size, now_s = size_of(i420), presentation.now_s
        self._used_s = now_s
        self._steer(bitrate_kbps, now_s)
        if self._encoder is None or self._encoder.size != size:
            self._open(size, now_s)
        assert self._encoder is not None
        key_frame = self.gate.take(now_s)
        ticks, captured_s = presentation.ticks, presentation.captured_s
        try:
            return self._encoder.encode(i420, ticks, captured_s, key_frame)
        except StreamError as error:
            log.error("%s; trying the next one", error)
            self._failed |= {self._encoder.name}
            self._open(size, now_s)
            return self._encoder.encode(i420, ticks, captured_s, key_frame=True)

    def rest(self, now_s: float) -> None:
        """Nobody watches: free the encoder, once it is clear that nobody comes back."""
        if now_s - self._used_s > IDLE_S:
            self._encoder = None

    def _steer(self, bitrate_kbps: int, now_s: float) -> None:
        off = abs(bitrate_kbps / self._settings.bitrate_kbps - 1)
        if off < NOTICEABLE:
            return
        if self._encoder is not None and not self._encoder.steers:
            if off < REOPEN or now_s - self._opened_s < REOPEN_S:
                return
            self._encoder = None
        self._settings = replace(self._settings, bitrate_kbps=bitrate_kbps)
        if self._encoder is not None:
            self._encoder.steer(bitrate_kbps)

    def _open(self, size: tuple[int, int], now_s: float) -> None:
        self._encoder = None  # free the old one first: hardware has few places
        self._opened_s = now_s
        self._encoder = open_encoder(self.codec, size, self._settings, self._failed)
