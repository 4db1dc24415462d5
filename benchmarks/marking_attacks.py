"""What may happen to a marked picture on its way, and what is then left of the mark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from benchmarks.marking_codec import through_h264
from benchmarks.marking_pictures import marked, payload
from live.frames import Image
from live.marking import judge
from live.marks import Marks
from live.watermark_code import encode
from live.watermark_detect import Detector, Finding

KBPS = 1500
SETTLED = 30  # pictures: after a second the codec has made up for its first
LOT = 24  # pictures averaged, as a file's are
LOTS = 4
FIRST_PICTURES = 12  # clips whose first picture is looked at
JPEG = 85

Treat = Callable[[Image, np.random.Generator], Image]


@dataclass(frozen=True, slots=True)
class Row:
    """One treatment."""

    name: str
    looks: int
    found: float  # share that `live.marking` calls marked
    ber: float  # share of the coded bits that are wrong before error correction, mean
    read: float  # share whose payload is the one that was written
    score: float  # median
    least_score: float


def as_is(luma: Image, rng: np.random.Generator) -> Image:
    """Nothing happens."""
    return luma


def half(luma: Image, rng: np.random.Generator) -> Image:
    """Rescaled to 50 %."""
    return np.asarray(
        cv2.resize(luma, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8
    )


def crop(luma: Image, rng: np.random.Generator) -> Image:
    """Cut to 70 % of either side, anywhere."""
    height, width = (round(side * 0.7) for side in luma.shape)
    top = int(rng.integers(luma.shape[0] - height + 1))
    left = int(rng.integers(luma.shape[1] - width + 1))
    return luma[top : top + height, left : left + width]


def crop_half(luma: Image, rng: np.random.Generator) -> Image:
    """Both."""
    return half(crop(luma, rng), rng)


def screenshot(luma: Image, rng: np.random.Generator) -> Image:
    """On a dark page of 1440 x 900, 55 to 95 % of its height."""
    page = np.full((900, 1440), 17, np.uint8)
    side = int(900 * rng.uniform(0.55, 0.95))
    width = round(side * luma.shape[1] / luma.shape[0])
    top, left = int(rng.integers(900 - side)), int(rng.integers(1440 - width))
    how = cv2.INTER_LINEAR if side >= luma.shape[0] else cv2.INTER_AREA
    page[top : top + side, left : left + width] = cv2.resize(luma, (width, side), interpolation=how)
    return page


def jpeg(luma: Image, rng: np.random.Generator) -> Image:
    """Saved as JPEG."""
    _, saved = cv2.imencode(".jpg", luma, [cv2.IMWRITE_JPEG_QUALITY, JPEG])
    return np.asarray(cv2.imdecode(saved, cv2.IMREAD_GRAYSCALE), np.uint8)


def screenshot_jpeg(luma: Image, rng: np.random.Generator) -> Image:
    """A page, saved as JPEG."""
    return jpeg(screenshot(luma, rng), rng)


def crop_half_jpeg(luma: Image, rng: np.random.Generator) -> Image:
    """Cut, rescaled, and saved as JPEG."""
    return jpeg(crop_half(luma, rng), rng)


TREATMENTS: dict[str, Treat] = {
    "as it is": as_is,
    "half": half,
    "crop": crop,
    "crop + half": crop_half,
    "screenshot, PNG": screenshot,
    "screenshot, JPEG": screenshot_jpeg,
    "crop + half + JPEG": crop_half_jpeg,
}


def rows_of(bare: Sequence[Image], marks: Marks, samples: int, seed: int = 7) -> list[Row]:
    """Every treatment of marked pictures: uncoded, coded, and coded and averaged."""
    both = [marked(picture, marks) for picture in bare]
    plain = [
        np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
        for picture in _spread_out(both, samples)
    ]
    coded = through_h264(both, KBPS).lumas
    starts = _spread_out(both, min(FIRST_PICTURES, samples))
    firsts = [through_h264([start], KBPS).lumas[0] for start in starts]
    settled = coded[SETTLED:]
    lots = [settled[at :: max(len(settled) // LOT, 1)][:LOT] for at in range(min(LOTS, samples))]
    kinds: dict[str, list[list[Image]]] = {
        "uncoded": [[luma] for luma in plain],
        "codec, first picture": [[luma] for luma in firsts],
        "codec": [[luma] for luma in _spread_out(settled, samples)],
        f"codec, {LOT} averaged": lots,
    }
    rows = []
    for kind, looks in kinds.items():
        for name, treat in TREATMENTS.items():
            rng = np.random.default_rng(seed)
            rows.append(_row(f"{kind}: {name}", [_look(look, treat, rng) for look in looks]))
    return rows


def _look(lumas: Sequence[Image], treat: Treat, rng: np.random.Generator) -> Finding | None:
    """One video is cut and scaled in one way throughout."""
    seed = int(rng.integers(2**32))
    detector = Detector()
    for luma in lumas:
        detector.see(treat(luma, np.random.default_rng(seed)).astype(np.float32))
    return detector.find()


def _row(name: str, findings: Sequence[Finding | None]) -> Row:
    written, text = encode(payload().pack()), payload()
    scores = [found.score if found else 0.0 for found in findings]
    wrong = [float(((found.soft > 0) != written).mean()) if found else 0.5 for found in findings]
    return Row(
        name,
        len(findings),
        float(np.mean([judge(found, 1).marked for found in findings])),
        float(np.mean(wrong)),
        float(np.mean([found is not None and found.payload == text for found in findings])),
        float(np.median(scores)),
        min(scores),
    )


def _spread_out(pictures: Sequence[Image], count: int) -> list[Image]:
    """Every so-manieth."""
    return [pictures[number * len(pictures) // count] for number in range(count)]
