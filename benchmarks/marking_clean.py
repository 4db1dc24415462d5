"""Scores of pictures that bear no mark: how high they get, and how often one would be believed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from benchmarks.marking_attacks import jpeg
from live.frames import Image
from live.marking import THRESHOLD, judge
from live.sources.file import read_through
from live.watermark_detect import Detector, Finding

PERFORMER = Path(__file__).parents[1] / "live" / "assets" / "demo" / "performer.mp4"
WHEELS = (
    *(("pose2sim", f"Pose2Sim/Demo_SinglePerson/videos/cam0{n}.mp4") for n in range(1, 5)),
    ("pose2sim", "Pose2Sim/Demo_MultiPerson/videos/cam01.mp4"),
    ("sports2d", "Sports2D/Demo/demo.mp4"),
)
EACH = 25  # pictures of a clip that pieces are cut from
SHORTEST_PX, LONGEST_PX = 200, 640  # of a piece's shorter side, after scaling
_EULER = 0.5772156649


@dataclass(frozen=True, slots=True)
class Clean:
    """Without a mark."""

    looks: int
    sources: int  # clips that pieces were cut from
    median: float
    highest: float
    found: int  # that `live.marking` would call marked: false positives
    read: int  # whose payload held together, at any score
    mode: float  # of Gumbel's law, fitted by its moments
    scale: float
    chance: float  # of a score at the threshold or above, by that law


def clean_scores(bare: Sequence[Image], count: int, seed: int = 11) -> Clean:
    """Look at `count` pieces of the clips that are here and of the bare pictures (RGB)."""
    sources = list(_sources(bare))
    rng = np.random.default_rng(seed)
    findings = [_look(sources[number % len(sources)], rng) for number in range(count)]
    scores = np.array([found.score for found in findings if found is not None])
    scale = float(scores.std() * math.sqrt(6) / math.pi)
    mode = float(scores.mean() - _EULER * scale)
    return Clean(
        len(scores),
        len(sources),
        float(np.median(scores)),
        float(scores.max()),
        sum(judge(found, 1).marked for found in findings),
        sum(found is not None and found.payload is not None for found in findings),
        mode,
        scale,
        -math.expm1(-math.exp((mode - THRESHOLD) / scale)),
    )


def _sources(bare: Sequence[Image]) -> Iterator[list[Image]]:
    """Lumas, uint8 (H, W), clip by clip."""
    step = max(len(bare) // EACH, 1)
    yield [np.asarray(cv2.cvtColor(one, cv2.COLOR_RGB2GRAY), np.uint8) for one in bare[::step]]
    for path in (PERFORMER, *_wheels()):
        frames = islice(read_through(path), 0, EACH * 4, 4)
        yield [np.asarray(cv2.cvtColor(f.image, cv2.COLOR_BGR2GRAY), np.uint8) for f in frames]


def _wheels() -> Iterator[Path]:
    for package, name in WHEELS:
        try:
            path = Path(str(distribution(package).locate_file(name)))
        except PackageNotFoundError:
            continue
        if path.is_file():
            yield path


def _look(lumas: Sequence[Image], rng: np.random.Generator) -> Finding | None:
    """A piece of one of them, from half of its sides to all, scaled; every other one a JPEG."""
    luma = lumas[int(rng.integers(len(lumas)))]
    height, width = (round(side * rng.uniform(0.5, 1)) for side in luma.shape)
    top = int(rng.integers(luma.shape[0] - height + 1))
    left = int(rng.integers(luma.shape[1] - width + 1))
    scale = rng.uniform(SHORTEST_PX, LONGEST_PX) / min(height, width)
    size = round(width * scale), round(height * scale)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    piece = np.asarray(
        cv2.resize(luma[top : top + height, left : left + width], size, interpolation=how),
        np.uint8,
    )
    detector = Detector()
    detector.see((jpeg(piece, rng) if rng.random() < 0.5 else piece).astype(np.float32))
    return detector.find()
