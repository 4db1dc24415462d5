"""Makes small video files with a time code drawn in: each frame's number, as eight blocks.

Deterministic to the frame; the code survives any codec. `read_code` reads it back, also from a
picture that was turned.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream

from live.frames import Image

BITS = 8
WIDTH, HEIGHT = 96, 64
MATRIX_90 = bytes.fromhex(  # tkhd's matrix (ISO 14496-12, 8.3.2): turn by 90 degrees clockwise
    "00000000 00010000 00000000 ffff0000 00000000 00000000 00000000 00000000 40000000"
)


def coded(number: int, width: int = WIDTH, height: int = HEIGHT) -> Image:
    """BGR (height, width, 3): `number` in black and white blocks on the upper half, blue below."""
    image = np.full((height, width, 3), (200, 40, 40), np.uint8)
    for bit in range(BITS):
        left, right = bit * width // BITS, (bit + 1) * width // BITS
        image[: height // 2, left:right] = 255 if number >> bit & 1 else 0
    return image


def read_code(image: Image) -> int:
    """The number drawn by `coded`, whatever the size."""
    height, width = image.shape[:2]
    row = image[height // 4, :, 1]
    return sum(int(row[(2 * bit + 1) * width // (2 * BITS)] > 127) << bit for bit in range(BITS))


def write_clip(
    path: Path,
    times_ms: Iterable[int],
    *,
    codec: str = "libx264",
    width: int = WIDTH,
    height: int = HEIGHT,
    container: str | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """A clip whose frame i is shown at `times_ms[i]`; 4:4:4 codecs take odd sizes as well."""
    odd = width % 2 or height % 2
    with av.open(str(path), "w", format=container, options=options or {}) as out:
        stream = out.add_stream(codec, rate=30)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuv444p" if odd else "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for number, time_ms in enumerate(times_ms):
            frame = av.VideoFrame.from_ndarray(coded(number, width, height), format="bgr24")
            frame.pts, frame.time_base = time_ms, Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def steady_ms(count: int, fps: float = 30.0) -> list[int]:
    """`count` times at `fps`, milliseconds."""
    return [round(number * 1000 / fps) for number in range(count)]


def write_portrait(path: Path, count: int = 4) -> Path:
    """A phone's clip: stored lying, marked to be turned by 90 degrees clockwise."""
    data = write_clip(path, steady_ms(count)).read_bytes()
    at = data.index(b"tkhd") + 4 + 40  # version 0: the matrix follows 40 bytes of other fields
    path.write_bytes(data[:at] + MATRIX_90 + data[at + len(MATRIX_90) :])
    return path


def write_audio(path: Path) -> Path:
    """Half a second of a 440 Hz tone, and no picture."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("aac", rate=48000, layout="mono")
        tone = np.sin(np.arange(24000) * 2 * np.pi * 440 / 48000).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(tone[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48000, 0, Fraction(1, 48000)
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def write_cut_off(path: Path, count: int = 90, share: float = 0.6) -> Path:
    """The first `share` of a clip of `count` frames whose index comes first, so that it opens."""
    options = {"movflags": "+faststart"}
    data = write_clip(path, steady_ms(count), options=options).read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path
