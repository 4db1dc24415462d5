"""Decodes video with PyAV: files and URLs. The home of `av` among the sources.

Nothing here paces or loops: `ClipReader` gives pictures as fast as they decode.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import av
import av.error
import av.stream
import cv2
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from live.frames import Image

log = logging.getLogger(__name__)

DecodeError = av.error.FFmpegError
RefusedFormatError = av.error.ArgumentError  # what FFmpeg says to a format not on its whitelist
MAX_GAP_S = 10.0  # between two frames; more is a broken time stamp, not a pause
_ROTATIONS = {1: cv2.ROTATE_90_COUNTERCLOCKWISE, 2: cv2.ROTATE_180, 3: cv2.ROTATE_90_CLOCKWISE}


class NoPictureError(Exception):
    """The container was read, but holds no video stream."""


@dataclass(frozen=True, slots=True)
class ClipFrame:
    """One decoded picture, not yet converted: those that nobody takes cost no conversion."""

    at_s: float  # media time since the clip's first frame, strictly growing
    lasts_s: float  # how long it is meant to be shown
    raw: VideoFrame

    def image(self) -> Image:
        """BGR uint8 (H, W, 3) as a person should see it: upright."""
        picture = self.raw.to_ndarray(format="bgr24", threads=1)
        turned = _upright(np.ascontiguousarray(picture, dtype=np.uint8), self.raw.rotation)
        return turned


def _upright(image: Image, rotation_deg: float) -> Image:
    """`image` turned counterclockwise by `rotation_deg`, to the nearest quarter turn."""
    turn = _ROTATIONS.get(round(rotation_deg / 90.0) % 4)
    return image if turn is None else np.asarray(cv2.rotate(image, turn), dtype=np.uint8)


class ClipReader:
    """One pass over the pictures of a file or URL, with media times that can be trusted.

    Raises `DecodeError` when it cannot be opened, `NoPictureError` when it holds no video.
    `where` must be checked by the caller; `options` go to FFmpeg (protocols, time limits).
    """

    def __init__(
        self,
        where: str,
        options: Mapping[str, str],
        timeout_s: tuple[float, float] | None = None,  # (to open, to wait for data), seconds
        threads: int = 1,
    ) -> None:
        self.broken = 0  # packets that did not decode
        container = av.open(where, "r", options=dict(options), timeout=timeout_s)
        try:
            self._stream = _video_stream(container, where)
            self._stream.codec_context.thread_count = threads
        except BaseException:
            container.close()
            raise
        self._container = container

    @property
    def format(self) -> str:
        """FFmpeg's name(s) of the container format: "mov,mp4,m4a,3gp,3g2,mj2"."""
        return self._container.format.name

    @property
    def announced_s(self) -> float | None:
        """The duration that the container announces, seconds; None where it says nothing."""
        if self._stream.duration is not None and self._stream.time_base is not None:
            return float(self._stream.duration * self._stream.time_base)
        duration = self._container.duration  # in microseconds (AV_TIME_BASE)
        return duration / 1e6 if duration else None

    def frames(self) -> Iterator[ClipFrame]:
        """Every picture that decodes, in order of time; ends where the data ends."""
        nominal_s = self._nominal_s()
        at_s, stamp_s, lasts_s = 0.0, None, 0.0
        for number, raw in enumerate(self._pictures()):
            if number > 0:
                at_s += _step_s(stamp_s, raw.time, lasts_s)
            stamp_s, lasts_s = raw.time, _lasts_s(raw, nominal_s)
            yield ClipFrame(at_s, lasts_s, raw)

    def _pictures(self) -> Iterator[VideoFrame]:
        try:
            for packet in self._container.demux(self._stream):
                yield from self._decoded(packet)
        except av.error.EOFError:
            return

    def _decoded(self, packet: Packet[VideoStream]) -> list[VideoFrame]:
        try:
            pictures = packet.decode()
        except av.error.EOFError:
            raise
        except av.error.InvalidDataError:
            self.broken += 1
            return []
        return [picture for picture in pictures if not picture.is_corrupt]

    def _nominal_s(self) -> float:
        """The time between frames where they do not say: the stream's rate, else 25 per second."""
        rate = self._stream.average_rate or self._stream.guessed_rate
        return 1.0 / float(rate) if rate else 1.0 / 25.0

    def close(self) -> None:
        """Free the container. May be called twice, by the reading thread only."""
        self._container.close()


def _video_stream(container: InputContainer, where: str) -> VideoStream:
    """The first stream of moving pictures; cover art of a song is not one."""
    cover = av.stream.Disposition.attached_pic
    for stream in container.streams.video:
        if not stream.disposition & cover:
            return stream
    raise NoPictureError(where)


def _step_s(before_s: float | None, now_s: float | None, lasted_s: float) -> float:
    """Media time between two frames from their stamps; their duration where those make no sense."""
    if before_s is None or now_s is None or not 0.0 < now_s - before_s <= MAX_GAP_S:
        return lasted_s
    return now_s - before_s


def _lasts_s(raw: VideoFrame, nominal_s: float) -> float:
    """How long the frame says that it is shown, else the nominal time between frames."""
    if raw.duration and raw.time_base is not None:
        said_s = float(raw.duration * raw.time_base)
        if 0.0 < said_s <= MAX_GAP_S:
            return said_s
    return nominal_s
