"""What the marks cost: time, likeness, bits."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.marking_codec import luma_before, through_h264
from benchmarks.marking_pictures import marked, marks_of, payload
from live.caption import Caption
from live.frames import Image
from live.mark_settings import CaptionSettings, MarkSettings
from live.marks import Marks
from live.timing import Spread, spread
from live.watermark import Watermark

WARM_UP, RUNS = 20, 300
ASKED_KBPS = (1500, 3000)


@dataclass(frozen=True, slots=True)
class Bitrate:
    """The same pictures through the same encoder, bare and marked."""

    asked_kbps: int
    bare_kbps: float
    marked_kbps: float
    bare_psnr_db: float  # of what comes back, against what was given; luma
    marked_psnr_db: float


@dataclass(frozen=True, slots=True)
class Cost:
    """For one picture, or all."""

    size: tuple[int, int]
    watermark_ms: Spread
    caption_ms: Spread
    psnr_db: float  # of the watermarked picture against the bare one, RGB; median
    worst_psnr_db: float
    most_levels: int  # the largest change of any pixel, of 255
    bitrates: list[Bitrate]


def cost_of(bare: Sequence[Image], marks: Marks) -> Cost:
    """Measure it on the bare pictures."""
    size = bare[0].shape[0], bare[0].shape[1]
    invisible = marks_of(size, MarkSettings(None, True))
    pairs = [(picture, marked(picture, invisible)) for picture in bare[::10]]
    psnr_db = [psnr(*pair) for pair in pairs]
    most = max(int(np.abs(one.astype(np.int16) - other).max()) for one, other in pairs)
    watermark, caption = Watermark(payload(), size), Caption(CaptionSettings(), size)
    both = [marked(picture, marks) for picture in bare]
    return Cost(
        size,
        _time(watermark.add_to, bare),
        _time(caption.add_to, bare),
        float(np.median(psnr_db)),
        min(psnr_db),
        most,
        [_bitrate(bare, both, kbps) for kbps in ASKED_KBPS],
    )


def psnr(one: Image, other: Image) -> float:
    """Peak signal to noise, dB."""
    error = np.square(one.astype(np.float64) - other).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-10)))


def _time(add_to: Callable[[Image], None], bare: Sequence[Image]) -> Spread:
    durations_s = []
    for number in range(WARM_UP + RUNS):
        picture = bare[number % len(bare)].copy()
        began_s = time.perf_counter()
        add_to(picture)
        durations_s.append(time.perf_counter() - began_s)
    return spread(durations_s[WARM_UP:])


def _bitrate(bare: Sequence[Image], both: Sequence[Image], kbps: int) -> Bitrate:
    clips = [through_h264(pictures, kbps) for pictures in (bare, both)]
    likeness = [
        float(np.median([psnr(luma_before(p), y) for p, y in zip(given, clip.lumas, strict=True)]))
        for given, clip in zip((bare, both), clips, strict=True)
    ]
    return Bitrate(kbps, clips[0].kbps, clips[1].kbps, *likeness)
