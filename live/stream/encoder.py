"""Pictures in, coded packets out: the encoder table, and one encoder of it. The home of PyAV."""

from __future__ import annotations

import enum
import logging
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import av
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
    name: str | None = None  # FFmpeg's name of the one to use; None: the table's first that works

    def __post_init__(self) -> None:
        if not 50 <= self.bitrate_kbps <= 100_000:
            raise StreamError(f"a bitrate of {self.bitrate_kbps} kbit/s: give 50 to 100000")
        if not 1 <= self.fps <= 240:
            raise StreamError(f"a rate of {self.fps} pictures per second: give 1 to 240")
        if self.vbv_frames < 1:
            raise StreamError(f"a rate buffer of {self.vbv_frames} pictures: give 1 or more")
        if self.key_interval_s <= 0:
            raise StreamError(f"a key frame every {self.key_interval_s} s: give more than 0")
        if self.name is not None and self.name not in NAMES:
            raise StreamError(f"--encoder {self.name}: there is none; give {', '.join(NAMES)}")


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """One coded picture."""

    packet: VideoPacket  # its bytes, pts (90 kHz) and time base; shared: nobody writes to it
    key_frame: bool  # decoding can start here
    captured_s: float  # of the camera frame it answers
    size: tuple[int, int]  # (height, width) in pixels, both even


def _nvenc_options(settings: EncoderSettings) -> dict[str, str]:
    return {
        "preset": "p1",
        "tune": "ull",
        "profile": "baseline",
        "rc": "cbr",
        "zerolatency": "1",
        "delay": "0",  # else it holds pictures back to keep its engines busy
        "forced-idr": "1",
        "no-scenecut": "1",  # a key frame comes when a viewer needs one
        **_rate_options(settings),
    }


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
    steers: bool = True  # takes another bitrate while it runs, without a key frame
    absent: str = ""  # what to say, of an encoder that most machines do not have; empty: the error


ENCODERS: dict[Codec, tuple[EncoderKind, ...]] = {
    Codec.H264: (
        EncoderKind("h264_nvenc", _nvenc_options, absent="no NVIDIA encoder here"),
        EncoderKind("libx264", _x264_options),
    ),
    Codec.VP8: (EncoderKind("libvpx", _vp8_options, steers=False),),
}
"""For each codec the encoders that can make it, best first; the first that works is used.

AV1 is not among them, also where hardware has it: aiortc (1.16) has no RTP payload format for it.
"""

NAMES = tuple(kind.name for kinds in ENCODERS.values() for kind in kinds)


def kinds_of(codec: Codec, settings: EncoderSettings) -> tuple[EncoderKind, ...]:
    """The rows that may make `codec`. A named encoder stands alone in its codec, and a named one of
    another codec is used for everybody who can decode it: then H.264 has none."""
    kinds = ENCODERS[codec]
    if settings.name is None:
        return kinds
    named = tuple(kind for kind in kinds if kind.name == settings.name)
    return named if named or codec is not Codec.VP8 else kinds


class Encoder:
    """One running encoder, for pictures of one size. Not for two threads at once."""

    def __init__(self, kind: EncoderKind, size: tuple[int, int], settings: EncoderSettings) -> None:
        """`size` is (height, width) in pixels, both even. Raises `StreamError` if it won't open."""
        self.name = kind.name
        self.steers = kind.steers
        self.size = size
        try:
            self._context = _open(kind, size, settings)
        except (FFmpegError, ValueError) as error:
            raise StreamError(
                f"the encoder {kind.name} does not open at {size[1]}x{size[0]}: {_plain(error)}"
            ) from error

    def encode(self, i420: Image, ticks: int, captured_s: float, key_frame: bool) -> Coded:
        """Code one picture (`planes.to_i420`'s layout) at `ticks` of the 90 kHz clock.

        Raises `StreamError` when the encoder fails or gives nothing.
        """
        frame = av.VideoFrame.from_ndarray(i420, format="yuv420p")
        frame.pts, frame.time_base = ticks, TIME_BASE
        frame.pict_type = PictureType.I if key_frame else PictureType.NONE
        try:
            packets = self._context.encode(frame)
        except FFmpegError as error:
            raise StreamError(f"the encoder {self.name} failed: {_plain(error)}") from error
        if len(packets) != 1:  # only an encoder that holds pictures back gives none or several
            raise StreamError(f"{self.name} gave {len(packets)} packets for one picture, not one")
        packet = packets[0]
        packet.pts, packet.time_base = ticks, TIME_BASE
        return Coded(packet, packet.is_keyframe, captured_s, self.size)

    def steer(self, bitrate_kbps: int) -> None:
        """Another bitrate from the next picture on. Only where `steers`."""
        assert self.steers
        # FFmpeg hands a changed value to x264 and NVENC with the next picture.
        self._context.bit_rate = bitrate_kbps * 1000


def _plain(error: FFmpegError | ValueError) -> str:
    """What went wrong, without the list of all options that PyAV puts beside it."""
    return getattr(error, "strerror", None) or str(error)


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
    reasons: list[str] = []
    in_short: list[str] = []
    for kind in kinds_of(codec, settings):
        if kind.name in without:
            reasons.append(f"{kind.name} failed before")
            in_short.append(reasons[-1])
            continue
        try:
            encoder = Encoder(kind, size, settings)
        except StreamError as error:
            log.debug("%s", error)
            reasons.append(str(error))
            in_short.append(kind.absent or reasons[-1])
            continue
        why = f" ({'; '.join(in_short)})" if in_short else ""
        log.info("%s: %s at %dx%d, %d kbit/s%s", codec.value, kind.name, size[1], size[0],
                 settings.bitrate_kbps, why)  # fmt: skip
        return encoder
    raise StreamError(
        f"no encoder makes {codec.value} ({'; '.join(reasons) or 'none is allowed'}): "
        "install PyAV from its own wheel with 'pip install av', which carries libx264 and libvpx, "
        "or leave --encoder out"
    )


def try_encoders(settings: EncoderSettings, size: tuple[int, int] = (512, 512)) -> dict[Codec, str]:
    """The encoder that each codec would use, found by coding one grey picture with it.

    `size` is (height, width), even. A codec without one is left out. Raises `StreamError` when
    there is none at all, or when the one that `settings` name does not work.
    """
    found, reasons = {}, []
    grey = np.full((size[0] * 3 // 2, size[1]), 128, np.uint8)
    for codec in Codec:
        try:
            encoder = open_encoder(codec, size, settings)
            encoder.encode(grey, 0, 0.0, key_frame=True)
        except StreamError as error:
            reasons.append(str(error))
        else:
            found[codec] = encoder.name
    if not found or settings.name not in (None, *found.values()):
        raise StreamError("; ".join(reasons))
    return found
