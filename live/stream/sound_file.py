"""A file as the show's sound: any that FFmpeg reads, over and over. PyAV's home for sound files."""

from __future__ import annotations

import logging
from collections.abc import Generator
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError, InvalidDataError
from numpy.typing import NDArray

from live.errors import SourceError
from live.stream.opus import BLOCK, CHANNELS, RATE_HZ, Samples
from live.stream.sound_source import silence

log = logging.getLogger(__name__)

RETRY_S = 2.0
"""A file that broke in the show is tried again so much later."""

_UNREADABLE = (FFmpegError, OSError, ValueError)
"""ValueError: FFmpeg's resampler meets a sound that changes its form midway."""

_OPTIONS = {"protocol_whitelist": "file"}  # a playlist must not send us to the network

_Piece = NDArray[np.int16]  # (N, CHANNELS), N as it comes


class SoundFile:
    """Plays from the beginning, without a gap where it starts over; whoever asks sets the pace."""

    lag_s = 0.0

    def __init__(self, path: Path) -> None:
        """Decodes its first moments. Raises `SourceError` for what holds no sound to be played."""
        self.name = path.name
        self.trouble: str | None = None
        self._path = path
        self._left: _Piece = np.zeros((0, CHANNELS), np.int16)
        self._retry_s = float("-inf")
        self._pieces = _pieces(path)
        self._check(path)

    def _check(self, path: Path) -> None:
        remedy = "give a sound file that plays elsewhere, such as a WAV, FLAC, MP3 or M4A"
        if not path.is_file():
            raise SourceError(f"--sound {path}: there is no such file; give its path, or 'mic'")
        try:
            self._left = next(self._pieces)
        except StopIteration:
            raise SourceError(f"--sound {path} holds no sound that decodes; {remedy}") from None
        except _UNREADABLE as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise SourceError(f"--sound {path} cannot be read ({reason}); {remedy}") from error

    def take(self, captured_s: float) -> Samples:
        """The next 20 ms; silence while the file cannot be read."""
        if captured_s < self._retry_s:
            return silence()
        try:
            while len(self._left) < BLOCK:
                self._left = np.concatenate((self._left, self._next()))
        except _UNREADABLE as error:
            self._give_up(captured_s, error)
            return silence()
        self.trouble = None
        block, self._left = self._left[:BLOCK], self._left[BLOCK:]
        return block

    def _next(self) -> _Piece:
        for piece in self._pieces:
            return piece
        self._pieces = _pieces(self._path)
        for piece in self._pieces:
            return piece
        raise ValueError("nothing in it decodes any more")

    def _give_up(self, captured_s: float, error: Exception) -> None:
        sentence = f"the sound file {self._path} cannot be read any more ({error})"
        if self.trouble is None:
            log.error("%s; silence until it can", sentence)
        self.trouble = sentence
        self._retry_s = captured_s + RETRY_S
        self._pieces = _pieces(self._path)

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._pieces.close()


def _pieces(path: Path) -> Generator[_Piece, None, None]:
    """One pass over the file, 48 kHz stereo. Packets that do not decode are passed over."""
    with av.open(str(path), options=_OPTIONS) as container:
        if not container.streams.audio:
            raise ValueError("there is no sound in it")
        resampler = av.AudioResampler("s16", "stereo", RATE_HZ)
        for frame in _frames(container):
            yield from map(_samples, resampler.resample(frame))
        yield from map(_samples, resampler.resample(None))


def _frames(container: InputContainer) -> Generator[av.AudioFrame, None, None]:
    for packet in container.demux(container.streams.audio[0]):
        try:
            yield from packet.decode()
        except InvalidDataError:
            continue


def _samples(frame: av.AudioFrame) -> _Piece:
    return np.asarray(frame.to_ndarray(), np.int16).reshape(-1, CHANNELS)
