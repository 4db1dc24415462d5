"""Pictures in, coded packets out: the encoder table, and one encoder of it. The home of PyAV."""

from __future__ import annotations

import enum
import logging
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import av
import cv2
import numpy as np
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType
from av.video.stream import VideoStream

from live.errors import StreamError
from live.frames import Image
from live.stream.presentation import CLOCK_HZ

log = logging.getLogger(__name__)

VideoPacket: TypeAlias = "av.Packet[VideoStream]"

TIME_BASE = Fraction(1, CLOCK_HZ)


class Codec(enum.Enum):
    """What a browser is asked to decode; the value is its name in SDP."""

    H264 = "H264"
    VP8 = "VP8"


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    """How pictures are coded."""

    bitrate_kbps: int = 3000  # kilobits per second, for the whole stream
    fps: float = 30.0  # pictures per second that the rate control plans with
    vbv_frames: float = 4.0  # pictures' worth of bits that one picture may take at once
    key_interval_s: float = 10.0  # longest time without a key frame, seconds

    def __post_init__(self) -> None:
        if not 50 <= self.bitrate_kbps <= 100_000:
            raise StreamError(f"a bitrate of {self.bitrate_kbps} kbit/s: give 50 to 100000")
        if not 1 <= self.fps <= 240:
            raise StreamError(f"a rate of {self.fps} pictures per second: give 1 to 240")
        if self.vbv_frames < 1:
            raise StreamError(f"a rate buffer of {self.vbv_frames} pictures: give 1 or more")
        if self.key_interval_s <= 0:
            raise StreamError(f"a key frame every {self.key_interval_s} s: give more than 0")


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """One coded picture."""

    packet: VideoPacket  # its bytes, pts (90 kHz) and time base; shared: nobody writes to it
    key_frame: bool  # decoding can start here
    captured_s: float  # of the camera frame it answers
    size: tuple[int, int]  # (height, width) in pixels, both even


def _x264_options(settings: EncoderSettings) -> dict[str, str]:
    return {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "profile": "baseline",
        "forced-idr": "1",
        **_rate_options(settings),
    }


def _vp8_options(settings: EncoderSettings) -> dict[str, str]:
    return {
        "deadline": "realtime",
        "cpu-used": "-8",  # negative: a fixed speed, instead of one that hunts for it
        "lag-in-frames": "0",
        "auto-alt-ref": "0",
        "static-thresh": "1",
        "minrate": str(settings.bitrate_kbps * 1000),  # equal to maxrate: constant bitrate
        **_rate_options(settings),
    }


def _rate_options(settings: EncoderSettings) -> dict[str, str]:
    rate_bps = settings.bitrate_kbps * 1000
    buffer_bits = round(rate_bps / settings.fps * settings.vbv_frames)
    return {"maxrate": str(rate_bps), "bufsize": str(buffer_bits)}


@dataclass(frozen=True, slots=True)
class EncoderKind:
    """One row of the table: an FFmpeg encoder and how it is asked for low delay."""

    name: str
    options: Callable[[EncoderSettings], dict[str, str]]


ENCODERS: dict[Codec, tuple[EncoderKind, ...]] = {
    Codec.H264: (EncoderKind("libx264", _x264_options),),
    Codec.VP8: (EncoderKind("libvpx", _vp8_options),),
}
"""For each codec the encoders that can make it, best first; the first that works is used."""


def to_i420(image: Image) -> Image:
    """RGB uint8 (H, W, 3) -> I420 uint8 (3 h / 2, w), ITU-R BT.601 limited range.

    h and w are H and W rounded up to even, as 4:2:0 needs; the last row or column is repeated,
    so that nothing of the picture is lost.
    """
    height, width = image.shape[:2]
    if height % 2 or width % 2:
        image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420), dtype=np.uint8)


class Encoder:
    """One running encoder, for pictures of one size. Not for two threads at once."""

    def __init__(self, kind: EncoderKind, size: tuple[int, int], settings: EncoderSettings) -> None:
        """`size` is (height, width) in pixels, both even. Raises `StreamError` if it won't open."""
        self.name = kind.name
        self.size = size
        try:
            self._context = _open(kind, size, settings)
        except (FFmpegError, ValueError) as error:
            raise StreamError(
                f"the encoder {kind.name} does not open at {size[1]}x{size[0]}: {error}"
            ) from error

    def encode(self, i420: Image, ticks: int, captured_s: float, key_frame: bool) -> Coded:
        """Code one picture (`to_i420`'s layout) at `ticks` of the 90 kHz clock.

        Raises `StreamError` when the encoder fails or gives nothing.
        """
        frame = av.VideoFrame.from_ndarray(i420, format="yuv420p")
        frame.pts, frame.time_base = ticks, TIME_BASE
        frame.pict_type = PictureType.I if key_frame else PictureType.NONE
        try:
            packets = self._context.encode(frame)
        except FFmpegError as error:
            raise StreamError(f"the encoder {self.name} failed: {error}") from error
        if len(packets) != 1:  # only an encoder that holds pictures back gives none or several
            raise StreamError(f"{self.name} gave {len(packets)} packets for one picture, not one")
        packet = packets[0]
        packet.pts, packet.time_base = ticks, TIME_BASE
        return Coded(packet, packet.is_keyframe, captured_s, self.size)


def _open(kind: EncoderKind, size: tuple[int, int], settings: EncoderSettings) -> VideoCodecContext:
    context = av.CodecContext.create(kind.name, "w")
    if not isinstance(context, VideoCodecContext):
        raise ValueError(f"{kind.name} is not a video encoder")
    context.height, context.width = size
    context.pix_fmt = "yuv420p"
    context.time_base = TIME_BASE
    context.framerate = Fraction(settings.fps).limit_denominator(1001)
    context.bit_rate = settings.bitrate_kbps * 1000
    context.gop_size = max(1, round(settings.fps * settings.key_interval_s))
    context.max_b_frames = 0
    # Threads cost delay or slices, and the other stages want the cores: only big pictures get more.
    context.thread_count = 1 if size[0] * size[1] <= 1280 * 720 else 4
    context.colorspace, context.color_range = _BT601, _LIMITED
    context.options = kind.options(settings)
    context.open()
    return context


_BT601 = 6  # AVCOL_SPC_SMPTE170M, the matrix that `to_i420` uses
_LIMITED = 1  # AVCOL_RANGE_MPEG


def open_encoder(
    codec: Codec,
    size: tuple[int, int],
    settings: EncoderSettings,
    without: frozenset[str] = frozenset(),
) -> Encoder:
    """The first encoder of the table that opens, passing over the names in `without`.

    `size` is (height, width), even. Logs what is used and why another is not.
    Raises `StreamError` when none works.
    """
    reasons: list[str] = [f"{name} failed before" for name in sorted(without)]
    for kind in ENCODERS[codec]:
        if kind.name in without:
            continue
        try:
            encoder = Encoder(kind, size, settings)
        except StreamError as error:
            log.warning("%s", error)
            reasons.append(str(error))
            continue
        log.info("%s: %s at %dx%d, %d kbit/s", codec.value, kind.name, size[1], size[0],
                 settings.bitrate_kbps)  # fmt: skip
        return encoder
    raise StreamError(
        f"no encoder makes {codec.value} ({'; '.join(reasons) or 'none is known'}): "
        "install PyAV from its own wheel with 'pip install av', which carries them"
    )
