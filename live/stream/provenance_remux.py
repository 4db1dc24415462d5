"""A finished recording in the form that every player, editor and C2PA reader takes.

The recorder writes fragments, so that a kill leaves a file that plays. Once it is whole, one index
at its beginning is better: editors want it, seeking is exact, and C2PA binds such a file by one
hash tree. (c2pa 0.91 signs fragments, too, but leaves wrong offsets in their `mfra` index.)
Packets are copied, never coded again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from av import AudioStream, Packet, VideoStream
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError, InvalidDataError

from live.errors import UnderstudyError
from live.stream.presentation import CLOCK_HZ

log = logging.getLogger(__name__)

FAILED = (OSError, FFmpegError)
LAST_FRAGMENT_BYTES = 8 << 20
"""What a kill may leave half written: half a second of a very good picture, and more."""

_OPTIONS = {"movflags": "faststart", "video_track_timescale": str(CLOCK_HZ)}


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a recording without decoding it."""

    tags: dict[str, str]
    sound: bool


def about(path: Path) -> About:
    """Tags and streams of a film. Raises OSError, UnderstudyError."""
    with _open(path) as film:
        return About(dict(film.metadata), bool(film.streams.audio))


def remux(source: Path, target: Path, tags: dict[str, str]) -> int:
    """Copy all whole packets of `source` to `target`, with these tags; returns their number.

    What a kill cut off is left out, and the log says so. Raises one of `FAILED`, UnderstudyError.
    """
    with _open(source) as film, _create(target) as copy:
        copy.metadata.update(tags)
        return _copy(film, copy, source)


def _open(path: Path) -> InputContainer:
    try:
        film = av.open(str(path))
    except OSError:
        raise
    except FFmpegError as error:
        raise UnderstudyError(f"{path} is no film that can be read ({error})") from error
    if not film.streams.video:
        film.close()
        raise UnderstudyError(f"{path} has no pictures in it")
    return film


def _create(path: Path) -> OutputContainer:
    return av.open(str(path), "w", format="mp4", container_options=_OPTIONS)


def _copy(film: InputContainer, copy: OutputContainer, source: Path) -> int:
    streams = {one.index: copy.add_stream_from_template(one) for one in _wanted(film)}
    count = 0
    for packet in _whole_packets(film, source):
        packet.stream = streams[packet.stream.index]
        copy.mux_one(packet)
        count += 1
    if count == 0:
        raise UnderstudyError(f"{source} holds no whole picture")
    return count


def _wanted(film: InputContainer) -> list[VideoStream | AudioStream]:
    return [*film.streams.video, *film.streams.audio]


def _whole_packets(film: InputContainer, source: Path) -> Iterator[Packet[Any]]:
    """All packets; where the file breaks off near its end, those before.

    Damage further up must not end as a shorter film in the place of the recording, whether FFmpeg
    calls it an error or takes it for the end.
    """
    end, trouble = 0, ""  # where the last whole packet ends, bytes
    try:
        for packet in film.demux(_wanted(film)):
            if packet.dts is None:  # the end
                continue
            if packet.is_corrupt:
                trouble = "a packet is cut short"
                break
            end = max(end, (packet.pos or 0) + packet.size)
            yield packet
    except InvalidDataError as error:
        trouble = str(error)
    lost = source.stat().st_size - end
    if lost > LAST_FRAGMENT_BYTES:
        raise UnderstudyError(
            f"{source} is damaged {lost / 2**20:.0f} MB before its end"
            f"{f' ({trouble})' if trouble else ''}; it is left as it is"
        )
    if trouble:
        log.warning("%s breaks off in its last fragment; what is whole is kept", source)
