"""Pictures through the show's own H.264 encoder and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext

from live.frames import Image
from live.stream.encoder import ENCODERS, Codec, Encoder, EncoderSettings
from live.stream.planes import to_i420

FPS = 30


@dataclass(frozen=True, slots=True, eq=False)
class CodedClip:
    """What came back."""

    lumas: list[Image]  # uint8 (H, W), limited range
    kbps: float


def through_h264(pictures: Sequence[Image], kbps: int) -> CodedClip:
    """RGB pictures coded by libx264 as the show sets it up, and decoded."""
    size = pictures[0].shape[0], pictures[0].shape[1]
    settings = EncoderSettings(bitrate_kbps=kbps, fps=FPS, name="libx264")
    (kind,) = (kind for kind in ENCODERS[Codec.H264] if kind.name == "libx264")
    encoder = Encoder(kind, size, settings)
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, VideoCodecContext)
    decoder.thread_count = 1  # else pictures come out later
    lumas: list[Image] = []
    total = 0
    for number, picture in enumerate(pictures):
        packet = encoder.encode(to_i420(picture), number * 3000, 0.0, number == 0).packet
        total += packet.size
        decoded = decoder.decode(av.Packet(bytes(packet)))
        lumas += [_luma(frame, size) for frame in decoded]
    lumas += [_luma(frame, size) for frame in decoder.decode(None)]
    assert len(lumas) == len(pictures)
    return CodedClip(lumas, total * 8 / len(pictures) * FPS / 1000)


def luma_before(picture: Image) -> Image:
    """The luma that the encoder is given, uint8 (H, W)."""
    return to_i420(picture)[: picture.shape[0], : picture.shape[1]]


def _luma(frame: av.VideoFrame, size: tuple[int, int]) -> Image:
    planes = np.asarray(frame.to_ndarray(), np.uint8)
    return planes[: size[0], : size[1]].copy()
