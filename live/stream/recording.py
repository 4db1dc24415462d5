"""One MP4 file of coded packets, in fragments, so that a kill leaves a file that plays."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator, Mapping
from itertools import chain, count, pairwise
from pathlib import Path
from typing import Protocol

import av
from av.container import OutputContainer
from av.error import FFmpegError
from av.stream import Stream

from live.stream.encoder import TIME_BASE, VideoPacket
from live.stream.opus import RATE_HZ, Heard, SoundPacket
from live.stream.opus import TIME_BASE as SOUND_TIME_BASE
from live.stream.presentation import CLOCK_HZ

UNWRITABLE = (OSError, FFmpegError)
"""What writing raises where the disk is full, gone or read-only."""

FRAGMENT_S = 0.5
"""What a kill may lose; the last picture before it comes on top."""

_OPTIONS = {
    "movflags": "empty_moov+default_base_moof",  # a header first, then fragments only
    "frag_duration": str(round(FRAGMENT_S * 1e6)),  # microseconds
    "flush_packets": "1",  # a fragment that is complete goes to the system at once
    # Pictures do not wait longer than that for a sound that has stopped, microseconds.
    "max_interleave_delta": str(round(FRAGMENT_S * 1e6)),
    "video_track_timescale": str(CLOCK_HZ),
}

_START_CODE = re.compile(rb"\x00\x00\x01")
_PARAMETER_SETS = (7, 8)  # nal_unit_type of SPS and PPS, ITU-T H.264 table 7-1


class Streamed(Protocol):
    """What the recorder needs of `live.stream.encoder.Coded`."""

    @property
    def packet(self) -> VideoPacket:
        """H.264 in Annex B form, pts in 90 kHz."""

    @property
    def key_frame(self) -> bool:
        """Whether decoding can start here."""

    @property
    def captured_s(self) -> float:
        """Of the camera frame it answers, monotonic clock."""

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""


def parameter_sets(annex_b: bytes) -> tuple[bytes, ...]:
    """The SPS and PPS units in a picture's bytes: what a decoder is set up with."""
    starts = [found.end() for found in _START_CODE.finditer(annex_b)]
    edges = pairwise([*starts, len(annex_b) + 3])
    units = [annex_b[begin : end - 3].rstrip(b"\0") for begin, end in edges]
    return tuple(unit for unit in units if unit and unit[0] & 0x1F in _PARAMETER_SETS)


def free_names(path: Path) -> Iterator[Path]:
    """`show.mp4`, `show-2.mp4`, `show-3.mp4`, ..."""
    later = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in count(2))
    return chain((path,), later)


def create(path: Path) -> tuple[Path, io.FileIO]:
    """A new file at `path`, or at the next of its names that is free. Raises `OSError`."""
    for name in free_names(path):
        try:
            return name, open(name, "xb", buffering=0)
        except FileExistsError:
            continue
    raise AssertionError("unreachable: the names have no end")


class Recording:
    """One file. Begins at a key frame; for one thread."""

    def __init__(
        self, path: Path, first: Streamed, sound: bool, tags: Mapping[str, str] | None = None
    ) -> None:
        """Creates the file `path`, or the next free name; nothing is ever overwritten.

        `tags` (title, comment, ...) stand at its beginning. Raises one of `UNWRITABLE`.
        """
        self.size = first.size
        self.parameters = parameter_sets(bytes(first.packet))
        self.path, file = create(path)
        self._disk = _Disk(file)
        self._first = first
        self._sound_shift: int | None = None
        try:
            self._container = _container(self._disk)
            self._container.metadata.update(tags or {})
            self._video = _video_stream(self._container, first.size)
            self._sound = _sound_stream(self._container) if sound else None
            self.write(first)
        except UNWRITABLE:
            self._disk.abandon()
            raise

    def continues(self, coded: Streamed) -> bool:
        """Whether `coded` fits into this file: the same size and the same encoder."""
        if coded.size != self.size:
            return False
        return not coded.key_frame or parameter_sets(bytes(coded.packet)) == self.parameters

    def write(self, coded: Streamed) -> None:
        """Add a picture. Raises one of `UNWRITABLE`."""
        packet = _copy(coded.packet, self._video)
        assert coded.packet.pts is not None
        assert self._first.packet.pts is not None
        packet.pts = packet.dts = coded.packet.pts - self._first.packet.pts
        packet.time_base, packet.is_keyframe = TIME_BASE, coded.key_frame
        self._mux(packet)

    def write_sound(self, heard: Heard) -> None:
        """Add 20 ms of sound, in step with the pictures. Raises one of `UNWRITABLE`."""
        if self._sound is None:
            return
        assert heard.packet.pts is not None
        if self._sound_shift is None:
            begins = round((heard.captured_s - self._first.captured_s) * RATE_HZ)
            self._sound_shift = begins - heard.packet.pts
        ticks = heard.packet.pts + self._sound_shift
        if ticks < 0:  # before the first picture
            return
        packet = _copy(heard.packet, self._sound)
        packet.pts = packet.dts = ticks
        packet.time_base, packet.duration = SOUND_TIME_BASE, heard.packet.duration
        packet.is_keyframe = True
        self._mux(packet)

    def _mux(self, packet: av.Packet[Stream]) -> None:
        self._container.mux_one(packet)
        self._disk.keep()

    def close(self) -> None:
        """Write what is left, and close. Once. Raises one of `UNWRITABLE`; it is closed anyway."""
        try:
            self._container.close()
            self._disk.keep()
        finally:
            self._disk.close()

    def abandon(self) -> None:
        """Close after a failure: the file is cut after its last whole fragment, and plays."""
        self._disk.broken = True
        try:
            self._container.close()
        except UNWRITABLE:  # known already
            pass
        finally:
            self._disk.close()


def _copy(packet: VideoPacket | SoundPacket, stream: Stream) -> av.Packet[Stream]:
    """Muxing writes into a packet's times, and this one belongs to all viewers."""
    copied = av.Packet(bytes(packet))
    copied.stream = stream
    return copied


def _container(disk: _Disk) -> OutputContainer:
    return av.open(disk, "w", format="mp4", container_options=_OPTIONS)


def _video_stream(container: OutputContainer, size: tuple[int, int]) -> Stream:
    """A stream for ready packets: PyAV 18.1 takes SPS and PPS from the first one."""
    height, width = size
    return container.add_mux_stream("h264", width=width, height=height, time_base=TIME_BASE)


def _sound_stream(container: OutputContainer) -> Stream:
    """Its encoder codes nothing; it gives the header that every Opus track begins with."""
    return container.add_stream("libopus", rate=RATE_HZ, options={"application": "audio"})


class _Disk:
    """A file as FFmpeg writes it: whole, in order, and cut back to its last good end."""

    def __init__(self, file: io.FileIO) -> None:
        self.broken = False
        self._file = file
        self._good = 0  # bytes that end with a whole fragment

    def write(self, data: bytes) -> int:
        if self.broken:
            raise OSError("the file is no longer written")
        left = memoryview(data)
        while left:  # a disk that is nearly full takes a part, without an error
            left = left[self._file.write(left) or 0 :]
        return len(data)

    def keep(self) -> None:
        """What was written so far ends whole."""
        self._good = self._file.tell()

    def abandon(self) -> None:
        """Nothing came of it: leave no file behind that holds nothing."""
        self.broken = True
        self.close()
        os.unlink(self._file.name)

    def close(self) -> None:
        """Cut off what is not whole. May be called twice."""
        if self._file.closed:
            return
        try:
            if self._file.tell() != self._good:
                self._file.truncate(self._good)
        finally:
            self._file.close()
